import SaturnCore

/// Puts a launch into the words of the bridges' protocol.
final class LaunchTranslator {
    private let bridge: Bridge
    private let syncs: [(sync: FolderSync, listing: SyncListing)]
    /// What was offered to the bridge already.
    private var offered: Set<String> = []

    init(_ bridge: Bridge) throws {
        self.bridge = bridge
        syncs = bridge.isShared ? [] : try bridge.syncs.map { ($0, try SyncListing($0, without: bridge.ownFolders)) }
    }

    func task(_ launch: Launch) -> BridgeTask {
        let variables = launch.environment + launch.secrets
        var task = BridgeTask(
            attempt: launch.attempt.description, argv: launch.command.leanArguments,
            env: Dictionary(variables.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }), cwd: launch.workdir)
        if !launch.secrets.isEmpty { task.secrets = launch.secrets.map(\.value) }
        task.resources = launch.resources.map(Self.amounts)
        task.after = launch.surroundings.supersedes?.description
        if bridge.isShared {
            task.workspace = launch.workspace.folder
        } else {
            task.results = launch.workspace.results
            if launch.surroundings.logSize > 0 { task.log_size = launch.surroundings.logSize }
            ship(launch.surroundings, &task)
        }
        return task
    }

    private func ship(_ surroundings: Launch.Surroundings, _ task: inout BridgeTask) {
        task.checkpoint = surroundings.checkpoint
        if !surroundings.needs.isEmpty {
            task.needs = surroundings.needs.map { [$0.task, $0.folder] }
            task.needs_file = surroundings.needsFile
        }
        for need in surroundings.needs { offer("needs-\(need.attempt)", need.folder, &task) }
        if let snapshot = surroundings.snapshot {
            let name = snapshot.split(separator: "/").last.map(String.init) ?? ""
            offer("snapshot-\(name)", snapshot, &task)
        }
        guard !syncs.isEmpty else { return }
        task.base = bridge.base
        task.syncs = syncs.map { [$0.listing.name, $0.sync.destination] }
        for (sync, listing) in syncs where offered.insert(listing.name).inserted {
            let upload = BridgeTask.Upload(
                folder: sync.source, without: SyncListing.leftOut, without_paths: listing.ownFolders)
            task.upload = (task.upload ?? [:]).merging([listing.name: upload]) { $1 }
        }
    }

    private func offer(_ name: String, _ folder: String, _ task: inout BridgeTask) {
        task.blobs = (task.blobs ?? [:]).merging([folder: name]) { $1 }
        guard offered.insert(name).inserted else { return }
        task.upload = (task.upload ?? [:]).merging([name: BridgeTask.Upload(folder: folder)]) { $1 }
    }

    private static func amounts(_ resources: Resources) -> [String: Double] {
        var amounts: [String: Double] = [:]
        amounts["cpus"] = resources.cpus?.value
        amounts["gpus"] = resources.gpus?.value
        amounts["memory"] = resources.memory(onStep: 0).map { Double($0) }
        for other in resources.others { amounts[other.name] = other.amount.value }
        // None of something is no wish, and not every engine knows what that something is.
        return amounts.filter { $0.value > 0 }
    }
}

extension Command {
    /// Of a simple command for the default shell: its words, which need no shell.
    var leanArguments: [String] {
        if case .shell(let text, Command.defaultShell) = self, let words = ShellText.simpleWords(of: text) {
            return words
        }
        return argv
    }
}

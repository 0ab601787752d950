import Glibc
import SaturnCore

/// Puts a launch into the words of the bridges' protocol.
final class LaunchTranslator {
    private let bridge: Bridge
    private let syncs: [(name: String, sync: Bridge.Sync)]
    /// What was offered to the bridge already.
    private var offered: Set<String> = []

    init(_ bridge: Bridge) throws {
        self.bridge = bridge
        syncs = bridge.isShared ? [] : try bridge.syncs.map { (try Self.name(of: $0), $0) }
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
        task.syncs = syncs.map { [$0.name, $0.sync.destination] }
        for (name, sync) in syncs where offered.insert(name).inserted {
            let upload = BridgeTask.Upload(folder: sync.source, without: [".git", ".saturn"])
            task.upload = (task.upload ?? [:]).merging([name: upload]) { $1 }
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
        amounts["memory"] = resources.memory.map { Double($0.value) }
        for other in resources.others { amounts[other.name] = other.amount.value }
        return amounts
    }

    /// Another one when something in the folder has another size or time.
    private static func name(of sync: Bridge.Sync) throws -> String {
        var listing = "\(sync.source)\n\(sync.destination)\n"
        try list(sync.source, into: &listing)
        return "sync-\(Digest(of: listing.utf8).description.prefix(32))"
    }

    private static func list(_ path: String, into listing: inout String) throws {
        guard let folder = opendir(path) else {
            throw Failure(
                .usage, "cannot ship \(path): \(String(cString: strerror(errno)))", hint: "'file_syncs' names folders")
        }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard ![".", "..", ".git", ".saturn"].contains(name) else { continue }
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { continue }
            let time = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
            listing += "\(path)/\(name) \(status.st_mode) \(status.st_size) \(time)\n"
            if status.st_mode & S_IFMT == S_IFDIR { try list("\(path)/\(name)", into: &listing) }
        }
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

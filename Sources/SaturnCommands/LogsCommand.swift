import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger
import SaturnStores

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print the log of a task.")

    @Argument(help: "The task.")
    var task: String

    @Option(help: "The run; without it the newest.")
    var name: String?

    @Flag(name: .shortAndLong, help: "Follow the log until the task ends.")
    var follow = false

    @OptionGroup var location: LocationArguments

    func run() async throws {
        let (view, state) = try location.find(nil, name)
        guard view.tasks.contains(where: { $0.name == task }) else {
            throw Failure(
                .usage, "run '\(view.record.name)' has no task '\(task)'",
                hint: Suggestion.hint(for: task, among: view.tasks.map(\.name)))
        }
        let store = try BuiltInStore.at(view.record.location, state)
        let place = try self.place(view, state)
        if let bucket = store as? S3Results, access(store.folder(of: place) + "/log", F_OK) != 0 {
            return try await ChunkReader(bucket: bucket, place: place).copy(follows: follow)
        }
        let folder = store.folder(of: place)
        let isRunning = { state.holder(of: view.record.name) != nil && access(folder + "/status", F_OK) != 0 }
        var reader = LogReader(path: folder + "/log")
        while follow {
            // Looked at before reading: what is written until the end is read after it.
            let goesOn = isRunning()
            guard reader.copy() else { return }
            guard goesOn else { break }
            try await Task.sleep(nanoseconds: 100_000_000)
        }
        guard reader.copy() else { return }
        guard reader.isOpen else {
            throw Failure(.usage, "task '\(task)' has no log", hint: "saturn status shows how it stands")
        }
        reader.finish()
    }
}

extension LogsCommand {
    /// Where the attempt of this run is: another run may have superseded it in the task's folder.
    private func place(_ view: RunView, _ state: StateFolder) throws -> ResultPlace {
        guard let id = view.tasks.first(where: { $0.name == task })?.attempt,
            let attempt = try SQLiteLedger(reading: state.ledger).attempts([id])[id], attempt.place == .attic
        else { return .standing(task: task) }
        return .attic(key: attempt.key, attempt: id)
    }
}

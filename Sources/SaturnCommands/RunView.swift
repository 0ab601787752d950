import SaturnCore
import SaturnEngine
import SaturnLedger

/// What the ledger knows of a run, with a look at who has its lock.
struct RunView {
    var record: RunRecord
    var tasks: [TaskRecord]
    var attempts: [AttemptID: AttemptRecord]
    /// Results that were declared good under another key than their own.
    var accepted: Set<AttemptID>
    /// Who runs it now.
    var holder: LockHolder?
    private let folder: StateFolder?

    /// Where its results are; `nil` when they cannot be looked at.
    var store: (any ResultStore)? { try? BuiltInStore.at(record.location, folder) }

    /// - Parameter folder: `nil` for whoever has the run's lock himself.
    init(_ record: RunRecord, ledger: any Ledger, folder: StateFolder?) throws {
        try self.init(record, ledger.tasks(of: record.name), ledger: ledger, folder: folder)
    }

    /// - Parameter tasks: as the ledger has them.
    init(_ record: RunRecord, _ tasks: [TaskRecord], ledger: any Ledger, folder: StateFolder?) throws {
        self.record = folder.map { record.moved(to: $0) } ?? record
        self.tasks = tasks
        self.folder = folder
        attempts = try ledger.attempts(tasks.filter { !$0.state.hasResult }.compactMap(\.attempt))
        let accepted = Set(try ledger.accepted().keys)
        self.accepted = accepted.isEmpty ? [] : accepted.intersection(tasks.compactMap(\.attempt))
        holder = record.state == .running ? folder?.holder(of: record.name) : nil
    }

    /// `running`, `succeeded`, `failed`, `stopped`, or `interrupted` when saturn was killed.
    var state: String { record.state == .running && holder == nil ? "interrupted" : record.state.rawValue }

    /// Tasks of a run that died, or that an error of saturn's own ended, which it had planned and not finished. Nothing
    /// of one that was stopped: whoever stopped it did not want it to go on.
    var unfinished: [String] {
        guard record.exitCode == nil, holder == nil else { return [] }
        let open: Set<TaskState> = [.waiting, .ready, .running, .skipped, .terminated]
        return tasks.filter { open.contains($0.state) }.map(\.name)
    }

    var hasAllResults: Bool { tasks.allSatisfy { $0.state.hasResult || $0.state == .excluded } }

    func count(_ states: TaskState...) -> Int { tasks.count { states.contains($0.state) } }

    /// By task, what was said when the result that stands there was accepted, oldest first.
    func acceptances() -> [String: [Acceptance]] {
        guard !accepted.isEmpty, let store else { return [:] }
        var found: [String: [Acceptance]] = [:]
        for task in tasks {
            guard let attempt = task.attempt, accepted.contains(attempt),
                let events = (try? store.events(of: .standing(task: task.name))) ?? nil, events.attempt == attempt
            else { continue }
            found[task.name] = events.acceptances
        }
        return found
    }

    /// As it is now.
    static func reading(_ name: String, _ state: StateFolder) throws -> RunView {
        let ledger = try SQLiteLedger(reading: state.ledger)
        return try RunView(find(name, in: ledger), ledger: ledger, folder: state)
    }

    /// What is said of a run that nobody goes on with.
    static func unfinished(_ run: String) -> Failure {
        Failure(
            .engine, "run '\(run)' has not come to its end",
            hint: "saturn collect \(ShellText.option("--name", run)) finishes it")
    }

    /// The run of that name, else the newest whose run file has it; without a name the newest of all.
    static func find(_ name: String?, in ledger: any Ledger) throws -> RunRecord {
        let runs = try ledger.runs()
        guard let name else {
            guard let newest = runs.first else { throw Failure(.usage, "there is no run yet", hint: "saturn run FILE") }
            return newest
        }
        if let found = runs.first(where: { $0.name == name }) ?? runs.first(where: { $0.specName == name }) {
            return found
        }
        throw Failure(
            .usage, "there is no run named '\(name)'",
            hint: Suggestion.hint(for: name, among: runs.map(\.name)) ?? "saturn list shows the runs there are")
    }
}

public import SaturnCore

/// Pins results, so that gc keeps them: an event in the result's own `events`, which goes where the result goes and
/// needs no ledger.
public struct Pinning {
    private let ledger: any Ledger
    private let store: any ResultStore
    private let run: RunRecord

    public init(ledger: any Ledger, store: any ResultStore, run: RunRecord) {
        self.ledger = ledger
        self.store = store
        self.run = run
    }

    /// A result to pin, and whether it is pinned already.
    public struct Target: Sendable {
        public var task: String
        public var isPinned: Bool
        let record: AttemptRecord
    }

    /// The results of `tasks`, or of all tasks that have one; changes nothing.
    ///
    /// Throws a ``Failure`` of kind `usage` when one of `tasks` is not of the run, or has no finished result.
    public func targets(_ tasks: [String]) throws -> [Target] {
        let known = try ledger.tasks(of: run.name)
        for task in tasks where !known.contains(where: { $0.name == task }) {
            throw Failure(
                .usage, "run '\(run.name)' has no task '\(task)'",
                hint: Suggestion.hint(for: task, among: known.map(\.name)))
        }
        let wanted = tasks.isEmpty ? known : known.filter { tasks.contains($0.name) }
        return try wanted.compactMap { task in
            if let target = try target(task) { return target }
            guard !tasks.isEmpty else { return nil }
            throw Failure(
                .usage, "task '\(task.name)' has no finished result to pin", hint: "saturn status shows how it stands")
        }
    }

    private func target(_ task: TaskRecord) throws -> Target? {
        guard let id = task.attempt, let record = try ledger.attempts([id])[id] else { return nil }
        for place in places(record) {
            guard let result = try store.result(at: place), result.attempt == id else { continue }
            guard result.status == "success" || result.status == "failure" else { return nil }
            return Target(task: task.name, isPinned: result.events.isPinned, record: record)
        }
        return nil
    }

    /// A run may be moving it at this moment: from one to the other.
    private func places(_ record: AttemptRecord) -> [ResultPlace] {
        let standing = ResultPlace.standing(task: record.task)
        return [standing, .attic(key: record.key, attempt: record.id), standing]
    }

    /// Pins, or takes the pin away.
    public func pin(_ target: Target, _ isPinned: Bool, at time: Timestamp) throws {
        guard target.isPinned != isPinned else { return }
        // What gc has decided to delete it deletes with this lock, and looks for pins before it does.
        let lock = try store.lockAttic()
        defer { withExtendedLifetime(lock) {} }
        let event = EventLog.entry(isPinned ? "pinned" : "unpinned", at: time)
        for place in places(target.record) {
            if try store.annotate(target.record.id, at: place, events: event) { return }
        }
        throw Failure(
            .workspace, "the result of '\(target.task)' is not there any more", hint: "saturn plan says what to do")
    }
}

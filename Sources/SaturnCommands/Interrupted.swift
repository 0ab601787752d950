import SaturnCore
import SaturnEngine

/// A run that died: what it has left, by the ledger, and by the results folder for what happened in the last second, of
/// which the ledger has not heard.
struct Interrupted {
    let record: RunRecord
    /// By name, as they were when it died.
    private(set) var tasks: [String: TaskRecord]
    /// To be looked at again: those without an end, and successes that the ledger has yet to adopt.
    private(set) var open: Set<String>
    /// Successes that the ledger has yet to adopt: whatever was forced has been.
    private(set) var finished: Set<String> = []

    /// `nil` when nothing is left.
    ///
    /// - Parameter left: the tasks to be looked at.
    init?(_ view: RunView, _ left: [String], store: any ResultStore, ledger: any Ledger) throws {
        record = view.record
        open = Set(left)
        guard !open.isEmpty else { return nil }
        tasks = Dictionary(view.tasks.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for name in left { try hear(name, store, ledger) }
    }

    private mutating func hear(_ name: String, _ store: any ResultStore, _ ledger: any Ledger) throws {
        let place = ResultPlace.standing(task: name)
        guard let events = try store.events(of: place), events.run == record.name, let attempt = events.attempt,
            try ledger.attempts([attempt]).isEmpty
        else { return }
        switch try store.status(of: place) {
        case "success": finished.insert(name)
        case "failure":
            open.remove(name)
            tasks[name]?.state = .failed
            tasks[name]?.attempt = attempt
            tasks[name]?.note = events.failure?.text
        default: tasks[name]?.state = .running
        }
    }

    /// What the ledger is to know when somebody stops it: it is not to be finished.
    func stopped(at time: Timestamp) -> LedgerBatch {
        var batch = LedgerBatch()
        var run = record
        (run.state, run.exitCode, run.ended) = (.stopped, Interrupted.stoppedExitCode, time)
        batch.runs = [run]
        for var task in tasks.values {
            if finished.contains(task.name) {
                task.state = .succeeded
            } else if !task.state.isSettled {
                task.state = task.state == .running ? .terminated : .skipped
            }
            batch.tasks.append((record.name, task))
        }
        return batch
    }

    /// As if it had ended on SIGTERM.
    private static let stoppedExitCode: Int32 = 143
}

import SaturnCore
import SaturnEngine
import SaturnStores
import SaturnTesting

/// A project with results in real folders, some of them superseded, and a gc for them.
///
/// ```swift
/// let heap = try Heap()
/// let old = try heap.superseded("a")
/// heap.clock.advance(by: 31 * Heap.day)
/// #expect(try heap.collect().going.map(\.attempt) == [old])
/// ```
final class Heap {
    static let day = 86_400.0

    let space: TestSpace
    let state: StateFolder
    let ledger = MemoryLedger()
    /// Begins now: folders get their times from the machine.
    let clock = ManualClock(now: SystemClock().now())
    private var generator = SystemRandomNumberGenerator()
    private var number: UInt8 = 0

    init() throws {
        space = try TestSpace()
        state = StateFolder(path: space.path(".saturn"))
        try state.create()
        space.makeFolder("results")
    }

    func store(_ folder: String = "results") -> LocalDir { LocalDir(directory: space.path(folder)) }

    /// A key that nothing else has.
    func newKey() -> TaskKey {
        number += 1
        return Digest(of: [number])
    }

    func newAttempt() -> AttemptID { AttemptID(using: &generator) }

    /// A result that stands in the folder of `task`.
    @discardableResult
    func standing(
        _ task: String, in folder: String = "results", status: String = "success", key: TaskKey? = nil,
        run: String = "run", project: String? = nil
    ) throws -> AttemptID {
        let (attempt, key, time) = (newAttempt(), key ?? newKey(), clock.now())
        let fields = [
            Variable("key", key.description), Variable("attempt", attempt.description), Variable("run", run),
            Variable("project", project ?? state.project ?? ""), Variable("task", task),
        ]
        space.makeFolder(folder)
        let workspace = try store(folder).begin(
            task, events: EventLog.header + EventLog.entry("submitted", at: time, fields))
        try space.write(workspace.results + "/value", String(repeating: "x", count: 5000))
        let stamp = try store(folder).publish(
            workspace, events: EventLog.entry("complete", at: time), status: status, error: nil)
        guard project == nil else { return attempt }
        var record = AttemptRecord(
            id: attempt, key: key, location: store(folder).location, task: task, run: run,
            state: status == "success" ? .success : .failure, place: .standing)
        record.stamp = stamp
        var batch = LedgerBatch()
        batch.attempts = [record]
        try ledger.commit(batch)
        return attempt
    }

    /// A result that has left its folder for the attic.
    @discardableResult
    func superseded(
        _ task: String, in folder: String = "results", status: String = "success", key: TaskKey? = nil,
        run: String = "run", project: String? = nil
    ) throws -> AttemptID {
        let key = key ?? newKey()
        let attempt = try standing(task, in: folder, status: status, key: key, run: run, project: project)
        try store(folder).retire(task, key: key, attempt: attempt)
        var batch = LedgerBatch()
        batch.moved = [(attempt, .attic, task)]
        try ledger.commit(batch)
        return attempt
    }

    /// The record of a run that ended just now, with these tasks in its plan.
    @discardableResult
    func record(_ run: String, _ tasks: [String], in folder: String = "results") throws -> RunRecord {
        var record = RunRecord(
            name: run, specName: nil, file: space.path("run.yaml"), location: store(folder).location,
            state: .succeeded, started: clock.now())
        record.ended = clock.now()
        let standing = try ledger.standing(in: record.location)
        var batch = LedgerBatch()
        batch.runs = [record]
        batch.plans = [
            run: tasks.enumerated().map { index, task in
                TaskRecord(name: task, index: index, state: .succeeded, attempt: standing[task]?.id)
            }
        ]
        try ledger.commit(batch)
        return record
    }

    func collector(stores: ((String) throws -> any ResultStore)? = nil) -> GarbageCollector {
        GarbageCollector(
            ledger: ledger, state: state, clock: clock, holder: LockHolder(command: "gc", path: state.path),
            stores: stores ?? { LocalDir(directory: $0) })
    }

    @discardableResult
    func collect(
        _ limits: RetentionLimits = RetentionLimits(), run: RunRecord? = nil, results: Bool = false
    ) throws -> Garbage {
        try collector().collect(GarbageRequest(limits: limits, run: run, removesResults: results))
    }

    /// Attempts in the attic, as the store lists them.
    func attic(_ folder: String = "results") throws -> Set<AttemptID> {
        Set(try store(folder).archived().results.map(\.attempt))
    }

    func trash(_ folder: String = "results") -> [String] { (try? space.list("\(folder)/.saturn/trash")) ?? [] }

    /// Everything below the folder of the test, with what a change would change.
    func listing() throws -> [String] {
        try space.run(["/bin/sh", "-c", "find . -printf '%y %m %s %P %l %T@ %C@\\0' | LC_ALL=C sort -z"]).stdout
            .split(separator: "\0").map(String.init)
    }
}

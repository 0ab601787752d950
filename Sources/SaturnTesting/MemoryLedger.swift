public import SaturnCore
import Synchronization

/// A ledger that lives as long as its test.
public final class MemoryLedger: Ledger {
    private struct State {
        var runs: [String: RunRecord] = [:]
        var plans: [String: [String: TaskRecord]] = [:]
        var parameters: [String: [[Variable]]] = [:]
        var manifests: [TaskKey: [UInt8]] = [:]
        var details: [String: [UInt8]] = [:]
        /// In the order in which they were first written.
        var order: [AttemptID] = []
        var attempts: [AttemptID: AttemptRecord] = [:]
        var digests: [String: DigestRecord] = [:]
        var traces: [String: (location: String, token: [UInt8])] = [:]
        var commits = 0
        var failures: [Int: Failure] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    /// The `number`-th commit from now on (the next is 1) throws and changes nothing.
    public func fails(atCommit number: Int, with failure: Failure = Failure(.engine, "the ledger is full")) {
        state.withLock { $0.failures[$0.commits + number] = failure }
    }

    public var commits: Int { state.withLock { $0.commits } }
    /// Every attempt, oldest first.
    public var records: [AttemptRecord] { state.withLock { state in state.order.compactMap { state.attempts[$0] } } }

    // MARK: Reading

    public func standing(in location: String) throws -> [String: AttemptRecord] {
        let standing = records.filter { $0.location == location && $0.place == .standing }
        return Dictionary(standing.map { ($0.task, $0) }, uniquingKeysWith: { _, newer in newer })
    }

    public func locations() throws -> [String] { Set(records.map(\.location)).sorted() }

    public func successes(of key: TaskKey) throws -> [AttemptRecord] {
        records.reversed().filter { $0.isGood(under: key) }
    }

    public func fields(of key: TaskKey) throws -> [Manifest.Field]? {
        state.withLock { $0.manifests[key] }.flatMap { ManifestCoding.decode($0) }
    }

    public func detail(of value: String) throws -> [UInt8]? { state.withLock { $0.details[value] } }

    public func latest(in location: String) throws -> [String: AttemptRecord] {
        let known = records.filter { $0.location == location }
        return Dictionary(known.map { ($0.task, $0) }, uniquingKeysWith: { _, newer in newer })
    }

    public func accepted() throws -> [AttemptID: [TaskKey]] {
        state.withLock { $0.attempts.mapValues(\.accepted).filter { !$0.value.isEmpty } }
    }

    public func isPlanned(_ task: String, in location: String, otherThan run: String) throws -> Bool {
        state.withLock { state in
            state.runs.values.contains {
                $0.name != run && $0.location == location && state.plans[$0.name]?[task] != nil
            }
        }
    }

    public func runs() throws -> [RunRecord] {
        state.withLock { state in
            state.runs.values.sorted { ($1.started, $0.name) < ($0.started, $1.name) }
        }
    }

    public func tasks(of run: String) throws -> [TaskRecord] {
        state.withLock { state in (state.plans[run] ?? [:]).values.sorted { $0.index < $1.index } }
    }

    public func attempts(_ ids: [AttemptID]) throws -> [AttemptID: AttemptRecord] {
        state.withLock { state in state.attempts.filter { ids.contains($0.key) } }
    }

    public func parameters(of run: String) throws -> [[Variable]]? { state.withLock { $0.parameters[run] } }

    public func digest(of path: String) throws -> DigestRecord? { state.withLock { $0.digests[path] } }

    public func trace(of run: String) throws -> [UInt8]? { state.withLock { $0.traces[run]?.token } }

    // MARK: Writing

    public func commit(_ batch: LedgerBatch) throws {
        try state.withLock { state in
            state.commits += 1
            if let failure = state.failures[state.commits] { throw failure }
            for run in batch.runs { state.runs[run.name] = run }
            for (run, tasks) in batch.plans {
                state.plans[run] = Dictionary(tasks.map { ($0.name, $0) }, uniquingKeysWith: { _, newer in newer })
            }
            state.parameters.merge(batch.parameters) { _, newer in newer }
            state.manifests.merge(batch.manifests) { old, _ in old }
            state.details.merge(batch.details) { old, _ in old }
            for attempt in batch.attempts { Self.add(attempt, to: &state) }
            for (attempt, place, task) in batch.moved { Self.move(attempt, to: place, task, in: &state) }
            for (run, task) in batch.tasks { state.plans[run, default: [:]][task.name] = task }
            for digest in batch.digests { state.digests[digest.path] = digest }
            for attempt in batch.forgotten {
                state.attempts[attempt] = nil
                state.order.removeAll { $0 == attempt }
            }
            for run in batch.forgottenRuns {
                state.runs[run] = nil
                state.plans[run] = nil
                state.parameters[run] = nil
                state.traces[run] = nil
            }
            Self.settle(batch, in: &state)
        }
    }

    private static func settle(_ batch: LedgerBatch, in state: inout State) {
        let touched = Set(batch.attempts.map(\.location))
        let isUnclear = !batch.moved.isEmpty || !batch.forgotten.isEmpty
        state.traces = state.traces.filter { !isUnclear && !touched.contains($0.value.location) }
        for (run, location, token) in batch.traces { state.traces[run] = (location, token) }
        for run in batch.upToDate {
            for (name, task) in state.plans[run] ?? [:] where task.state.hasResult {
                state.plans[run]?[name]?.state = .reused
            }
        }
    }

    private static func add(_ record: AttemptRecord, to state: inout State) {
        if record.place == .standing { clear(record.task, in: record.location, &state) }
        if state.attempts.updateValue(record, forKey: record.id) == nil { state.order.append(record.id) }
    }

    private static func move(
        _ attempt: AttemptID, to place: AttemptRecord.Place, _ task: String, in state: inout State
    ) {
        guard var record = state.attempts[attempt] else { return }
        if place == .standing { clear(task, in: record.location, &state) }
        record.place = place
        record.task = task
        state.attempts[attempt] = record
    }

    /// One attempt stands in a folder; what was thought to be there is in the attic, or nowhere.
    private static func clear(_ task: String, in location: String, _ state: inout State) {
        for (id, record) in state.attempts
        where record.task == task && record.location == location && record.place == .standing {
            state.attempts[id]?.place = .attic
        }
    }
}

import SaturnCore

/// Gathers what the ledger is to know, in batches; before a success is written down, it looks
/// whether the code and the inputs that it counts are still what they were.
struct Journal {
    /// What a look at the sources found.
    struct Changes {
        var what: [String] = []
        /// Tasks whose results will not be reused.
        var tasks: [Int] = []
    }

    private let preparation: Preparation
    private let clock: any TimeSource
    private var record: RunRecord?
    private var pending: [(task: Int, record: AttemptRecord)] = []
    private var stale: Set<Int> = []
    private var lastFlush: Int64
    private var staleTasks: [Int] = []
    private var adopted: [AttemptRecord]
    var batch = LedgerBatch()

    init(_ preparation: Preparation, clock: any TimeSource) {
        self.preparation = preparation
        self.clock = clock
        lastFlush = clock.uptime()
        adopted = preparation.evidence.adopted.records
    }

    mutating func begin(_ record: RunRecord, tasks: [TaskRecord]) -> LedgerBatch {
        self.record = record
        batch.runs = [record]
        batch.plans[record.name] = tasks
        return takeBatch()
    }

    /// Whether something that the task's key counts is known to have changed during the run.
    mutating func isStale(_ task: Int) -> Bool {
        guard !stale.isEmpty, preparation.compilation.used[task].contains(where: stale.contains) else { return false }
        staleTasks.append(task)
        return true
    }

    mutating func add(_ record: AttemptRecord, of task: Int) {
        pending.append((task, record))
    }

    mutating func set(_ task: TaskRecord) {
        if let record = self.record { batch.tasks.append((record.name, task)) }
    }

    /// Once a second, or when much has come together.
    var isDue: Bool { clock.uptime() - lastFlush >= 1_000_000_000 || pending.count >= 4096 }

    mutating func take() throws -> (changes: Changes, batch: LedgerBatch) {
        lastFlush = clock.uptime()
        let changes = try look()
        return (changes, takeBatch())
    }

    mutating func end(_ state: RunRecord.State, exitCode: Int32?) throws -> (changes: Changes, batch: LedgerBatch) {
        let time = clock.now()
        record?.state = state
        record?.ended = time
        record?.exitCode = exitCode
        if let record { batch.runs = [record] }
        return try take()
    }

    private mutating func look() throws -> Changes {
        var changes = Changes(what: [], tasks: staleTasks)
        staleTasks = []
        let finished = pending.filter { $0.record.state == .success && $0.record.reusable }.map(\.task)
        let sources = Set(finished.flatMap { preparation.compilation.used[$0] }).subtracting(stale)
        guard !sources.isEmpty else { return changes }
        for change in preparation.compilation.sources.changed(among: sources) {
            stale.insert(change.source)
            if !changes.what.contains(change.what) { changes.what.append(change.what) }
        }
        guard !changes.what.isEmpty else { return changes }
        for index in pending.indices {
            let task = pending[index].task
            guard pending[index].record.reusable, pending[index].record.state == .success,
                preparation.compilation.used[task].contains(where: stale.contains)
            else { continue }
            pending[index].record.reusable = false
            changes.tasks.append(task)
            try preparation.store.note(
                EventLog.entry("changed", at: clock.now()), on: .standing(task: pending[index].record.task))
        }
        return changes
    }

    /// What there is, without a look at the sources: nothing that ran may be in it.
    mutating func takeBatch() -> LedgerBatch {
        batch.attempts = adopted + batch.attempts + pending.map(\.record)
        adopted = []
        pending = []
        batch.digests = preparation.digests.takeFresh()
        defer { batch = LedgerBatch() }
        return batch
    }
}

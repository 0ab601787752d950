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
    private var lastLook: Int64
    /// Nanoseconds.
    private var lookTook: Int64 = 0
    private var staleTasks: [Int] = []
    private var adopted: [AttemptRecord]
    var batch = LedgerBatch()

    init(_ preparation: Preparation, clock: any TimeSource) {
        self.preparation = preparation
        self.clock = clock
        lastFlush = clock.uptime()
        lastLook = lastFlush
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
        guard countsWhatChanged(task) else { return false }
        staleTasks.append(task)
        return true
    }

    func countsWhatChanged(_ task: Int) -> Bool {
        !stale.isEmpty && preparation.compilation.used[task].contains(where: stale.contains)
    }

    /// Before it is decided whether tasks have their results already: a task that they needed may have made an input.
    mutating func look(before tasks: [Int]) -> Changes {
        let seesCode = clock.uptime() - lastLook >= 1_000_000_000
        return Changes(what: notice(Set(tasks.flatMap { preparation.compilation.used[$0] }), code: seesCode))
    }

    /// While tasks run and none ends: what changes and is put back meanwhile would never show. At most once a second, and
    /// for a twentieth of the time.
    mutating func look(during tasks: [Int]) -> Changes {
        let start = clock.uptime()
        guard !tasks.isEmpty, start - lastLook >= max(1_000_000_000, 20 * lookTook) else { return Changes() }
        let what = notice(Set(tasks.flatMap { preparation.compilation.used[$0] }), code: true)
        lookTook = clock.uptime() - start
        return Changes(what: what)
    }

    /// What of `sources` is not what it was, in words, each once; it is known as stale from then on.
    private mutating func notice(_ sources: Set<Int>, code: Bool) -> [String] {
        if code { lastLook = clock.uptime() }
        var what: [String] = []
        for change in preparation.compilation.sources.changed(among: sources.subtracting(stale), code: code) {
            stale.insert(change.source)
            if !what.contains(change.what) { what.append(change.what) }
        }
        return what
    }

    mutating func add(_ record: AttemptRecord, of task: Int) {
        pending.append((task, record))
    }

    mutating func set(_ task: TaskRecord) {
        if let record = self.record { batch.tasks.append((record.name, task)) }
    }

    /// Once a second, or when much has come together.
    var isDue: Bool {
        // Mutating, or each question would copy the whole journal.
        mutating get { clock.uptime() - lastFlush >= 1_000_000_000 || pending.count >= 4096 }
    }

    mutating func take() throws -> (changes: Changes, batch: LedgerBatch) {
        lastFlush = clock.uptime()
        let changes = try look()
        return (changes, takeBatch())
    }

    /// The token of a ``Trace``, to be written with the last of what it is about.
    mutating func addTrace(_ file: TraceFile?) -> [UInt8]? {
        guard file != nil else { return nil }
        var generator = SystemRandomNumberGenerator()
        let token = AttemptID(using: &generator).bytes
        batch.traces = [(preparation.run, preparation.store.location, token)]
        return token
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
        let sources = Set(finished.flatMap { preparation.compilation.used[$0] })
        if !sources.isSubset(of: stale) { changes.what = notice(sources, code: true) }
        guard !stale.isDisjoint(with: sources) else { return changes }
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

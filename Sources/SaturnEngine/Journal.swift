import SaturnCore

/// Gathers what the ledger is to know, in batches; before a success is written down, it looks
/// whether the code and the inputs that it counts are still what they were.
struct Journal {
    /// What a look at the sources found.
    struct Changes {
        var what: [String] = []
        /// What was written to while tasks that count it ran, and is again what it was.
        var written: [String] = []
        /// Tasks whose results will not be reused.
        var tasks: [Int] = []
    }

    private let preparation: Preparation
    private let clock: any TimeSource
    private var record: RunRecord?
    private var pending: [(task: Int, record: AttemptRecord)] = []
    private var stale: Set<Int> = []
    /// Tasks that have been launched, and not published.
    private var running: Set<Int> = []
    /// Of these and of `pending`: what they saw may not be what their keys say.
    private var doubtful: Set<Int> = []
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
        batch.parameters[record.name] = preparation.graph.nodes.map(\.spec.parameters)
        return takeBatch()
    }

    mutating func launching(_ task: Int) {
        // Not before: a task that it needs may have written its inputs.
        preparation.compilation.sources.mark(preparation.compilation.used[task])
        running.insert(task)
    }

    /// What a task that was launched before saw may not be what its key says.
    mutating func doubt(_ task: Int) { doubtful.insert(task) }

    /// Of a task that is to be published: whether something that its key counts is known to have changed during the run,
    /// or while it ran.
    mutating func isStale(_ task: Int) -> Bool {
        running.remove(task)
        guard doubtful.remove(task) != nil || countsWhatChanged(task) else { return false }
        staleTasks.append(task)
        return true
    }

    func countsWhatChanged(_ task: Int) -> Bool {
        !stale.isEmpty && preparation.compilation.used[task].contains(where: stale.contains)
    }

    /// Before it is decided whether tasks have their results already: a task that they needed may have made an input.
    mutating func look(before tasks: [Int]) -> Changes {
        let seesCode = clock.uptime() - lastLook >= 1_000_000_000
        return notice(sources(of: tasks), code: seesCode)
    }

    /// While tasks run and none ends: what changes and is put back meanwhile would never show. At most once a second, and
    /// for a twentieth of the time.
    mutating func look(during tasks: [Int]) -> Changes {
        let start = clock.uptime()
        guard !tasks.isEmpty, start - lastLook >= max(1_000_000_000, 20 * lookTook) else { return Changes() }
        let changes = notice(sources(of: tasks), code: true)
        lookTook = clock.uptime() - start
        return changes
    }

    private func sources(of tasks: [Int]) -> Set<Int> { Set(tasks.flatMap { preparation.compilation.used[$0] }) }

    /// What of `sources` is not what it was, in words, each once; it is known as stale from then on. What was written to,
    /// and is what it was, makes those doubtful that have used it since the last look.
    private mutating func notice(_ sources: Set<Int>, code: Bool) -> Changes {
        let sources = sources.subtracting(stale)
        guard !sources.isEmpty else { return Changes() }
        if code { lastLook = clock.uptime() }
        var changes = Changes()
        for finding in preparation.compilation.sources.look(at: sources, code: code) {
            if finding.isChanged {
                stale.insert(finding.source)
                if !changes.what.contains(finding.what) { changes.what.append(finding.what) }
            } else if doubt(whoUses: finding.source), !changes.written.contains(finding.what) {
                changes.written.append(finding.what)
            }
        }
        return changes
    }

    /// Whether there was anybody.
    private mutating func doubt(whoUses source: Int) -> Bool {
        let users = (running + pending.map(\.task)).filter { preparation.compilation.used[$0].contains(source) }
        doubtful.formUnion(users)
        return !users.isEmpty
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
        let finished = pending.filter { $0.record.state == .success && $0.record.reusable }.map(\.task)
        var changes = notice(sources(of: finished), code: true)
        changes.tasks = staleTasks
        staleTasks = []
        for index in pending.indices {
            let task = pending[index].task
            guard doubtful.remove(task) != nil || countsWhatChanged(task), pending[index].record.reusable,
                pending[index].record.state == .success
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

public import SaturnCore

/// One execution of a plan: the loop between scheduler, executor, store and ledger.
///
/// Everything that happens comes in through one stream; the scheduler decides; this class does what it says.
public final class Run {
    public struct Options: Sendable {
        /// Failed tasks after which nothing more is started.
        public var maxFailures: Int?
        /// Seconds between asking a task to end and ending it.
        public var grace: Double
        /// For people: who holds the locks.
        public var holder: String
        public var host: String
        /// Absolute path of the run file.
        public var file: String

        public init(maxFailures: Int? = nil, grace: Double = 5, holder: String, host: String, file: String) {
            self.maxFailures = maxFailures
            self.grace = grace
            self.holder = holder
            self.host = host
            self.file = file
        }
    }

    public struct Summary: Sendable {
        /// By task.
        public var states: [TaskState]
        public var causes: [Int: Cause]
        public var blockedBy: [Int: Int]
        /// Seconds.
        public var duration: Double
        /// The signal that stopped it.
        public var stoppedBy: Int32?
        /// Tasks whose results will not be reused, because the code or an input changed while they ran.
        public var notReusable: [Int]
    }

    private enum Input: Sendable {
        case executor([ExecutorEvent])
        case signal(Int32)
        case beat
    }

    private let preparation: Preparation
    private let executor: any Executor
    private let observer: any RunObserver
    private let clock: any TimeSource
    private let options: Options
    private var scheduler: Scheduler
    private var attempts: Attempts
    private var journal: Journal
    private var summary: Summary
    private var failure: (any Error)?
    private let began: Int64

    public init(
        _ preparation: Preparation, executor: any Executor, state: StateFolder, observer: any RunObserver,
        clock: any TimeSource, options: Options
    ) {
        self.preparation = preparation
        self.executor = executor
        self.observer = observer
        self.clock = clock
        self.options = options
        let graph = preparation.graph
        let items = graph.nodes.indices.map { index in
            Scheduler.Item(
                needs: graph.nodes[index].needs, priority: graph.nodes[index].spec.priority,
                retries: graph.nodes[index].spec.retries, timeout: graph.nodes[index].spec.timeout,
                state: Self.initialState(preparation.plan.decisions[index]))
        }
        scheduler = Scheduler(
            items,
            options: Scheduler.Options(
                slots: executor.slots, maxFailures: options.maxFailures, grace: options.grace))
        attempts = Attempts(preparation, state: state, clock: clock, host: options.host)
        journal = Journal(preparation, clock: clock)
        summary = Summary(
            states: items.map(\.state), causes: [:], blockedBy: [:], duration: 0, stoppedBy: nil, notReusable: [])
        began = clock.uptime()
    }

    private static func initialState(_ decision: Decision?) -> TaskState {
        switch decision?.action {
        case .run, .maybe, .blocked: .waiting
        case .reuse: .reused
        case .restore: .restored
        case nil: .excluded
        }
    }

    /// - Parameter signals: SIGINT and its like: the first stops, a second kills.
    public func execute(signals: AsyncStream<Int32>) async throws -> Summary {
        try begin()
        let (inputs, continuation) = AsyncStream<Input>.makeStream()
        do {
            try executor.start { continuation.yield(.executor($0)) }
        } catch {
            attempt { throw error }
            return try end()
        }
        let beats = clock.beats(every: 100_000_000)
        let forwarding = [
            Task { for await number in signals { continuation.yield(.signal(number)) } },
            Task { for await _ in beats { continuation.yield(.beat) } },
        ]
        handle(.begin)
        if !scheduler.isDone {
            for await input in inputs {
                take(input)
                if scheduler.isDone || (failure != nil && attempts.isEmpty) { break }
            }
        }
        for task in forwarding { task.cancel() }
        await executor.stop()
        return try end()
    }

    private func begin() throws {
        let changing = preparation.graph.nodes.indices.filter {
            preparation.plan.decisions[$0].map { $0.action != .reuse && $0.action != .blocked } ?? false
        }
        let survivors = try Survivors.end(
            of: changing.map { preparation.graph.nodes[$0].name }, in: preparation.store.location)
        if survivors > 0 {
            let noun = survivors == 1 ? "a process" : "\(survivors) processes"
            observer.observe(.warning("ended \(noun) that a killed saturn had left running"))
        }
        let restored = try attempts.restore(into: &journal.batch)
        for (index, decision) in preparation.plan.decisions.enumerated() {
            if decision?.action == .reuse { attempts.results[index] = decision?.result?.attempt }
        }
        attempts.results.merge(restored) { _, new in new }
        let record = RunRecord(
            name: preparation.run, specName: preparation.spec.name?.value, file: options.file,
            location: preparation.store.location, state: .running, started: clock.now())
        try journal.begin(record, tasks: taskRecords())
        for task in restored.keys.sorted() { observer.observe(.settled(task: task, .restored, Settled())) }
    }

    private func take(_ input: Input) {
        switch input {
        case .executor(let events):
            for event in events { take(event) }
        case .signal(let number):
            observer.observe(.stopping(signal: number, again: summary.stoppedBy != nil))
            handle(summary.stoppedBy == nil ? .stop : .kill)
            summary.stoppedBy = summary.stoppedBy ?? number
        case .beat:
            handle(.beat)
            for task in attempts.takeLongRunning() { journal.set(taskRecord(task)) }
            observer.observe(.beat)
        }
        guard failure == nil else { return }
        attempt { noticeChanges(try journal.flush(force: false)) }
    }

    private func take(_ event: ExecutorEvent) {
        switch event {
        case .started(let attempt, let time, let uptime):
            guard let task = attempts.started(attempt, at: time, uptime: uptime) else { return }
            summary.states[task] = .running
            handle(.started(task: task))
            observer.observe(.started(task: task))
        case .exited(let attempt, let exit):
            guard let task = attempts.task(of: attempt) else { return }
            handle(.exited(task: task, exit))
        case .fatal(let problem):
            attempt { throw Failure(.engine, problem) }
            // Nothing will be heard of what it ran.
            for task in attempts.underWay { handle(.exited(task: task, .lost(problem))) }
        }
    }

    private func handle(_ event: Scheduler.Event) {
        for action in scheduler.handle(event, at: clock.uptime()) { perform(action) }
    }

    /// A fault of the store or the ledger stops the run; what runs is ended, and the fault reported.
    private func attempt(_ body: () throws -> Void) {
        do { try body() } catch {
            guard failure == nil else { return }
            failure = error
            handle(.stop)
        }
    }

    private func perform(_ action: Scheduler.Action) {
        switch action {
        case .launch(let task, let number): launch(task, number)
        case .cancel(let task, let force):
            if let attempt = attempts.current(task) { executor.cancel(attempt, force: force) }
        case .retry(let task, let cause):
            attempts.failed(task, cause)
            observer.observe(.retrying(task: task, number: attempts.number(of: task) + 1, cause))
        case .publish(let task, let outcome): publish(task, outcome)
        case .settle(let task, let state, let cause): settle(task, state, cause)
        case .block(let task, let culprit):
            summary.states[task] = .blocked
            summary.blockedBy[task] = culprit
            journal.set(taskRecord(task))
            observer.observe(.settled(task: task, .blocked, Settled(blockedBy: culprit)))
        }
    }

    private func launch(_ task: Int, _ number: Int) {
        // Decided before the fault became known.
        guard failure == nil else { return handle(.exited(task: task, .cancelled)) }
        do {
            executor.launch([try attempts.prepare(task, number: number, &journal.batch)])
        } catch let error as Failure where error.kind == .workspace {
            handle(.exited(task: task, .notStarted(error.message, code: 126)))
        } catch {
            attempt { throw error }
            handle(.exited(task: task, .cancelled))
        }
    }

    private func publish(_ task: Int, _ outcome: Outcome) {
        do {
            guard let record = try attempts.publish(task, outcome, isStale: journal.isStale(task)) else {
                return handle(.published(task: task))
            }
            journal.add(record, of: task)
            handle(.published(task: task))
        } catch {
            let fault = error as? Failure
            if fault?.kind != .workspace { attempt { throw error } }
            if let record = attempts.unpublished { journal.add(record, of: task) }
            handle(.unpublished(task: task, fault?.message ?? "\(error)"))
        }
    }

    private func settle(_ task: Int, _ state: TaskState, _ cause: Cause?) {
        summary.states[task] = state
        summary.causes[task] = cause
        journal.set(taskRecord(task))
        let settled = Settled(cause: cause, duration: attempts.duration(of: task), log: attempts.log(of: task))
        attempts.forget(task)
        observer.observe(.settled(task: task, state, settled))
    }

    private func noticeChanges(_ changes: Journal.Changes) {
        for what in changes.what {
            observer.observe(
                .warning("\(what) changed while tasks ran: their results are kept, and not reused by the next run"))
        }
        summary.notReusable += changes.tasks
    }

    private func taskRecord(_ task: Int) -> TaskRecord {
        let culprit = summary.blockedBy[task].map { "needs \(preparation.graph.nodes[$0].name)" }
        let note = summary.causes[task]?.text ?? culprit
        return TaskRecord(
            name: preparation.graph.nodes[task].name, index: task, state: summary.states[task],
            attempt: attempts.results[task], note: note)
    }

    private func taskRecords() -> [TaskRecord] { preparation.graph.nodes.indices.map(taskRecord) }

    private func end() throws -> Summary {
        for task in scheduler.unstarted {
            summary.states[task] = .skipped
            journal.set(taskRecord(task))
        }
        let isComplete = summary.states.allSatisfy { $0.hasResult || $0 == .excluded }
        let state: RunRecord.State =
            summary.stoppedBy != nil || failure != nil ? .stopped : isComplete ? .succeeded : .failed
        let exitCode: Int32? = summary.stoppedBy.map { 128 + $0 } ?? (failure != nil ? nil : isComplete ? 0 : 1)
        do {
            noticeChanges(try journal.end(state, exitCode: exitCode))
        } catch  where failure != nil {
            // The first fault is the one to report.
        }
        if let failure { throw failure }
        summary.duration = Double(clock.uptime() - began) / 1e9
        return summary
    }
}

import CSystem
import Glibc
public import SaturnCore

/// One execution of a plan: the loop between scheduler, executor, store and ledger.
///
/// Everything that happens comes in through one mailbox; the scheduler decides; this class does what it says.
public final class Run {
    enum Input: Sendable {
        case executor([ExecutorEvent])
        case signal(Int32)
        case beat
        /// The ledger has got a batch, or not.
        case committed
    }

    let preparation: Preparation
    let executor: any Executor
    let observer: any RunObserver
    let clock: any TimeSource
    let options: Options
    let committer: Committer
    let inputs = Mailbox<Input>()
    var scheduler: Scheduler
    var attempts: Attempts
    var journal: Journal
    private var decider: Decider
    var summary: Summary
    /// What is told of tasks between two attempts.
    var pauses: [Int: String] = [:]
    var failure: (any Error)?
    let began: Int64
    private var hasBegun = false
    private var isCommitting = false
    var isDraining = false
    /// What runs is left to go on without this saturn.
    private var isLeaving = false
    /// Only what an earlier saturn has begun is heard of.
    private var isEnding = false
    /// When tasks were told to end.
    private(set) var stoppedAt: Int64?
    /// What the scheduler wants done, in order; the rest of it, while something is.
    private var actions: [Scheduler.Action] = []
    private var isPerforming = false
    private var attic: (any AtticLock)?

    /// - Parameter attic: the lock under which the plan was made; let go of when all is restored.
    public init(
        _ preparation: Preparation, executor: any Executor, state: StateFolder, observer: any RunObserver,
        clock: any TimeSource, options: Options, attic: (any AtticLock)? = nil
    ) {
        self.attic = attic
        committer = Committer(ledger: preparation.ledger, store: preparation.store, boot: preparation.boot)
        self.preparation = preparation
        self.executor = executor
        self.observer = observer
        self.clock = clock
        self.options = options
        let (items, demands) = Self.items(preparation, executor.capacity, options)
        scheduler = Scheduler(
            items,
            options: Scheduler.Options(
                slots: executor.slots, maxFailures: options.maxFailures, grace: options.grace, demands: demands))
        attempts = Attempts(
            preparation, state: state, clock: clock, host: options.host, sharesDisk: executor.sharesDisk,
            gpus: executor.capacity?.gpus ?? [],
            resumption: executor.outlivesSaturn
                ? Resumption(preparation: preparation, executor: executor, takesAll: options.takesAllAttempts) : nil)
        journal = Journal(preparation, clock: clock)
        decider = Decider(preparation)
        summary = Summary(
            states: items.map(\.state), causes: [:], blockedBy: [:], duration: 0, stoppedBy: nil, notReusable: [])
        began = clock.uptime()
    }

    /// - Parameter signals: SIGINT and its like: the first stops, a second kills. SIGUSR1 drains.
    public func execute(signals: AsyncStream<Int32>) async throws -> Summary {
        guard try hasBegun || begin() else {
            throw Failure(.engine, "a result that was to be restored has gone", hint: "run again")
        }
        guard needsExecutor else { return try await executeWithout() }
        let hearing = hear(signals)
        do { try await start() } catch {
            hearing.cancel()
            for case .signal(let number) in inputs.rest() { take(.signal(number)) }
            if isLeaving { return try leave() }
            if summary.stoppedBy != nil { return try end() }
            // All is there: what an earlier saturn has left on an engine can wait.
            if !hasWork, options.signal == nil, let failure = error as? Failure {
                observer.observe(.warning("\(failure.message): what is left of this run there stays"))
                return try await executeWithout()
            }
            attempt { throw error }
            return try end()
        }
        let beats = clock.beats(every: 100_000_000)
        let beating = Task { [inputs] in for await _ in beats { inputs.post(.beat) } }
        preparation.store.want(
            Set(preparation.graph.nodes.lazy.filter { !$0.dependents.isEmpty }.map(\.name)))
        takeFirst(inputs.rest() + (options.signal.map { [.signal($0)] } ?? []))
        if !isOver { await withTaskExecutorPreference(executor.workplace) { await takeInputs() } }
        for task in [hearing, beating] { task.cancel() }
        // What has been heard is told now: to leave an engine may take a while.
        observer.observe(.beat)
        if isLeaving {
            await executor.detach()
            return try leave()
        }
        await executor.stop()
        for case .executor(let events) in inputs.rest() { takeLastWords(events) }
        return try end()
    }

    private func hear(_ signals: AsyncStream<Int32>) -> Task<Void, Never> {
        // The first word of whoever does not want it any more is heard once it is known what there is to be ended.
        let waits = executor.hasLeftovers
        return Task { [inputs, executor, waits] in
            var waits = waits
            for await number in signals {
                inputs.post(.signal(number))
                if number != SIGUSR1, number != SIGTERM || !waits { executor.interrupt() }
                waits = waits && number != SIGTERM
            }
        }
    }

    /// With what came while an engine was being reached.
    private func takeFirst(_ first: [Input]) {
        isEnding = first.contains {
            if case .signal(let number) = $0 { number == SIGTERM || number == SIGUSR1 } else { false }
        }
        handle(.begin)
        for input in first where !isLeaving { take(input) }
    }

    private var isOver: Bool {
        isLeaving || scheduler.isDone || (failure != nil && attempts.isEmpty) || hasWaitedEnough
    }

    /// Nobody has to reach a cluster to hear that all is up to date.
    private var needsExecutor: Bool { executor.hasLeftovers || hasWork || options.signal != nil }

    private var hasWork: Bool {
        preparation.plan.decisions.contains { $0.map { $0.action == .run || $0.action == .maybe } ?? false }
    }

    private func executeWithout() async throws -> Summary {
        do { try committer.open() } catch { attempt { throw error } }
        handle(.begin)
        return try end()
    }

    private func takeInputs() async {
        while true {
            for input in await inputs.take() {
                take(input)
                if isOver { return }
            }
        }
    }

    /// Ends what a killed run has left running, and restores. `false` when a result that was to be restored had gone:
    /// then the plan must be made again.
    public func begin() throws -> Bool {
        try endSurvivors()
        defer { attic = nil }
        try attempts.takeSnapshots()
        do {
            for task in preparation.evidence.rejected {
                try preparation.store.note(EventLog.entry("changed", at: clock.now()), on: .standing(task: task))
            }
            // What the ledger does not know yet it would not find in the attic either.
            try committer.commit(journal.takeBatch(), at: clock.now())
            csystem_step("begin.adopted")
            try attempts.restore(into: &journal.batch)
            csystem_step("begin.restored")
            try record()
            for (task, decision) in preparation.plan.decisions.enumerated() where decision?.action == .restore {
                observer.observe(.settled(task: task, .restored, Settled()))
            }
        } catch is Restorer.Vanished {
            try committer.commit(journal.takeBatch(), at: clock.now())
            return false
        }
        hasBegun = true
        return true
    }

    private func endSurvivors() throws {
        // The search is not for nothing: a run that changes nothing does without it.
        guard preparation.plan.decisions.contains(where: { $0.map { $0.action != .reuse } ?? false }) else { return }
        // Whoever has the lock of the results folder knows that nobody's tasks should be running there.
        let spared = executor.outlivesSaturn ? try Resumption.candidates(preparation) : []
        let survivors = try Survivors.end(of: nil, sparing: spared, in: preparation.store.workplace)
        if let words = Survivors.words(survivors) { observer.observe(.warning(words)) }
    }

    private func take(_ input: Input) {
        switch input {
        case .executor(let events):
            for event in events { take(event) }
        case .signal(SIGUSR1): drain()
        // Whoever closes the terminal does not mean the tasks; `terminate` sends SIGTERM.
        case .signal(let number)
        where (number == SIGINT || number == SIGHUP) && executor.outlivesSaturn && summary.stoppedBy == nil:
            summary.stoppedBy = number
            isLeaving = true
        case .signal(let number):
            observer.observe(.stopping(signal: number, again: summary.stoppedBy != nil))
            stoppedAt = stoppedAt ?? clock.uptime()
            handle(summary.stoppedBy == nil ? .stop : .kill)
            summary.stoppedBy = summary.stoppedBy ?? number
        case .beat:
            handle(.beat)
            for task in attempts.takeLongRunning() { journal.set(taskRecord(task)) }
            noticeChanges(journal.look(during: attempts.underWay))
            observer.observe(.beat)
        case .committed:
            isCommitting = false
            attempt { try committer.check() }
        }
        guard failure == nil, !isCommitting, journal.isDue else { return }
        attempt {
            let (changes, batch) = try journal.take()
            noticeChanges(changes)
            guard !batch.isEmpty else { return }
            isCommitting = true
            committer.start(batch, at: clock.now()) { [inputs] in inputs.post(.committed) }
        }
    }

    private func drain() {
        guard !isDraining, summary.stoppedBy == nil else { return }
        isDraining = true
        observer.observe(.draining)
        handle(.drain)
        executor.withdraw(attempts.underWay.compactMap(attempts.current))
    }

    func take(_ event: ExecutorEvent) {
        switch event {
        case .started(let attempt, let time, let uptime, let details):
            guard let task = attempts.started(attempt, at: time, uptime: uptime, details) else { return }
            summary.states[task] = .running
            pauses[task] = nil
            handle(.started(task: task, since: uptime))
            observer.observe(.started(task: task))
        case .begunAnew(let attempt):
            if let task = attempts.task(of: attempt) { handle(.begunAnew(task: task)) }
        case .exited(let attempt, let exit, let seconds):
            guard let task = attempts.ended(attempt, after: seconds) else { return }
            handle(.exited(task: task, exit))
        case .notice(let words): observer.observe(.warning(words))
        case .fatal(let problem):
            attempt { throw problem }
            // Nothing will be heard of what it ran, unless it can be heard of later.
            guard !isLeaving else { return }
            for task in attempts.underWay { handle(.exited(task: task, .lost(problem.message))) }
        }
    }

    /// What an action leads to is done after it and not within it: a chain of tasks may be as long as the file.
    private func handle(_ event: Scheduler.Event) {
        actions += scheduler.handle(event, at: clock.uptime())
        guard !isPerforming else { return }
        isPerforming = true
        var position = 0
        while position < actions.count {
            perform(actions[position])
            position += 1
        }
        actions = []
        isPerforming = false
    }

    /// A fault of the store or the ledger stops the run; what runs is ended, and the fault reported.
    func attempt(_ body: () throws -> Void) {
        do { try body() } catch {
            guard failure == nil else { return }
            failure = error
            if executor.outlivesSaturn { return isLeaving = true }
            // What runs can still end, and its result be kept on this machine until the store can be reached.
            let isStoreAway = preparation.store.isRemote && (error as? Failure)?.kind == .engine
            if isStoreAway, !attempts.isEmpty {
                observer.observe(.warning("\((error as? Failure)?.message ?? ""); waiting for the tasks that run"))
            }
            handle(isStoreAway ? .drain : .stop)
        }
    }

    private func perform(_ action: Scheduler.Action) {
        switch action {
        case .decide(let tasks): decide(tasks)
        case .launch(let task, let number, let share): launch(task, number, share)
        case .cancel(let task, let force):
            if let attempt = attempts.current(task) { executor.cancel(attempt, force: force) }
        case .retry(let task, let cause, let delay):
            attempts.failed(task, cause)
            if let attempt = attempts.current(task) { executor.release(attempt) }
            pause(task, cause, delay)
            observer.observe(.retrying(task: task, number: attempts.number(of: task) + 1, cause, after: delay))
        case .publish(let task, let outcome): publish(task, outcome)
        case .settle(let task, let state, let cause): settle(task, state, cause)
        case .block(let task, let culprit):
            summary.states[task] = .blocked
            summary.blockedBy[task] = culprit
            journal.set(taskRecord(task))
            observer.observe(.settled(task: task, .blocked, Settled(blockedBy: culprit)))
        }
    }

    private func decide(_ tasks: [Int]) {
        var decided = tasks.map { (task: $0, state: TaskState.ready) }
        noticeChanges(journal.look(before: tasks))
        attempt {
            decided = try decider.decide(tasks, &attempts, into: &journal.batch, isStale: journal.countsWhatChanged)
        }
        for (task, state) in decided { handle(.decided(task: task, state)) }
    }

    private func launch(_ task: Int, _ number: Int, _ share: Scheduler.Share) {
        guard !isLeaving else { return }
        // Decided before the fault became known.
        guard failure == nil else { return handle(.exited(task: task, .cancelled)) }
        do {
            guard try !isEnding || attempts.hasLeft(task) else {
                let why = "what it ran on knows nothing of it any more"
                return handle(.exited(task: task, try attempts.hadStarted(task) ? .lost(why) : .cancelled))
            }
            journal.launching(task)
            let launch = try attempts.prepare(task, number: number, share, &journal.batch)
            csystem_step("launch.prepared")
            if attempts.isDoubtful(task) { journal.doubt(task) }
            executor.launch([launch])
            csystem_step("launch.handed")
        } catch let error as Failure where error.kind == .workspace {
            handle(.exited(task: task, .notStarted(error.message, code: 126)))
        } catch {
            attempt { throw error }
            handle(.exited(task: task, .cancelled))
        }
    }

    private func publish(_ task: Int, _ outcome: Outcome) {
        csystem_step("publish.begin")
        do {
            guard let record = try attempts.publish(task, outcome, isStale: journal.isStale(task)) else {
                return handle(.published(task: task))
            }
            csystem_step("publish.end")
            executor.release(record.id)
            journal.add(record, of: task)
            decider.claim(record.id, for: task)
            handle(.published(task: task))
        } catch {
            let fault = error as? Failure
            if fault?.kind != .workspace { attempt { throw error } }
            if let record = attempts.unpublished { journal.add(record, of: task) }
            // The engine still has it.
            if isLeaving { return }
            handle(.unpublished(task: task, fault?.message ?? "\(error)"))
        }
    }

    private func settle(_ task: Int, _ state: TaskState, _ cause: Cause?) {
        summary.states[task] = state
        pauses[task] = nil
        summary.causes[task] = cause
        journal.set(taskRecord(task))
        let settled = Settled(cause: cause, duration: attempts.duration(of: task), log: attempts.log(of: task))
        attempts.forget(task)
        observer.observe(.settled(task: task, state, settled))
    }

    func noticeChanges(_ changes: Journal.Changes) {
        let consequence = "their results are kept, and not reused by the next run"
        for what in changes.what { observer.observe(.warning("\(what) changed while tasks ran: \(consequence)")) }
        for what in changes.written {
            observer.observe(
                .warning("\(what) was written to while tasks ran, and is again what it was: \(consequence)"))
        }
        summary.notReusable += changes.tasks
    }
}

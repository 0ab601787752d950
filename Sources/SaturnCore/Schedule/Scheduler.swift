/// Decides what runs next: a pure state machine, event in, actions out.
///
/// ```swift
/// var scheduler = Scheduler(items, options: .init(slots: 2))
/// scheduler.handle(.begin, at: 0)                     // [.launch(task: 0, number: 1), .launch(task: 1, number: 1)]
/// scheduler.handle(.exited(task: 0, .code(0)), at: 5) // [.publish(task: 0, .success), .launch(task: 2, number: 1)]
/// scheduler.handle(.published(task: 0), at: 6)        // [.settle(task: 0, .succeeded, nil)]
/// ```
/// A task is settled, and what needs it may start, only when its result has been published.
/// Times are nanoseconds of a clock that never goes back.
public struct Scheduler: Sendable {
    /// Why a running attempt was asked to end.
    private enum Ending: Hashable { case none, timeout, stop }

    private struct Running {
        var number: Int
        var deadline: Int64?
        var ending = Ending.none
        var killAt: Int64?
        var taken: ReadyQueue.Next
    }

    private var items: [Item]
    private let options: Options
    private let dependents: [Int: [Int]]
    /// Task by rank: the higher priority first, then the order of the file.
    private let order: [Int]
    private let ranks: [Int]
    private var missing: [Int]
    private var ready: ReadyQueue
    private var running: [Int: Running] = [:]
    private var publishing: [Int: (outcome: Outcome, isUnstarted: Bool)] = [:]
    /// Their needs are met, and nobody has been asked yet.
    private var undecided: [Int] = []
    private var deciding: Set<Int> = []
    private var retries = RetryBook()
    private var failures = 0
    private var isStopping = false

    public init(_ items: [Item], options: Options) {
        self.items = items
        self.options = options
        ready = ReadyQueue(options.demands)
        var dependents: [Int: [Int]] = [:]
        for (index, item) in items.enumerated() {
            for need in item.needs { dependents[need, default: []].append(index) }
        }
        self.dependents = dependents
        order = items.indices.sorted { (items[$0].priority, $1) > (items[$1].priority, $0) }
        var ranks = [Int](repeating: 0, count: items.count)
        for (rank, index) in order.enumerated() { ranks[index] = rank }
        self.ranks = ranks
        missing = items.map { item in item.needs.count { !items[$0].state.hasResult } }
    }

    public func state(of task: Int) -> TaskState { items[task].state }

    /// Nothing runs and nothing will.
    public var isDone: Bool {
        running.isEmpty && publishing.isEmpty && deciding.isEmpty && retries.isEmpty && (ready.isEmpty || !mayLaunch)
    }

    /// Tasks that were planned and never started.
    public var unstarted: [Int] { items.indices.filter { items[$0].state == .waiting || items[$0].state == .ready } }

    public mutating func handle(_ event: Event, at now: Int64) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .begin: begin(&actions)
        case .decided(let task, let state): decided(task, state, &actions)
        case .started(let task, let since):
            if let timeout = items[task].timeout, running[task]?.deadline == nil {
                running[task]?.deadline = since + Self.nanoseconds(timeout)
            }
        case .begunAnew(let task): running[task]?.deadline = nil
        case .exited(let task, let exit): exited(task, exit, now, &actions)
        case .published(let task): published(task, &actions)
        case .unpublished(let task, let problem): unpublished(task, problem, &actions)
        case .beat: beat(now, &actions)
        case .drain: isStopping = true
        case .stop: stop(now, &actions)
        case .kill:
            isStopping = true
            for task in running.keys.sorted() { force(task, .stop, &actions) }
        }
        ask(&actions)
        fill(now, &actions)
        if !mayLaunch { giveUpRetries(&actions) }
        return actions
    }

    private mutating func begin(_ actions: inout [Action]) {
        for index in items.indices where items[index].state == .waiting {
            if let culprit = items[index].needs.first(where: { blocks(items[$0].state) }) {
                block(index, by: culprit, &actions)
            } else if missing[index] == 0 {
                needsMet(index)
            }
        }
    }

    private func blocks(_ state: TaskState) -> Bool { state.isSettled && !state.hasResult }

    private mutating func needsMet(_ task: Int) {
        if items[task].isUndecided { undecided.append(task) } else { makeReady(task) }
    }

    /// All that have come together, at once: those that are alike must not take each other's results.
    private mutating func ask(_ actions: inout [Action]) {
        guard !undecided.isEmpty, mayLaunch else { return }
        deciding.formUnion(undecided)
        actions.append(.decide(undecided.sorted()))
        undecided = []
    }

    private mutating func decided(_ task: Int, _ state: TaskState, _ actions: inout [Action]) {
        guard deciding.remove(task) != nil else { return }
        if state.hasResult { settle(task, state, nil, &actions) } else { makeReady(task) }
    }

    private mutating func makeReady(_ task: Int) {
        items[task].state = .ready
        ready.push(ranks[task], kind: items[task].demand.entry(step: retries.failures(of: task)))
    }

    private var mayLaunch: Bool {
        !isStopping && failures < options.maxFailures ?? Int.max
    }

    private mutating func fill(_ now: Int64, _ actions: inout [Action]) {
        while mayLaunch, running.count < options.slots, !ready.isEmpty, let next = ready.takeNext(now) {
            launch(order[next.rank], next, &actions)
        }
    }

    private mutating func launch(_ task: Int, _ taken: ReadyQueue.Next, _ actions: inout [Action]) {
        let number = retries.begin(task)
        items[task].state = .running
        running[task] = Running(number: number, taken: taken)
        let share = Share(
            slot: taken.grant?.slot, gpus: taken.grant?.gpus ?? [],
            step: items[task].demand.step(retries.failures(of: task)))
        actions.append(.launch(task: task, number: number, share))
    }

    private mutating func exited(_ task: Int, _ exit: Exit, _ now: Int64, _ actions: inout [Action]) {
        guard let attempt = running.removeValue(forKey: task) else { return }
        ready.give(back: attempt.taken)
        let outcome = outcome(of: task, attempt.ending, exit)
        if case .failure(let cause) = outcome {
            var isDisplaced = false
            if case .displaced = exit { isDisplaced = attempt.ending == .none }
            if mayLaunch,
                let delay = retries.next(task, items[task].retries, after: cause, isDisplaced: isDisplaced)
            {
                return again(task, cause, delay, now, &actions)
            }
            failures += 1
        }
        publish(task, outcome, isUnstarted: exit == .cancelled && attempt.number == 1, &actions)
    }

    private mutating func publish(
        _ task: Int, _ outcome: Outcome, isUnstarted: Bool, _ actions: inout [Action]
    ) {
        publishing[task] = (outcome, isUnstarted)
        actions.append(.publish(task: task, outcome))
    }

    private mutating func again(
        _ task: Int, _ cause: Cause, _ delay: Double, _ now: Int64, _ actions: inout [Action]
    ) {
        actions.append(.retry(task: task, cause, after: delay))
        guard delay > 0 else {
            retries.pause(task, cause, until: nil)
            return makeReady(task)
        }
        retries.pause(task, cause, until: now + Self.nanoseconds(delay))
        items[task].state = .ready
    }

    /// Nothing is started any more: those that have failed and were to be tried again have failed for good.
    private mutating func giveUpRetries(_ actions: inout [Action]) {
        for (task, cause) in retries.giveUp() {
            failures += 1
            publish(task, .failure(cause), isUnstarted: false, &actions)
        }
    }

    private func outcome(of task: Int, _ ending: Ending, _ exit: Exit) -> Outcome {
        switch (ending, exit) {
        case (.timeout, _), (_, .timedOut): .failure(.timeout(items[task].timeout ?? 0))
        // Even when it was asked to end: it finished before that reached it.
        case (_, .code(0)): .success
        // Nobody has stopped that.
        case (_, .lost(let why)): .failure(.lost(why))
        case (.stop, _), (_, .cancelled): .terminated
        case (_, .code(let code)): .failure(.exited(code))
        case (_, .signal(let number)): .failure(.signal(number))
        case (_, .notStarted(let why, let code)): .failure(.notStarted(why, code: code))
        case (_, .displaced(let why)): .failure(.lost(why))
        case (_, .outOfMemory(let limit)): .failure(.outOfMemory(limit))
        }
    }

    private mutating func published(_ task: Int, _ actions: inout [Action]) {
        guard let (outcome, isUnstarted) = publishing.removeValue(forKey: task) else { return }
        switch outcome {
        case .success: settle(task, .succeeded, nil, &actions)
        case .failure(let cause): settle(task, .failed, cause, &actions)
        case .terminated: settle(task, isUnstarted ? .skipped : .terminated, nil, &actions)
        }
    }

    private mutating func unpublished(_ task: Int, _ problem: String, _ actions: inout [Action]) {
        guard let outcome = publishing.removeValue(forKey: task)?.outcome else { return }
        // A failure has been counted when it ended.
        if outcome == .success { failures += 1 }
        settle(task, .failed, .unpublished(problem), &actions)
    }

    private mutating func settle(_ task: Int, _ state: TaskState, _ cause: Cause?, _ actions: inout [Action]) {
        retries.forget(task)
        items[task].state = state
        actions.append(.settle(task: task, state, cause))
        for dependent in dependents[task] ?? [] where items[dependent].state == .waiting {
            if state.hasResult {
                missing[dependent] -= 1
                if missing[dependent] == 0 { needsMet(dependent) }
            } else if state == .failed {
                block(dependent, by: task, &actions)
            }
        }
    }

    /// Blocks a task and all that need it; not recursive, for a chain may be long.
    private mutating func block(_ task: Int, by culprit: Int, _ actions: inout [Action]) {
        var pending = [(task, culprit)]
        while let (task, culprit) = pending.popLast() {
            guard items[task].state == .waiting else { continue }
            items[task].state = .blocked
            actions.append(.block(task: task, by: culprit))
            for dependent in dependents[task] ?? [] { pending.append((dependent, culprit)) }
        }
    }

    private mutating func beat(_ now: Int64, _ actions: inout [Action]) {
        for task in retries.takeDue(now) { makeReady(task) }
        for (task, attempt) in running.sorted(by: { $0.key < $1.key }) {
            if let killAt = attempt.killAt, now >= killAt {
                force(task, attempt.ending, &actions)
            } else if attempt.ending == .none, let deadline = attempt.deadline, now >= deadline {
                end(task, .timeout, now, &actions)
            }
        }
    }

    private mutating func stop(_ now: Int64, _ actions: inout [Action]) {
        isStopping = true
        for (task, attempt) in running.sorted(by: { $0.key < $1.key }) where attempt.ending == .none {
            end(task, .stop, now, &actions)
        }
    }

    private mutating func end(_ task: Int, _ ending: Ending, _ now: Int64, _ actions: inout [Action]) {
        running[task]?.ending = ending
        running[task]?.killAt = now + Self.nanoseconds(options.grace)
        actions.append(.cancel(task: task, force: false))
    }

    private mutating func force(_ task: Int, _ ending: Ending, _ actions: inout [Action]) {
        if running[task]?.ending == Ending.none { running[task]?.ending = ending }
        running[task]?.killAt = nil
        actions.append(.cancel(task: task, force: true))
    }

    private static func nanoseconds(_ seconds: Double) -> Int64 {
        Int64(min(seconds * 1e9, Double(Int64.max / 4)))
    }
}

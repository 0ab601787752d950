import SaturnCore
import SaturnTesting
import Testing

/// Random graphs with random ends: what must hold whatever happens.
@Suite struct SchedulerRandomTests {
    @Test func everyRunKeepsItsPromises() {
        let seed = SeededGenerator.chosenSeed
        for round in 0..<400 {
            var game = Game(seed: seed &+ UInt64(round))
            game.play()
            if let problem = game.problem {
                Issue.record("SATURN_TEST_SEED=\(seed &+ UInt64(round)): \(problem)")
                return
            }
        }
    }
}

/// One run of a random graph; `problem` says which promise was broken.
private struct Game {
    private var generator: SeededGenerator
    private let items: [Scheduler.Item]
    private let slots: Int
    private let maxFailures: Int?
    private var scheduler: Scheduler
    private var running: [Int: Int] = [:]
    private var publishing: [Int] = []
    private var deciding: Set<Int> = []
    private var decidedToRun: Set<Int> = []
    private var numbers: [Int: Int] = [:]
    /// The number of the last attempt that failed, and when the next one may start.
    private var retried: [Int: Int64] = [:]
    private var spent: [Int: Retries.Spent] = [:]
    private var shares: [Int: Scheduler.Share] = [:]
    private let resources: [Resources?]
    private static let capacity = Capacity(cpus: 2, memory: 100, gpus: ["a", "b"], limits: ["l": 2])
    private var states: [Int: TaskState] = [:]
    private var isStopped = false
    private var hasTerminated = false
    private var now: Int64 = 0
    private(set) var problem: String?

    init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...30, using: &generator)
        // Needs point to what comes earlier in a random order, so that there are no cycles and indices say nothing.
        let order = (0..<count).shuffled(using: &generator)
        var items = [Scheduler.Item](repeating: .init(), count: count)
        let resources = items.map { _ in Self.resources(&generator) }
        var demands = Demands(Self.capacity)
        for (position, task) in order.enumerated() {
            let density = Int.random(in: 0...20, using: &generator)
            items[task].needs = order[..<position].filter { _ in generator.chance(density) }
            items[task].priority = Int.random(in: 0...2, using: &generator)
            items[task].retries = Self.retries(&generator)
            items[task].demand = demands.kind(of: resources[task])
            items[task].timeout = generator.chance(30) ? Double(Int.random(in: 1...3, using: &generator)) : nil
            items[task].isUndecided = !items[task].needs.isEmpty && generator.chance(30)
            if generator.chance(10) { items[task].state = .reused }
            if generator.chance(3) { items[task].state = .excluded }
        }
        slots = Int.random(in: 1...5, using: &generator)
        maxFailures = generator.chance(20) ? Int.random(in: 1...3, using: &generator) : nil
        self.items = items
        self.generator = generator
        self.resources = resources
        scheduler = Scheduler(
            items, options: .init(slots: slots, maxFailures: maxFailures, grace: 1, demands: demands))
    }

    private static func resources(_ generator: inout SeededGenerator) -> Resources? {
        guard generator.chance(60) else { return nil }
        let mark = SourceMark(line: 1, column: 1)
        var resources = Resources()
        if generator.chance(40) {
            resources.cpus = [0.3, 1, 2].randomElement(using: &generator).map { Marked($0, at: mark) }
        }
        if generator.chance(50) {
            resources.gpus = [0.25, 0.5, 0.7, 1, 2].randomElement(using: &generator).map { Marked($0, at: mark) }
        }
        if generator.chance(30) { resources.memory = [Marked(30, at: mark), Marked(70, at: mark)] }
        if generator.chance(30) { resources.others = [.init(name: "l", amount: Marked(1, at: mark))] }
        return resources
    }

    private static func retries(_ generator: inout SeededGenerator) -> Retries {
        let delay = generator.chance(30) ? 0.5 : 0
        switch Int.random(in: 0..<10, using: &generator) {
        case 0...1: return Retries(Int.random(in: 1...3, using: &generator), delay: delay)
        case 2: return Retries(byCause: [.exit: 1, .signal: 2, .lost: 3], delay: delay)
        default: return 0
        }
    }

    mutating func play() {
        apply(scheduler.handle(.begin, at: now))
        let mayStop = generator.chance(20)
        while problem == nil, !scheduler.isDone {
            now += Int64.random(in: 0...800_000_000, using: &generator)
            let roll = Int.random(in: 0..<100, using: &generator)
            if roll < 3, mayStop {
                isStopped = true
                apply(scheduler.handle(generator.chance(50) ? .stop : .kill, at: now))
            } else if roll < 15 {
                apply(scheduler.handle(.beat, at: now))
            } else if roll < 30, let task = deciding.sorted().randomElement(using: &generator) {
                decide(task)
            } else if roll < 40, let task = running.keys.sorted().randomElement(using: &generator) {
                apply(scheduler.handle(.started(task: task, since: now), at: now))
            } else if roll < 70, let task = running.keys.sorted().randomElement(using: &generator) {
                running[task] = nil
                shares[task] = nil
                apply(scheduler.handle(.exited(task: task, randomExit()), at: now))
            } else if let task = publishing.randomElement(using: &generator) {
                publishing.removeAll { $0 == task }
                let event: Scheduler.Event =
                    generator.chance(5) ? .unpublished(task: task, "full") : .published(task: task)
                apply(scheduler.handle(event, at: now))
            } else if running.isEmpty, publishing.isEmpty, deciding.isEmpty {
                if retried.isEmpty { return fail("nothing runs, and it is not done") }
                apply(scheduler.handle(.beat, at: now))
            }
        }
        if problem == nil { checkTheEnd() }
    }

    private mutating func randomExit() -> Exit {
        switch Int.random(in: 0..<20, using: &generator) {
        case 0...12: .code(0)
        case 13...15: .code(1)
        case 16: .signal(11)
        case 17: .lost("worker")
        case 18: .notStarted("nothing", code: 127)
        default: .cancelled
        }
    }

    private mutating func fail(_ text: String) { problem = problem ?? text }

    private mutating func apply(_ actions: [Scheduler.Action]) {
        for action in actions {
            switch action {
            case .decide(let tasks): for task in tasks { ask(task) }
            case .launch(let task, let number, let share): launch(task, number, share)
            case .retry(let task, let cause, let delay): retry(task, cause, delay)
            case .cancel(let task, _): if running[task] == nil { fail("cancelled \(task), which does not run") }
            case .publish(let task, let outcome):
                if running[task] != nil || publishing.contains(task) { fail("published \(task) too early") }
                if outcome == .terminated { hasTerminated = true }
                retried[task] = nil
                publishing.append(task)
            case .settle(let task, let state, _): settle(task, state)
            case .block(let task, let culprit):
                if states[culprit]?.hasResult ?? items[culprit].state.hasResult { fail("\(culprit) blocks \(task)") }
                settle(task, .blocked)
            }
        }
        if running.count > slots { fail("\(running.count) run in \(slots) slots") }
    }

    private mutating func ask(_ task: Int) {
        if !items[task].isUndecided || states[task] != nil || decidedToRun.contains(task) {
            fail("asked for \(task), which is decided")
        }
        if !deciding.insert(task).inserted { fail("asked for \(task) twice") }
        for need in items[task].needs where !(states[need] ?? items[need].state).hasResult {
            fail("asked for \(task) before its need \(need)")
        }
    }

    private mutating func decide(_ task: Int) {
        deciding.remove(task)
        let state = [TaskState.ready, .reused, .restored].randomElement(using: &generator) ?? .ready
        if state == .ready { decidedToRun.insert(task) }
        apply(scheduler.handle(.decided(task: task, state), at: now))
        if state != .ready, states[task] != state { fail("\(task) was not settled as \(state)") }
    }

    private mutating func retry(_ task: Int, _ cause: Cause, _ delay: Double) {
        let before = spent[task] ?? Retries.Spent()
        if !items[task].retries.allow(cause.kind, after: before) { fail("\(task) has no retry left for \(cause)") }
        if delay != items[task].retries.delay(after: before) { fail("\(task) waits \(delay) s") }
        spent[task, default: Retries.Spent()].add(cause.kind)
        retried[task] = now + Int64(delay * 1e9)
    }

    /// What the running tasks have together.
    private func checkShares() -> String? {
        var (cpus, memory, limit, gpus) = (0.0, 0, 0.0, [0.0, 0.0])
        for (task, share) in shares {
            let asked = resources[task]
            cpus += asked?.cpus?.value ?? 1
            memory += asked?.memory(onStep: share.step) ?? 0
            limit += asked?.others.first?.amount.value ?? 0
            let amount = asked?.gpus?.value ?? 0
            if share.gpus.count != Int(amount.rounded(.up)) {
                return "\(task) has \(share.gpus.count) GPUs for \(amount)"
            }
            for gpu in share.gpus { gpus[gpu] += min(1, amount) }
        }
        if Set(shares.values.map(\.slot)).count != shares.count { return "two tasks have one slot" }
        if shares.values.contains(where: { $0.slot ?? slots >= slots }) { return "a slot that there is not" }
        if cpus > 2.001 || memory > 100 || limit > 2.001 || gpus.contains(where: { $0 > 1.001 }) {
            return "they have \(cpus) cpus, \(memory) bytes, \(limit) l, \(gpus)"
        }
        return nil
    }

    private mutating func launch(_ task: Int, _ number: Int, _ share: Scheduler.Share) {
        shares[task] = share
        if let problem = checkShares() { fail(problem) }
        let steps = resources[task]?.memory.count ?? 1
        if share.step != min(spent[task]?.own ?? 0, max(1, steps) - 1) { fail("\(task) is on step \(share.step)") }
        if items[task].isUndecided, !decidedToRun.contains(task) { fail("launched \(task), which nobody decided") }
        if isStopped { fail("launched \(task) after the stop") }
        if running.updateValue(number, forKey: task) != nil { fail("\(task) runs twice") }
        if items[task].state != .waiting || states[task] != nil { fail("launched \(task), which was settled") }
        if publishing.contains(task) { fail("launched \(task) while its result is published") }
        if number != numbers[task, default: 0] + 1 { fail("attempt \(number) of \(task)") }
        if number > 1, retried[task] ?? Int64.max > now { fail("\(task) runs again without a retry, or too early") }
        retried[task] = nil
        numbers[task] = number
        for need in items[task].needs where !(states[need] ?? items[need].state).hasResult {
            fail("launched \(task) before its need \(need)")
        }
    }

    private mutating func settle(_ task: Int, _ state: TaskState) {
        if states.updateValue(state, forKey: task) != nil { fail("settled \(task) twice") }
    }

    private mutating func checkTheEnd() {
        if !running.isEmpty || !publishing.isEmpty || !deciding.isEmpty { fail("done while something goes on") }
        let unstarted = Set(scheduler.unstarted)
        let failures = states.values.count { $0 == .failed }
        for (task, item) in items.enumerated() {
            let state = states[task] ?? item.state
            if scheduler.state(of: task) != (unstarted.contains(task) ? scheduler.state(of: task) : state) {
                fail("the state of \(task) is not what was said of it")
            }
            if unstarted.contains(task) == state.isSettled { fail("\(task) is \(state), and unstarted or not") }
            let isCut = isStopped || hasTerminated || failures >= maxFailures ?? Int.max
            if unstarted.contains(task), !isCut { fail("\(task) was never started") }
            if state == .blocked || (!isCut && item.state == .waiting && state != .failed) {
                let hasCulprit = item.needs.contains { !(states[$0] ?? items[$0].state).hasResult }
                if hasCulprit != (state == .blocked) { fail("\(task) is \(state) against its needs") }
            }
        }
    }
}

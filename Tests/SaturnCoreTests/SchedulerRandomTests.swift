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
    private var retried: Int?
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
        for (position, task) in order.enumerated() {
            let density = Int.random(in: 0...20, using: &generator)
            items[task].needs = order[..<position].filter { _ in generator.chance(density) }
            items[task].priority = Int.random(in: 0...2, using: &generator)
            items[task].retries = generator.chance(30) ? Int.random(in: 1...3, using: &generator) : 0
            items[task].timeout = generator.chance(30) ? Double(Int.random(in: 1...3, using: &generator)) : nil
            items[task].isUndecided = !items[task].needs.isEmpty && generator.chance(30)
            if generator.chance(10) { items[task].state = .reused }
            if generator.chance(3) { items[task].state = .excluded }
        }
        slots = Int.random(in: 1...5, using: &generator)
        maxFailures = generator.chance(20) ? Int.random(in: 1...3, using: &generator) : nil
        self.items = items
        self.generator = generator
        scheduler = Scheduler(items, options: .init(slots: slots, maxFailures: maxFailures, grace: 1))
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
                apply(scheduler.handle(.exited(task: task, randomExit()), at: now))
            } else if let task = publishing.randomElement(using: &generator) {
                publishing.removeAll { $0 == task }
                let event: Scheduler.Event =
                    generator.chance(5) ? .unpublished(task: task, "full") : .published(task: task)
                apply(scheduler.handle(event, at: now))
            } else if running.isEmpty, publishing.isEmpty, deciding.isEmpty {
                return fail("nothing runs, and it is not done")
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
            case .launch(let task, let number): launch(task, number)
            case .retry(let task, _): retried = task
            case .cancel(let task, _): if running[task] == nil { fail("cancelled \(task), which does not run") }
            case .publish(let task, let outcome):
                if running[task] != nil || publishing.contains(task) { fail("published \(task) too early") }
                if outcome == .terminated { hasTerminated = true }
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

    private mutating func launch(_ task: Int, _ number: Int) {
        if items[task].isUndecided, !decidedToRun.contains(task) { fail("launched \(task), which nobody decided") }
        if isStopped { fail("launched \(task) after the stop") }
        if running.updateValue(number, forKey: task) != nil { fail("\(task) runs twice") }
        if items[task].state != .waiting || states[task] != nil { fail("launched \(task), which was settled") }
        if publishing.contains(task) { fail("launched \(task) while its result is published") }
        if number != numbers[task, default: 0] + 1 || number > items[task].retries + 1 {
            fail("attempt \(number) of \(task)")
        }
        if number > 1, retried != task { fail("\(task) runs again without a retry") }
        retried = nil
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

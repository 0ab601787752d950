import SaturnCore
import Testing

/// Tasks that take parts of a machine.
@Suite struct SchedulerResourceTests {
    private static let second: Int64 = 1_000_000_000
    private static let mark = SourceMark(line: 1, column: 1)

    private func asking(cpus: Double? = nil, gpus: Double? = nil, memory: [Int] = [], license: Double? = nil)
        -> Resources
    {
        var resources = Resources()
        resources.cpus = cpus.map { Marked($0, at: Self.mark) }
        resources.gpus = gpus.map { Marked($0, at: Self.mark) }
        resources.memory = memory.map { Marked($0, at: Self.mark) }
        resources.others = license.map { [Resources.Other(name: "license", amount: Marked($0, at: Self.mark))] } ?? []
        return resources
    }

    private func scheduler(
        _ tasks: [Resources?], slots: Int = 100, gpus: Int = 8, retries: Retries = 0, priorities: [Int] = []
    ) -> Scheduler {
        var demands = Demands(
            Capacity(cpus: 8, memory: 100, gpus: (0..<gpus).map { "\($0)" }, limits: ["license": 2]))
        let items = tasks.enumerated().map { index, resources in
            Scheduler.Item(
                priority: priorities.isEmpty ? 0 : priorities[index], retries: retries,
                demand: demands.kind(of: resources))
        }
        return Scheduler(items, options: .init(slots: slots, demands: demands))
    }

    /// What was launched: task and GPUs.
    private func launched(_ actions: [Scheduler.Action]) -> [Int: [Int]] {
        Dictionary(
            uniqueKeysWithValues: actions.compactMap { action in
                if case .launch(let task, _, let share) = action { (task, share.gpus) } else { nil }
            })
    }

    @Test func everyGPUIsOneTasks() {
        var scheduler = scheduler(Array(repeating: asking(gpus: 1), count: 20))
        #expect(
            launched(scheduler.handle(.begin, at: 0)) == Dictionary(uniqueKeysWithValues: (0..<8).map { ($0, [$0]) }))
        #expect(launched(scheduler.handle(.exited(task: 5, .code(0)), at: 1)) == [8: [5]])
    }

    @Test func partsShareOneAndLeaveTheOthersWhole() {
        let tasks = [0.5, 0.25, 1, 0.25, 2, 0.7].map { asking(cpus: 0.1, gpus: $0) }
        var scheduler = scheduler(tasks, gpus: 4)
        #expect(launched(scheduler.handle(.begin, at: 0)) == [0: [0], 1: [0], 2: [1], 3: [0], 4: [2, 3]])
        #expect(launched(scheduler.handle(.exited(task: 2, .code(0)), at: 1)) == [5: [1]])
    }

    /// Halves of two GPUs are no whole one.
    @Test func whatIsLeftOfTwoIsNotOne() {
        var scheduler = scheduler([0.6, 0.6, 0.8].map { asking(cpus: 0.1, gpus: $0) }, gpus: 2)
        #expect(launched(scheduler.handle(.begin, at: 0)) == [0: [0], 1: [1]])
    }

    @Test func cpusMemoryAndLimitsAreAddedUp() {
        var cpus = scheduler([asking(cpus: 5), asking(cpus: 5), asking(cpus: 3)])
        #expect(launched(cpus.handle(.begin, at: 0)).keys.sorted() == [0, 2])
        var memory = scheduler([asking(memory: [60]), asking(memory: [60]), asking(memory: [40])])
        #expect(launched(memory.handle(.begin, at: 0)).keys.sorted() == [0, 2])
        var limits = scheduler(Array(repeating: asking(license: 1), count: 3) + [nil])
        #expect(launched(limits.handle(.begin, at: 0)).keys.sorted() == [0, 1, 3])
    }

    /// However often a tenth is taken and given back.
    @Test func tenthsAddUpToOne() {
        var scheduler = scheduler(
            Array(repeating: asking(cpus: 0.1, gpus: 0.1), count: 1000) + [asking(gpus: 1)], gpus: 1)
        var running = Set(launched(scheduler.handle(.begin, at: 0)).keys)
        #expect(running.count == 10)
        for task in 0..<1000 {
            running.remove(task)
            running.formUnion(launched(scheduler.handle(.exited(task: task, .code(0)), at: 0)).keys)
        }
        #expect(running == [1000])
    }

    @Test func slotsAreTheLowestThatAreFree() {
        var scheduler = scheduler(Array(repeating: nil, count: 5), slots: 3)
        func slots(_ actions: [Scheduler.Action]) -> [Int?] {
            actions.compactMap { if case .launch(_, _, let share) = $0 { share.slot } else { nil } }
        }
        #expect(slots(scheduler.handle(.begin, at: 0)) == [0, 1, 2])
        #expect(slots(scheduler.handle(.exited(task: 1, .code(0)), at: 0)) == [1])
        #expect(slots(scheduler.handle(.exited(task: 0, .code(0)), at: 0)) == [0])
    }

    @Test func priorityBeforeTheOrderOfTheFile() {
        var scheduler = scheduler([asking(gpus: 1), asking(gpus: 1), asking(gpus: 1)], gpus: 1, priorities: [0, 0, 7])
        #expect(launched(scheduler.handle(.begin, at: 0)) == [2: [0]])
        #expect(launched(scheduler.handle(.exited(task: 2, .code(0)), at: 0)) == [0: [0]])
    }

    /// One that needs all GPUs comes after one that runs, and before many that need one each.
    private func crowded() -> Scheduler {
        scheduler([asking(gpus: 1), asking(gpus: 2)] + Array(repeating: asking(gpus: 1), count: 50), gpus: 2)
    }

    @Test func smallOnesFillTheGapAtFirst() {
        var scheduler = crowded()
        #expect(launched(scheduler.handle(.begin, at: 0)).keys.sorted() == [0, 2])
        #expect(launched(scheduler.handle(.exited(task: 2, .code(0)), at: Self.second)) == [3: [1]])
    }

    @Test func andDoNotStarveTheLargeOne() {
        var scheduler = crowded()
        _ = scheduler.handle(.begin, at: 0)
        // Both GPUs are never free at one time, as long as small ones are let in.
        #expect(launched(scheduler.handle(.exited(task: 2, .code(0)), at: 9 * Self.second)) == [3: [1]])
        #expect(launched(scheduler.handle(.exited(task: 0, .code(0)), at: 10 * Self.second)) == [:])
        #expect(launched(scheduler.handle(.exited(task: 3, .code(0)), at: 12 * Self.second)) == [1: [0, 1]])
        #expect(launched(scheduler.handle(.exited(task: 1, .code(0)), at: 13 * Self.second)).keys.sorted() == [4, 5])
    }

    /// What the large one does not lack, others may have, as far as it is left with enough.
    @Test func whatTheLargeOneDoesNotLackIsNotKept() {
        let tasks = [asking(cpus: 1, gpus: 1), asking(cpus: 6, gpus: 2), asking(cpus: 2, license: 1)]
        var scheduler = scheduler(tasks + [asking(cpus: 1), asking(cpus: 1), nil], gpus: 2)
        #expect(launched(scheduler.handle(.begin, at: 0)).keys.sorted() == [0, 2, 3, 4, 5])
        _ = scheduler.handle(.exited(task: 2, .code(0)), at: 20 * Self.second)
        #expect(launched(scheduler.handle(.exited(task: 0, .code(0)), at: 21 * Self.second)) == [:], "5 cpus are free")
        #expect(launched(scheduler.handle(.exited(task: 3, .code(0)), at: 22 * Self.second)) == [1: [0, 1]])
    }

    @Test func memoryGrowsWithOnesOwnFailures() {
        var scheduler = scheduler([asking(memory: [30, 60, 90]), asking(memory: [50])], retries: 3)
        func steps(_ actions: [Scheduler.Action]) -> [Int] {
            actions.compactMap { if case .launch(0, _, let share) = $0 { share.step } else { nil } }
        }
        #expect(steps(scheduler.handle(.begin, at: 0)) == [0])
        #expect(steps(scheduler.handle(.exited(task: 0, .lost("worker")), at: 1)) == [0], "not its fault")
        // With the other one's 50 there is no room for 60.
        #expect(steps(scheduler.handle(.exited(task: 0, .outOfMemory("30")), at: 2)) == [])
        #expect(steps(scheduler.handle(.exited(task: 1, .code(0)), at: 3)) == [1])
        #expect(steps(scheduler.handle(.exited(task: 0, .outOfMemory("60")), at: 4)) == [2])
        #expect(steps(scheduler.handle(.exited(task: 0, .code(1)), at: 4)) == [2], "the last from then on")
    }

    @Test func anAttemptThatFailsGivesBackWhatItHad() {
        var scheduler = scheduler([asking(gpus: 1), asking(gpus: 1)], gpus: 1, retries: Retries(1, delay: 5))
        #expect(launched(scheduler.handle(.begin, at: 0)) == [0: [0]])
        #expect(launched(scheduler.handle(.exited(task: 0, .code(1)), at: 1)) == [1: [0]])
    }
}

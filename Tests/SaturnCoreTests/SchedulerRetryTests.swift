import SaturnCore
import Testing

/// What is tried again, how often and when.
@Suite struct SchedulerRetryTests {
    private static let second: Int64 = 1_000_000_000

    private func running(_ retries: Retries, maxFailures: Int? = nil) -> Scheduler {
        var scheduler = Scheduler([.init(retries: retries)], options: .init(slots: 1, maxFailures: maxFailures))
        _ = scheduler.handle(.begin, at: 0)
        return scheduler
    }

    @Test func eachCauseHasItsOwnCount() {
        var scheduler = running(Retries(byCause: [.exit: 1, .oom: 2, .timeout: 1]))
        let exits: [(Exit, Cause)] = [
            (.outOfMemory("1 GB"), .outOfMemory("1 GB")), (.code(1), .exited(1)), (.timedOut, .timeout(0)),
            (.outOfMemory("1 GB"), .outOfMemory("1 GB")),
        ]
        for (index, (exit, cause)) in exits.enumerated() {
            #expect(
                scheduler.handle(.exited(task: 0, exit), at: 1)
                    == [.retry(task: 0, cause), .launch(task: 0, number: index + 2)])
        }
        #expect(
            scheduler.handle(.exited(task: 0, .outOfMemory("1 GB")), at: 1)
                == [.publish(task: 0, .failure(.outOfMemory("1 GB")))])
    }

    @Test(arguments: [
        (Exit.code(1), Cause.Kind.exit), (.notStarted("nothing", code: 127), .exit), (.signal(11), .signal),
        (.timedOut, .timeout), (.outOfMemory(""), .oom), (.lost("worker"), .lost),
    ])
    func theCauseThatIsNamed(_ exit: Exit, _ kind: Cause.Kind) {
        for named in Cause.Kind.allCases {
            var scheduler = running(Retries(byCause: [named: 1]))
            let actions = scheduler.handle(.exited(task: 0, exit), at: 1)
            #expect(actions.contains(.launch(task: 0, number: 2)) == (named == kind), "\(named)")
        }
    }

    @Test func eachDelayIsTwiceTheOneBefore() {
        var scheduler = running(Retries(3, delay: 2))
        var now: Int64 = 0
        for (number, delay) in [(2, 2.0), (3, 4), (4, 8)] {
            #expect(
                scheduler.handle(.exited(task: 0, .code(1)), at: now)
                    == [.retry(task: 0, .exited(1), after: delay)])
            #expect(!scheduler.isDone)
            now += Int64(delay) * Self.second
            #expect(scheduler.handle(.beat, at: now - 1) == [])
            #expect(scheduler.handle(.beat, at: now) == [.launch(task: 0, number: number)])
        }
    }

    @Test func delaysDoNotGrowForEver() {
        var spent = Retries.Spent()
        for _ in 0..<60 { spent.add(.exit) }
        #expect(Retries(100, delay: 1).delay(after: spent) == Retries.longestDelay)
        #expect(Retries(100, delay: 7200).delay(after: spent) == 7200)
        #expect(Retries(100).delay(after: spent) == 0)
    }

    @Test func othersRunMeanwhile() {
        var scheduler = Scheduler([.init(retries: Retries(1, delay: 1)), .init()], options: .init(slots: 1))
        _ = scheduler.handle(.begin, at: 0)
        #expect(
            scheduler.handle(.exited(task: 0, .code(1)), at: 0)
                == [.retry(task: 0, .exited(1), after: 1), .launch(task: 1, number: 1)])
        #expect(scheduler.handle(.beat, at: Self.second) == [], "the slot is taken")
        #expect(scheduler.handle(.exited(task: 1, .code(0)), at: Self.second).last == .launch(task: 0, number: 2))
    }

    /// With its last failure: nobody is left to wait for it.
    @Test(arguments: [Scheduler.Event.stop, .kill, .drain])
    func whatWaitsToBeTriedAgainHasFailedWhenAllStops(_ event: Scheduler.Event) {
        var scheduler = running(Retries(1, delay: 100))
        _ = scheduler.handle(.exited(task: 0, .code(4)), at: 0)
        #expect(scheduler.handle(event, at: 1) == [.publish(task: 0, .failure(.exited(4)))])
        #expect(scheduler.handle(.published(task: 0), at: 2) == [.settle(task: 0, .failed, .exited(4))])
        #expect(scheduler.isDone)
        #expect(scheduler.unstarted == [])
    }

    @Test func oneFailureTooManyEndsThePausesOfOthers() {
        var scheduler = Scheduler(
            [.init(retries: Retries(1, delay: 100)), .init()], options: .init(slots: 2, maxFailures: 1))
        _ = scheduler.handle(.begin, at: 0)
        _ = scheduler.handle(.exited(task: 0, .code(4)), at: 0)
        #expect(
            scheduler.handle(.exited(task: 1, .code(5)), at: 1)
                == [.publish(task: 1, .failure(.exited(5))), .publish(task: 0, .failure(.exited(4)))])
    }
}

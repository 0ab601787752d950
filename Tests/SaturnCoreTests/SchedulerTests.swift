import SaturnCore
import Testing

@Suite struct SchedulerTests {
    private static let second: Int64 = 1_000_000_000

    private func scheduler(
        _ items: [Scheduler.Item], slots: Int = 2, maxFailures: Int? = nil, grace: Double = 5
    ) -> Scheduler {
        Scheduler(items, options: Scheduler.Options(slots: slots, maxFailures: maxFailures, grace: grace))
    }

    /// A scheduler of one task that runs.
    private func running(_ item: Scheduler.Item = .init(), maxFailures: Int? = nil) -> Scheduler {
        var scheduler = scheduler([item], maxFailures: maxFailures)
        #expect(scheduler.handle(.begin, at: 0) == [.launch(task: 0, number: 1)])
        #expect(scheduler.handle(.started(task: 0, since: 0), at: 0).isEmpty)
        return scheduler
    }

    // MARK: Slots, order and needs

    @Test func freedSlotGoesToTheNextTask() {
        var scheduler = scheduler([.init(), .init(), .init()])
        #expect(scheduler.handle(.begin, at: 0) == [.launch(task: 0, number: 1), .launch(task: 1, number: 1)])
        #expect(
            scheduler.handle(.exited(task: 0, .code(0)), at: 5)
                == [.publish(task: 0, .success), .launch(task: 2, number: 1)])
        #expect(scheduler.handle(.published(task: 0), at: 6) == [.settle(task: 0, .succeeded, nil)])
        #expect(!scheduler.isDone)
        for task in [1, 2] {
            #expect(scheduler.handle(.exited(task: task, .code(0)), at: 7) == [.publish(task: task, .success)])
            #expect(!scheduler.isDone)
            #expect(scheduler.handle(.published(task: task), at: 8) == [.settle(task: task, .succeeded, nil)])
        }
        #expect(scheduler.isDone)
        #expect(scheduler.unstarted.isEmpty)
    }

    @Test func higherPriorityFirstThenTheOrderOfTheFile() {
        let priorities = [0, 5, 0, 5, -1]
        var scheduler = scheduler(priorities.map { .init(priority: $0) }, slots: 5)
        let launched = scheduler.handle(.begin, at: 0)
        #expect(launched == [1, 3, 0, 2, 4].map { .launch(task: $0, number: 1) })
    }

    @Test func priorityCountsAmongThoseThatAreReady() {
        // 2 is urgent, and needs 0; 1 is ready.
        var scheduler = scheduler([.init(), .init(), .init(needs: [0], priority: 9)], slots: 1)
        #expect(scheduler.handle(.begin, at: 0) == [.launch(task: 0, number: 1)])
        #expect(
            scheduler.handle(.exited(task: 0, .code(0)), at: 1)
                == [.publish(task: 0, .success), .launch(task: 1, number: 1)])
        #expect(scheduler.handle(.published(task: 0), at: 1) == [.settle(task: 0, .succeeded, nil)])
        #expect(
            scheduler.handle(.exited(task: 1, .code(0)), at: 2)
                == [.publish(task: 1, .success), .launch(task: 2, number: 1)])
    }

    @Test func needsMustBePublishedAndNotOnlyEnded() {
        var scheduler = scheduler([.init(needs: [1, 2]), .init(), .init()])
        #expect(scheduler.handle(.begin, at: 0) == [.launch(task: 1, number: 1), .launch(task: 2, number: 1)])
        #expect(scheduler.state(of: 0) == .waiting)
        #expect(scheduler.handle(.exited(task: 1, .code(0)), at: 1) == [.publish(task: 1, .success)])
        #expect(scheduler.handle(.exited(task: 2, .code(0)), at: 1) == [.publish(task: 2, .success)])
        #expect(scheduler.handle(.published(task: 1), at: 1) == [.settle(task: 1, .succeeded, nil)])
        #expect(
            scheduler.handle(.published(task: 2), at: 1)
                == [.settle(task: 2, .succeeded, nil), .launch(task: 0, number: 1)])
        #expect(scheduler.state(of: 0) == .running)
    }

    @Test(arguments: [TaskState.reused, .restored]) func needsWithAResultAreMet(_ state: TaskState) {
        var scheduler = scheduler([.init(state: state), .init(needs: [0, 0])])
        #expect(scheduler.handle(.begin, at: 0) == [.launch(task: 1, number: 1)])
    }

    @Test func aNeedWrittenTwiceIsOneNeed() {
        var scheduler = scheduler([.init(), .init(needs: [0, 0])])
        #expect(scheduler.handle(.begin, at: 0) == [.launch(task: 0, number: 1)])
        _ = scheduler.handle(.exited(task: 0, .code(0)), at: 1)
        #expect(scheduler.handle(.published(task: 0), at: 1).last == .launch(task: 1, number: 1))
    }

    @Test func nothingToDoIsDone() {
        var scheduler = scheduler([.init(state: .reused), .init(state: .excluded)])
        #expect(scheduler.handle(.begin, at: 0).isEmpty)
        #expect(scheduler.isDone)
    }

    // MARK: Ends

    @Test func begunAnewItsTimeCountsAnew() {
        var scheduler = Scheduler([.init(timeout: 10)], options: .init(slots: 1))
        _ = scheduler.handle(.begin, at: 0)
        _ = scheduler.handle(.started(task: 0, since: 0), at: 0)
        #expect(scheduler.handle(.begunAnew(task: 0), at: 5_000_000_000).isEmpty)
        #expect(scheduler.handle(.beat, at: 11_000_000_000).isEmpty)
        _ = scheduler.handle(.started(task: 0, since: 12_000_000_000), at: 12_000_000_000)
        #expect(scheduler.handle(.beat, at: 21_000_000_000).isEmpty)
        #expect(scheduler.handle(.beat, at: 22_000_000_000) == [.cancel(task: 0, force: false)])
    }

    /// An attempt whose place was taken uses up no retry; there is an end to it all the same.
    @Test func displacedAttemptsAreRunAgain() {
        var scheduler = Scheduler([.init(retries: 1)], options: .init(slots: 1))
        #expect(scheduler.handle(.begin, at: 0) == [.launch(task: 0, number: 1)])
        for number in 2...6 {
            let actions = scheduler.handle(.exited(task: 0, .displaced("evicted")), at: 1)
            #expect(actions == [.retry(task: 0, .lost("evicted")), .launch(task: 0, number: number)])
        }
        #expect(
            scheduler.handle(.exited(task: 0, .code(1)), at: 2)
                == [.retry(task: 0, .exited(1)), .launch(task: 0, number: 7)], "its own retry is still there")
        #expect(
            scheduler.handle(.exited(task: 0, .displaced("evicted")), at: 3)
                == [.retry(task: 0, .lost("evicted")), .launch(task: 0, number: 8)], "and one for what it loses")
        #expect(
            scheduler.handle(.exited(task: 0, .displaced("evicted")), at: 3)
                == [.publish(task: 0, .failure(.lost("evicted")))])
    }

    @Test func aDisplacedAttemptThatWasToEndIsNotRunAgain() {
        var scheduler = running()
        _ = scheduler.handle(.stop, at: 1)
        #expect(
            scheduler.handle(.exited(task: 0, .displaced("evicted")), at: 2)
                == [.publish(task: 0, .terminated)])
    }

    @Test(arguments: [
        (Exit.code(0), Outcome.success), (.code(3), .failure(.exited(3))), (.signal(9), .failure(.signal(9))),
        (.notStarted("no such program", code: 127), .failure(.notStarted("no such program", code: 127))),
        (.lost("worker died"), .failure(.lost("worker died"))), (.cancelled, .terminated),
        (.outOfMemory("1 GiB"), .failure(.outOfMemory("1 GiB"))), (.timedOut, .failure(.timeout(0))),
    ])
    func exitsBecomeOutcomes(_ exit: Exit, _ outcome: Outcome) {
        var scheduler = running()
        #expect(scheduler.handle(.exited(task: 0, exit), at: 1) == [.publish(task: 0, outcome)])
        #expect(scheduler.state(of: 0) == .running)
        let settled: [Scheduler.Action] =
            switch outcome {
            case .success: [.settle(task: 0, .succeeded, nil)]
            case .failure(let cause): [.settle(task: 0, .failed, cause)]
            case .terminated: [.settle(task: 0, .skipped, nil)]
            }
        #expect(scheduler.handle(.published(task: 0), at: 2) == settled)
        #expect(scheduler.isDone)
    }

    @Test func whatNeedsATerminatedTaskIsNeitherStartedNorBlocked() {
        var scheduler = scheduler([.init(), .init(needs: [0])])
        _ = scheduler.handle(.begin, at: 0)
        _ = scheduler.handle(.stop, at: 1)
        _ = scheduler.handle(.exited(task: 0, .signal(15)), at: 1)
        #expect(scheduler.handle(.published(task: 0), at: 1) == [.settle(task: 0, .terminated, nil)])
        #expect(scheduler.isDone)
        #expect(scheduler.unstarted == [1])
    }

    /// What the executor had yet to start never ran, unless it had before.
    @Test(arguments: [(false, TaskState.skipped), (true, .terminated)])
    func cancelledBeforeItStarts(_ isSecondAttempt: Bool, _ state: TaskState) {
        var scheduler = scheduler([.init(retries: 1)])
        _ = scheduler.handle(.begin, at: 0)
        if isSecondAttempt { _ = scheduler.handle(.exited(task: 0, .code(1)), at: 1) }
        _ = scheduler.handle(.stop, at: 1)
        #expect(scheduler.handle(.exited(task: 0, .cancelled), at: 2) == [.publish(task: 0, .terminated)])
        #expect(scheduler.handle(.published(task: 0), at: 2) == [.settle(task: 0, state, nil)])
    }

    @Test func unpublishedIsAFailure() {
        var scheduler = scheduler([.init(), .init(needs: [0])])
        _ = scheduler.handle(.begin, at: 0)
        _ = scheduler.handle(.exited(task: 0, .code(0)), at: 1)
        #expect(
            scheduler.handle(.unpublished(task: 0, "disk full"), at: 1)
                == [.settle(task: 0, .failed, .unpublished("disk full")), .block(task: 1, by: 0)])
        #expect(scheduler.isDone)
    }

    @Test func unpublishedSuccessCountsAsAFailure() {
        var scheduler = scheduler([.init(), .init()], slots: 1, maxFailures: 2)
        _ = scheduler.handle(.begin, at: 0)
        #expect(scheduler.handle(.exited(task: 0, .code(0)), at: 1).last == .launch(task: 1, number: 1))
        _ = scheduler.handle(.unpublished(task: 0, "disk full"), at: 1)
        _ = scheduler.handle(.exited(task: 1, .code(0)), at: 1)
        #expect(!scheduler.isDone)
        var single = self.scheduler([.init(), .init(), .init()], slots: 1, maxFailures: 1)
        _ = single.handle(.begin, at: 0)
        _ = single.handle(.exited(task: 0, .code(0)), at: 1)  // 1 takes its slot
        _ = single.handle(.unpublished(task: 0, "disk full"), at: 1)
        #expect(single.handle(.exited(task: 1, .code(0)), at: 2) == [.publish(task: 1, .success)])
        _ = single.handle(.published(task: 1), at: 2)
        #expect(single.isDone)
        #expect(single.unstarted == [2])
    }

    @Test func aFailureThatCannotBePublishedCountsOnce() {
        var scheduler = scheduler([.init(), .init(), .init()], slots: 1, maxFailures: 2)
        _ = scheduler.handle(.begin, at: 0)
        _ = scheduler.handle(.exited(task: 0, .code(1)), at: 1)
        _ = scheduler.handle(.unpublished(task: 0, "disk full"), at: 1)
        #expect(scheduler.handle(.exited(task: 1, .code(0)), at: 2).last == .launch(task: 2, number: 1))
    }

    // MARK: Retries

    @Test func aFailedAttemptIsFollowedByAnotherInTheSameSlot() {
        var scheduler = scheduler([.init(retries: 2), .init()], slots: 1)
        _ = scheduler.handle(.begin, at: 0)
        #expect(
            scheduler.handle(.exited(task: 0, .code(1)), at: 1)
                == [.retry(task: 0, .exited(1)), .launch(task: 0, number: 2)])
        #expect(
            scheduler.handle(.exited(task: 0, .lost("gone")), at: 2)
                == [.retry(task: 0, .lost("gone")), .launch(task: 0, number: 3)])
        #expect(
            scheduler.handle(.exited(task: 0, .timedOut), at: 3)
                == [.retry(task: 0, .timeout(0)), .launch(task: 0, number: 4)], "the loss has used up none of its own")
        #expect(
            scheduler.handle(.exited(task: 0, .signal(11)), at: 3)
                == [.publish(task: 0, .failure(.signal(11))), .launch(task: 1, number: 1)])
    }

    @Test func aRetryThatSucceedsIsASuccess() {
        var scheduler = running(.init(retries: 1), maxFailures: 1)
        #expect(scheduler.handle(.exited(task: 0, .code(1)), at: 1).count == 2)
        #expect(scheduler.handle(.exited(task: 0, .code(0)), at: 2) == [.publish(task: 0, .success)])
        #expect(scheduler.handle(.published(task: 0), at: 2) == [.settle(task: 0, .succeeded, nil)])
    }

    @Test func nothingIsRetriedWhenTheRunStops() {
        var scheduler = running(.init(retries: 5))
        #expect(scheduler.handle(.stop, at: 1) == [.cancel(task: 0, force: false)])
        #expect(scheduler.handle(.exited(task: 0, .code(1)), at: 2) == [.publish(task: 0, .terminated)])
    }

    @Test func nothingIsRetriedAfterTheLastFailureAllowed() {
        var scheduler = scheduler([.init(), .init(retries: 3)], maxFailures: 1)
        _ = scheduler.handle(.begin, at: 0)
        _ = scheduler.handle(.exited(task: 0, .code(1)), at: 1)
        #expect(scheduler.handle(.exited(task: 1, .code(2)), at: 2) == [.publish(task: 1, .failure(.exited(2)))])
    }

    // MARK: Timeouts

    @Test func aTimeoutAsksThenForcesAfterTheGrace() {
        var scheduler = scheduler([.init(timeout: 2)], grace: 3)
        _ = scheduler.handle(.begin, at: 0)
        // It counts from the start of the process, not from its launch.
        #expect(scheduler.handle(.beat, at: 100 * Self.second).isEmpty)
        #expect(scheduler.handle(.started(task: 0, since: 100 * Self.second), at: 100 * Self.second).isEmpty)
        #expect(scheduler.handle(.beat, at: 102 * Self.second - 1).isEmpty)
        #expect(scheduler.handle(.beat, at: 102 * Self.second) == [.cancel(task: 0, force: false)])
        #expect(scheduler.handle(.beat, at: 105 * Self.second - 1).isEmpty)
        #expect(scheduler.handle(.beat, at: 105 * Self.second) == [.cancel(task: 0, force: true)])
        #expect(scheduler.handle(.beat, at: 200 * Self.second).isEmpty)
        #expect(
            scheduler.handle(.exited(task: 0, .signal(9)), at: 200 * Self.second)
                == [.publish(task: 0, .failure(.timeout(2)))])
    }

    @Test func anAttemptThatTimedOutFailedWhateverItsExit() {
        var scheduler = running(.init(timeout: 1))
        #expect(scheduler.handle(.beat, at: Self.second) == [.cancel(task: 0, force: false)])
        #expect(
            scheduler.handle(.exited(task: 0, .code(0)), at: Self.second)
                == [.publish(task: 0, .failure(.timeout(1)))])
    }

    @Test func everyAttemptHasItsWholeTimeout() {
        var scheduler = running(.init(retries: 1, timeout: 1))
        #expect(scheduler.handle(.beat, at: Self.second) == [.cancel(task: 0, force: false)])
        #expect(
            scheduler.handle(.exited(task: 0, .signal(15)), at: Self.second)
                == [.retry(task: 0, .timeout(1)), .launch(task: 0, number: 2)])
        #expect(scheduler.handle(.beat, at: 9 * Self.second).isEmpty)
        _ = scheduler.handle(.started(task: 0, since: 9 * Self.second), at: 9 * Self.second)
        #expect(scheduler.handle(.beat, at: 10 * Self.second - 1).isEmpty)
        #expect(scheduler.handle(.beat, at: 10 * Self.second) == [.cancel(task: 0, force: false)])
    }

    @Test func saidTwiceToHaveStartedItsTimeCountsFromTheFirst() {
        var scheduler = running(.init(timeout: 1))
        _ = scheduler.handle(.started(task: 0, since: Self.second / 2), at: Self.second / 2)
        #expect(scheduler.handle(.beat, at: Self.second) == [.cancel(task: 0, force: false)])
    }

    @Test func withoutATimeoutNothingEnds() {
        var scheduler = running()
        #expect(scheduler.handle(.beat, at: Int64.max / 2).isEmpty)
    }

    @Test(arguments: [1e30, Double.infinity]) func anEndlessTimeoutDoesNotOverflow(_ timeout: Double) {
        var scheduler = scheduler([.init(timeout: timeout)], grace: timeout)
        _ = scheduler.handle(.begin, at: Int64.max / 4)
        _ = scheduler.handle(.started(task: 0, since: Int64.max / 4), at: Int64.max / 4)
        #expect(scheduler.handle(.beat, at: Int64.max / 4).isEmpty)
        #expect(scheduler.handle(.stop, at: Int64.max / 4) == [.cancel(task: 0, force: false)])
    }

    // MARK: Stopping

    @Test func stopEndsWhatRunsAndStartsNothingMore() {
        var scheduler = scheduler([.init(), .init(), .init(), .init(needs: [0])], grace: 2)
        _ = scheduler.handle(.begin, at: 0)
        #expect(
            scheduler.handle(.stop, at: 10) == [.cancel(task: 0, force: false), .cancel(task: 1, force: false)])
        #expect(scheduler.handle(.exited(task: 1, .signal(15)), at: 11) == [.publish(task: 1, .terminated)])
        #expect(scheduler.handle(.published(task: 1), at: 11) == [.settle(task: 1, .terminated, nil)])
        #expect(scheduler.handle(.stop, at: 12).isEmpty)
        #expect(scheduler.handle(.beat, at: 10 + 2 * Self.second) == [.cancel(task: 0, force: true)])
        #expect(scheduler.handle(.beat, at: 10 + 4 * Self.second).isEmpty)
        #expect(!scheduler.isDone)
        #expect(scheduler.handle(.exited(task: 0, .signal(9)), at: 13) == [.publish(task: 0, .terminated)])
        #expect(scheduler.handle(.published(task: 0), at: 14) == [.settle(task: 0, .terminated, nil)])
        #expect(scheduler.isDone)
        #expect(scheduler.unstarted == [2, 3])
    }

    @Test func whatFinishedBeforeTheStopReachedItSucceeded() {
        var scheduler = scheduler([.init(), .init(needs: [0])])
        _ = scheduler.handle(.begin, at: 0)
        _ = scheduler.handle(.stop, at: 1)
        #expect(scheduler.handle(.exited(task: 0, .code(0)), at: 2) == [.publish(task: 0, .success)])
        #expect(scheduler.handle(.published(task: 0), at: 2) == [.settle(task: 0, .succeeded, nil)])
        #expect(scheduler.isDone)
        #expect(scheduler.unstarted == [1])
    }

    @Test func aTimeoutStaysATimeoutWhenTheRunStops() {
        var scheduler = running(.init(retries: 1, timeout: 1))
        _ = scheduler.handle(.beat, at: Self.second)
        #expect(scheduler.handle(.stop, at: Self.second).isEmpty)
        #expect(
            scheduler.handle(.exited(task: 0, .signal(15)), at: Self.second)
                == [.publish(task: 0, .failure(.timeout(1)))])
    }

    @Test func stopBeforeTheBeginningStartsNothing() {
        var scheduler = scheduler([.init()])
        #expect(scheduler.handle(.stop, at: 0).isEmpty)
        #expect(scheduler.handle(.begin, at: 0).isEmpty)
        #expect(scheduler.isDone)
        #expect(scheduler.unstarted == [0])
    }

    @Test func killForcesWhatRunsAtOnce() {
        var scheduler = scheduler([.init(), .init(), .init()])
        _ = scheduler.handle(.begin, at: 0)
        _ = scheduler.handle(.stop, at: 1)
        #expect(scheduler.handle(.kill, at: 2) == [.cancel(task: 0, force: true), .cancel(task: 1, force: true)])
        #expect(scheduler.handle(.beat, at: 100 * Self.second).isEmpty)
        #expect(scheduler.handle(.exited(task: 0, .signal(9)), at: 3) == [.publish(task: 0, .terminated)])
    }

    @Test func killWithoutAStopBeforeItStopsToo() {
        var scheduler = scheduler([.init(), .init()], slots: 1)
        _ = scheduler.handle(.begin, at: 0)
        #expect(scheduler.handle(.kill, at: 2) == [.cancel(task: 0, force: true)])
        #expect(scheduler.handle(.exited(task: 0, .signal(9)), at: 3) == [.publish(task: 0, .terminated)])
        _ = scheduler.handle(.published(task: 0), at: 3)
        #expect(scheduler.isDone)
        #expect(scheduler.unstarted == [1])
    }

    // MARK: Failures

    @Test func afterTheLastFailureAllowedWhatRunsMayFinish() {
        var scheduler = scheduler([.init(), .init(), .init()], maxFailures: 1)
        _ = scheduler.handle(.begin, at: 0)
        #expect(scheduler.handle(.exited(task: 0, .code(1)), at: 1) == [.publish(task: 0, .failure(.exited(1)))])
        _ = scheduler.handle(.published(task: 0), at: 1)
        #expect(!scheduler.isDone)
        #expect(scheduler.handle(.exited(task: 1, .code(0)), at: 2) == [.publish(task: 1, .success)])
        _ = scheduler.handle(.published(task: 1), at: 2)
        #expect(scheduler.isDone)
        #expect(scheduler.unstarted == [2])
    }

    @Test func aFailureBlocksAllThatNeedItOnce() {
        // 1 and 2 need 0, 3 needs both, 4 needs nothing.
        var scheduler = scheduler(
            [.init(), .init(needs: [0]), .init(needs: [0]), .init(needs: [1, 2]), .init()], slots: 1)
        _ = scheduler.handle(.begin, at: 0)
        #expect(
            scheduler.handle(.exited(task: 0, .code(1)), at: 1)
                == [.publish(task: 0, .failure(.exited(1))), .launch(task: 4, number: 1)])
        let actions = scheduler.handle(.published(task: 0), at: 1)
        #expect(actions.first == .settle(task: 0, .failed, .exited(1)))
        #expect(Set(actions.dropFirst()) == Set([1, 2, 3].map { .block(task: $0, by: 0) }))
        #expect(actions.count == 4)
        #expect([1, 2, 3].allSatisfy { scheduler.state(of: $0) == .blocked })
        #expect(scheduler.unstarted.isEmpty)
    }

    @Test(arguments: [TaskState.excluded, .failed, .blocked]) func aNeedWithoutResultBlocksAtTheBeginning(
        _ state: TaskState
    ) {
        var scheduler = scheduler([.init(needs: [1]), .init(needs: [2]), .init(state: state)])
        let actions = scheduler.handle(.begin, at: 0)
        #expect(Set(actions) == [.block(task: 1, by: 2), .block(task: 0, by: 2)])
        #expect(scheduler.isDone)
    }

    @Test func aLongChainIsBlockedWithoutRecursion() {
        let count = 100_000
        var scheduler = scheduler((0..<count).map { .init(needs: $0 == 0 ? [] : [$0 - 1]) })
        _ = scheduler.handle(.begin, at: 0)
        _ = scheduler.handle(.exited(task: 0, .code(1)), at: 1)
        let actions = scheduler.handle(.published(task: 0), at: 1)
        #expect(actions.count == count)
        #expect(actions.last == .block(task: count - 1, by: 0))
        var excluded = self.scheduler(
            (0..<count).map { .init(needs: $0 == 0 ? [] : [$0 - 1], state: $0 == 0 ? .excluded : .waiting) })
        #expect(excluded.handle(.begin, at: 0).count == count - 1)
    }

    // MARK: Draining

    @Test func drainedItFinishesWhatRunsAndStartsNothing() {
        var scheduler = scheduler([.init(retries: 3), .init(), .init()])
        _ = scheduler.handle(.begin, at: 0)
        #expect(scheduler.handle(.drain, at: 1).isEmpty)
        // Another attempt would be a start.
        #expect(
            scheduler.handle(.exited(task: 0, .code(1)), at: 2) == [.publish(task: 0, .failure(.exited(1)))])
        #expect(scheduler.handle(.published(task: 0), at: 2) == [.settle(task: 0, .failed, .exited(1))])
        #expect(!scheduler.isDone)
        #expect(scheduler.handle(.beat, at: 100 * Self.second).isEmpty, "nobody is asked to end")
        _ = scheduler.handle(.exited(task: 1, .code(0)), at: 3)
        #expect(scheduler.handle(.published(task: 1), at: 3) == [.settle(task: 1, .succeeded, nil)])
        #expect(scheduler.isDone)
        #expect(scheduler.unstarted == [2])
    }

    @Test func drainedItCanBeStopped() {
        var scheduler = running()
        _ = scheduler.handle(.drain, at: 1)
        #expect(scheduler.handle(.stop, at: 2) == [.cancel(task: 0, force: false)])
        #expect(scheduler.handle(.kill, at: 3) == [.cancel(task: 0, force: true)])
    }

    // MARK: Events that come too late

    @Test func eventsOfTasksThatDoNotRunChangeNothing() {
        var scheduler = scheduler([.init(), .init(needs: [0])])
        _ = scheduler.handle(.begin, at: 0)
        for event: Scheduler.Event in [
            .started(task: 1, since: 0), .exited(task: 1, .code(0)), .published(task: 1), .published(task: 0),
            .unpublished(task: 0, "disk full"), .unpublished(task: 1, "disk full"),
        ] {
            #expect(scheduler.handle(event, at: 1).isEmpty)
        }
        #expect(scheduler.state(of: 0) == .running)
        #expect(scheduler.state(of: 1) == .waiting)
    }

    @Test func eventsThatComeTwiceCountOnce() {
        var scheduler = scheduler([.init(), .init(needs: [0]), .init(needs: [0, 1])])
        _ = scheduler.handle(.begin, at: 0)
        _ = scheduler.handle(.exited(task: 0, .code(0)), at: 1)
        #expect(scheduler.handle(.exited(task: 0, .code(1)), at: 1).isEmpty)
        _ = scheduler.handle(.published(task: 0), at: 1)
        #expect(scheduler.handle(.published(task: 0), at: 1).isEmpty)
        #expect(scheduler.handle(.unpublished(task: 0, "late"), at: 1).isEmpty)
        #expect(scheduler.state(of: 0) == .succeeded)
        #expect(scheduler.state(of: 2) == .waiting)
    }
}

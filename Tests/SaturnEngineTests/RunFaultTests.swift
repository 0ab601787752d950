import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

/// The store, the ledger or the executor fails: the run ends what it started, and says what happened.
@Suite(.timeLimit(.minutes(25))) struct RunFaultTests {
    private let project: Project
    private let ledger = MemoryLedger()
    private let observer = RecordingObserver()
    private let problem = Failure(.engine, "no space left on device")

    init() throws { project = try Project() }

    private func tasks(_ count: Int) -> [TaskSpec] { (0..<count).map { TaskSpec("t\($0)") } }

    private func start(_ tasks: [TaskSpec], with executor: ScriptedExecutor) -> Task<Run.Summary, any Error> {
        Task { [project, ledger, observer] in
            try await project.run(tasks, with: executor, ledger: ledger, observer: observer)
        }
    }

    private func expectStopped() throws {
        #expect(try ledger.runs().first?.state == .stopped)
        #expect(try ledger.tasks(of: "run").allSatisfy { $0.state.isSettled })
        // The next run does not find anything that is said to run.
        #expect(try project.plan(tasks(4), ledger: ledger).allSatisfy { $0?.reason != .unfinished })
    }

    @Test func aWorkspaceThatCannotBeMadeStopsTheRun() async throws {
        project.store.fails(.begin, at: 2)
        let executor = ScriptedExecutor(slots: 4) { _, _ in .held }
        await #expect(throws: problem) { try await project.run(tasks(4), with: executor, ledger: ledger) }
        // What was decided before the fault is not started after it.
        #expect(executor.launched.all == ["t0"])
        #expect(executor.cancels.all == [.init("t0", force: false)])
        #expect(!executor.isStarted)
        try expectStopped()
        #expect(try ledger.tasks(of: "run").map(\.state) == [.terminated, .skipped, .skipped, .skipped])
    }

    @Test func theVeryFirstWorkspaceToo() async throws {
        project.store.fails(.begin, at: 1)
        let executor = ScriptedExecutor()
        await #expect(throws: problem) { try await project.run(tasks(1), with: executor, ledger: ledger) }
        #expect(executor.launched.all.isEmpty)
        try expectStopped()
    }

    @Test func aResultThatCannotBeKeptStopsTheRun() async throws {
        project.store.fails(.publish, at: 1)
        // t0 ends, t1 runs, and t2 would come next.
        let executor = ScriptedExecutor(slots: 2) { task, _ in task == "t0" ? .exits(0) : .held }
        await #expect(throws: problem) {
            try await project.run(tasks(6), with: executor, ledger: ledger, observer: observer)
        }
        #expect(!executor.isStarted)
        let states = try ledger.tasks(of: "run").map(\.state)
        #expect(states[0] == .failed)
        #expect(states.dropFirst().allSatisfy { $0 == .terminated || $0 == .skipped })
        #expect(try ledger.tasks(of: "run")[0].note == "its result could not be kept: no space left on device")
        #expect(try ledger.runs().first?.state == .stopped)
    }

    @Test func afterAFaultNothingElseIsStarted() async throws {
        project.store.fails(.publish, at: 1)
        let executor = ScriptedExecutor(slots: 1)
        await #expect(throws: problem) {
            try await project.run(tasks(4), with: executor, ledger: ledger)
        }
        // t1 takes the slot that t0 left before its result is published.
        #expect(executor.launched.all.count <= 2)
    }

    @Test func aRetryThatCannotBePreparedStopsTheRun() async throws {
        project.store.fails(.again, at: 1)
        var task = TaskSpec("t0")
        task.retries = 5
        let executor = ScriptedExecutor { _, _ in .exits(1) }
        await #expect(throws: problem) { try await project.run([task], with: executor, ledger: ledger) }
        #expect(executor.launched.all == ["t0"])
        try expectStopped()
    }

    @Test func aLedgerThatCannotBeWrittenEndsTheRunBeforeAnythingRuns() async throws {
        ledger.fails(atCommit: 1)
        let executor = ScriptedExecutor()
        await #expect(throws: Failure.self) { try await project.run(tasks(2), with: executor, ledger: ledger) }
        #expect(executor.launched.all.isEmpty)
        #expect(!executor.isStarted)
    }

    @Test func aLedgerThatFailsOnTheWayStopsTheRun() async throws {
        ledger.fails(atCommit: 2, with: problem)
        let executor = ScriptedExecutor(clock: project.clock) { _, _ in .held }
        let running = start(tasks(1), with: executor)
        try await observer.started(0)
        project.clock.advance(by: 1)
        await #expect(throws: problem) { _ = try await running.value }
        #expect(executor.cancels.all == [.init("t0", force: false)])
        try expectStopped()
    }

    @Test func theFirstFaultIsTheOneReported() async throws {
        project.store.fails(.publish, at: 1, with: problem)
        ledger.fails(atCommit: 2, with: Failure(.engine, "another fault"))
        await #expect(throws: problem) {
            try await project.run(tasks(1), with: ScriptedExecutor(), ledger: ledger)
        }
    }

    @Test func anExecutorThatDoesNotStartLeavesNoRunThatSeemsToRun() async throws {
        let refusal = Failure(.engine, "no such cluster")
        let executor = ScriptedExecutor(startProblem: refusal)
        await #expect(throws: refusal) { try await project.run(tasks(2), with: executor, ledger: ledger) }
        #expect(executor.launched.all.isEmpty)
        try expectStopped()
        #expect(try ledger.tasks(of: "run").map(\.state) == [.skipped, .skipped])
    }

    @Test func anExecutorThatIsNoMoreEndsTheRun() async throws {
        let executor = ScriptedExecutor(clock: project.clock) { _, _ in .deaf }
        let running = start(tasks(3), with: executor)
        try await observer.started(1)
        executor.fail("the scheduler went away")
        await #expect(throws: Failure(.engine, "the scheduler went away")) { _ = try await running.value }
        try expectStopped()
    }
}

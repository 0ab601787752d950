import Glibc
import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

@Suite(.timeLimit(.minutes(25))) struct RunStopTests {
    private let project: Project
    private let ledger = MemoryLedger()
    private let observer = RecordingObserver()
    private let signals = AsyncStream<Int32>.makeStream()

    init() throws { project = try Project() }

    @Test func aSignalEndsWhatRunsAndStartsNothingMore() async throws {
        let executor = ScriptedExecutor(slots: 2, clock: project.clock) { task, _ in task == "done" ? .exits(0) : .held
        }
        let tasks = [TaskSpec("done"), TaskSpec("a"), TaskSpec("b"), TaskSpec("child", needs: ["a"])]
        async let running = project.run(
            tasks, with: executor, ledger: ledger, observer: observer, signals: signals.stream)
        try await observer.settled(0)
        try await observer.started(2)
        signals.continuation.yield(SIGTERM)
        let summary = try await running
        #expect(summary.states == [.succeeded, .terminated, .terminated, .skipped])
        #expect(summary.stoppedBy == SIGTERM)
        #expect(summary.causes.isEmpty)
        #expect(executor.launched.all == ["done", "a", "b"])
        #expect(executor.cancels.all == [.init("a", force: false), .init("b", force: false)])
        let run = try #require(try ledger.runs().first)
        #expect(run.state == .stopped)
        #expect(run.exitCode == 143)
        #expect(try ledger.tasks(of: "run").map(\.state) == summary.states)
        #expect(try project.store.status(of: .standing(task: "a")) == nil)
        #expect(project.store.error(of: "a") == nil)
        #expect(project.store.eventTypes(of: "a") == ["submitted", "started", "terminated"])
        let reasons = try project.plan(tasks, ledger: ledger).map { $0?.reason }
        #expect(reasons == [.inPlace, .terminated, .terminated, .new])
    }

    @Test func afterTheGraceWhatDoesNotEndIsKilled() async throws {
        let executor = ScriptedExecutor(clock: project.clock) { _, _ in .deaf }
        async let running = project.run(
            [TaskSpec("a")], with: executor, observer: observer, signals: signals.stream)
        try await observer.started(0)
        signals.continuation.yield(SIGINT)
        try await executor.cancels.first { !$0.force }
        project.clock.advance(by: 4.9)
        project.clock.advance(by: 0.1)
        #expect(try await running.states == [.terminated])
        #expect(executor.cancels.all == [.init("a", force: false), .init("a", force: true)])
        #expect(project.clock.uptime() == 5_000_000_000)
    }

    @Test func aSecondSignalKillsAtOnce() async throws {
        let executor = ScriptedExecutor(clock: project.clock) { _, _ in .deaf }
        async let running = project.run(
            [TaskSpec("a")], with: executor, observer: observer, signals: signals.stream)
        try await observer.started(0)
        signals.continuation.yield(SIGINT)
        signals.continuation.yield(SIGTERM)
        let summary = try await running
        #expect(summary.states == [.terminated])
        // The first one decides the exit code.
        #expect(summary.stoppedBy == SIGINT)
        #expect(executor.cancels.all == [.init("a", force: false), .init("a", force: true)])
        let told = observer.events.all.compactMap { event -> Bool? in
            if case .stopping(_, let again) = event { again } else { nil }
        }
        #expect(told == [false, true])
    }

    @Test func whatFinishesInTheGraceSucceeded() async throws {
        let executor = ScriptedExecutor(clock: project.clock) { _, _ in .deaf }
        async let running = project.run(
            [TaskSpec("a")], with: executor, ledger: ledger, observer: observer, signals: signals.stream)
        try await observer.started(0)
        signals.continuation.yield(SIGINT)
        try await executor.cancels.first { _ in true }
        try await executor.release("a")
        #expect(try await running.states == [.succeeded])
        #expect(try ledger.runs().first?.exitCode == 130)
    }

    @Test func drainedItStartsNothingAndWaits() async throws {
        let executor = ScriptedExecutor(slots: 1, clock: project.clock) { _, _ in .held }
        async let running = project.run(
            [TaskSpec("a"), TaskSpec("b")], with: executor, ledger: ledger, observer: observer,
            signals: signals.stream)
        try await observer.started(0)
        signals.continuation.yield(SIGUSR1)
        signals.continuation.yield(SIGUSR1)
        try await observer.events.first { if case .draining = $0 { true } else { false } }
        try await executor.release("a")
        let summary = try await running
        #expect(summary.states == [.succeeded, .skipped])
        #expect(summary.stoppedBy == SIGTERM)
        #expect(executor.cancels.all.isEmpty)
        #expect(observer.events.all.count { if case .draining = $0 { true } else { false } } == 1)
        #expect(try ledger.runs().first?.exitCode == 143)
    }

    /// Nothing was left to start: it has just ended.
    @Test func drainedAtTheEndItHasSucceeded() async throws {
        let executor = ScriptedExecutor(clock: project.clock) { _, _ in .held }
        async let running = project.run(
            [TaskSpec("a")], with: executor, ledger: ledger, observer: observer, signals: signals.stream)
        try await observer.started(0)
        signals.continuation.yield(SIGUSR1)
        try await observer.events.first { if case .draining = $0 { true } else { false } }
        try await executor.release("a")
        #expect(try await running.stoppedBy == nil)
        #expect(try ledger.runs().first?.exitCode == 0)
    }
}

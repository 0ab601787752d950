import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

/// What a run makes of what an earlier one, which died, has left.
@Suite(.timeLimit(.minutes(25))) struct RunRecoveryTests {
    private let project: Project
    private let ledger = MemoryLedger()

    init() throws { project = try Project() }

    @discardableResult
    private func run(_ tasks: [TaskSpec], ledger: MemoryLedger? = nil, name: String = "run") async throws -> [String] {
        let executor = ScriptedExecutor(slots: 1)
        _ = try await project.run(tasks, with: executor, ledger: ledger ?? self.ledger, name: name)
        return executor.launched.all
    }

    private func plan(_ tasks: [TaskSpec], ledger: MemoryLedger, boot: String) throws -> Decision? {
        try Preparation(
            project.compile(tasks, ledger: ledger), ledger: ledger, project: project.state.project,
            options: Planner.Options(), boot: boot
        ).plan.decisions[0]
    }

    /// The ledger is told of a result only when its files are on the disk.
    @Test func aDiskThatFailsMakesNoResult() async throws {
        let problem = Failure(.engine, "input/output error")
        project.store.fails(.sync, at: 1, with: problem)
        await #expect(throws: problem) { try await run([TaskSpec("a")]) }
        #expect(ledger.records.isEmpty)
        // A second try would seem to succeed: the kernel tells of a loss once.
        #expect(project.store.calls.all.count { $0 == "sync" } == 1)
    }

    @Test func nothingIsSyncedWhenNothingRan() async throws {
        try await run([TaskSpec("a")])
        let before = project.store.calls.all.count { $0 == "sync" }
        #expect(before == 1)
        try await run([TaskSpec("a")])
        #expect(project.store.calls.all.count { $0 == "sync" } == before)
    }

    // MARK: The machine went down

    @Test func whatTheLedgerKnowsIsOnTheDisk() async throws {
        try await run([TaskSpec("a")])
        #expect(try plan([TaskSpec("a")], ledger: ledger, boot: "another")?.reason == .inPlace)
    }

    @Test func withoutALedgerTheStoreMustVouchForIt() async throws {
        try await run([TaskSpec("a")])
        let events = try #require(try project.store.events(of: .standing(task: "a")))
        #expect(events.boot == Machine.boot)
        let (lost, completed) = (MemoryLedger(), try #require(events.completed))
        // In the same start of the machine nothing was lost.
        #expect(try plan([TaskSpec("a")], ledger: lost, boot: Machine.boot)?.reason == .inPlace)
        try project.store.sync(at: completed, boot: Machine.boot)
        #expect(try plan([TaskSpec("a")], ledger: lost, boot: "another")?.reason == .inPlace)
        let before = Timestamp(microseconds: completed.microseconds - 1)
        try project.store.sync(at: before, boot: Machine.boot)
        #expect(try plan([TaskSpec("a")], ledger: lost, boot: "another")?.reason == .unsynced)
    }

    @Test func whatIsInTheAtticToo() async throws {
        try await run([TaskSpec("a", "one")])
        try await run([TaskSpec("a", "two")])
        let lost = MemoryLedger()
        #expect(try plan([TaskSpec("a", "one")], ledger: lost, boot: Machine.boot)?.reason == .fromAttic)
        try project.store.sync(at: Timestamp(microseconds: 0), boot: Machine.boot)
        #expect(try plan([TaskSpec("a", "one")], ledger: lost, boot: "another")?.action == .run)
    }

    // MARK: A ledger that is behind

    /// What the ledger does not know yet it would not find in the attic.
    @Test func whatIsAdoptedIsKnownBeforeItIsMoved() async throws {
        try await run([TaskSpec("a", "one")])
        try await run([TaskSpec("a", "two")])
        let behind = MemoryLedger()
        // Knows the store, so that the attic is not listed, and the first result, but nothing of the second.
        var first = try #require(ledger.records.first)
        first.place = .attic
        var batch = LedgerBatch()
        batch.attempts = [first]
        try behind.commit(batch)
        project.store.fails(.retire, at: 1)
        await #expect(throws: Failure.self) { try await run([TaskSpec("a", "one")], ledger: behind) }
        #expect(behind.records.count == 2)
    }

    @Test func aResultThatVanishesIsPlannedAgain() async throws {
        try await run([TaskSpec("a", "one")])
        try await run([TaskSpec("a", "two")])
        let preparation = try project.prepare([TaskSpec("a", "one")], ledger: ledger)
        #expect(preparation.plan.count(.restore) == 1)
        for place in project.store.attic { project.store.delete(place) }
        let run = Run(
            preparation, executor: ScriptedExecutor(), state: project.state, observer: RecordingObserver(),
            clock: project.clock, options: Run.Options(host: "box", file: project.space.path("run.yaml")))
        #expect(try !run.begin())
        #expect(try self.project.prepare([TaskSpec("a", "one")], ledger: ledger).plan.count(.run) == 1)
    }

    // MARK: Going on with a run

    @Test func whatItLeavesOutStaysAsItWas() async throws {
        let tasks = [TaskSpec("ok"), TaskSpec("bad"), TaskSpec("new"), TaskSpec("after", needs: ["bad"])]
        let earlier = [
            TaskRecord(name: "ok", index: 0, state: .succeeded, attempt: nil),
            TaskRecord(name: "bad", index: 1, state: .failed, attempt: nil, note: "exit code 3"),
            TaskRecord(name: "new", index: 2, state: .waiting), TaskRecord(name: "after", index: 3, state: .waiting),
        ]
        let executor = ScriptedExecutor()
        let preparation = try project.prepare(tasks, ledger: ledger, only: [2, 3])
        var options = Run.Options(host: "box", file: project.space.path("run.yaml"))
        options.earlier = Dictionary(uniqueKeysWithValues: earlier.map { ($0.name, $0) })
        options.started = Timestamp(microseconds: 5)
        let run = Run(
            preparation, executor: executor, state: project.state, observer: RecordingObserver(),
            clock: project.clock, options: options)
        let summary = try await run.execute(signals: AsyncStream { _ in })
        #expect(executor.launched.all == ["new"])
        #expect(summary.states == [.succeeded, .failed, .succeeded, .blocked])
        #expect(try ledger.tasks(of: "run").map(\.note) == [nil, "exit code 3", nil, "needs bad"])
        #expect(try ledger.runs().first?.started == Timestamp(microseconds: 5))
        #expect(try ledger.runs().first?.exitCode == 1)
    }
}

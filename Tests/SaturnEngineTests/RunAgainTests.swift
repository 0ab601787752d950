import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

/// What a second run executes.
@Suite(.timeLimit(.minutes(25))) struct RunAgainTests {
    private let project: Project
    private let ledger = MemoryLedger()

    init() throws { project = try Project() }

    /// Runs, and returns the names of what was executed.
    @discardableResult
    private func run(
        _ tasks: [TaskSpec], ledger: MemoryLedger? = nil, name: String = "run", force: Bool = false, exit: Int32 = 0
    ) async throws -> [String] {
        let executor = ScriptedExecutor(slots: 1) { _, _ in .exits(exit) }
        _ = try await project.run(
            tasks, with: executor, ledger: ledger ?? self.ledger, name: name, force: force)
        return executor.launched.all
    }

    private func standing(_ task: String) throws -> AttemptID? {
        try project.store.events(of: .standing(task: task))?.attempt
    }

    @Test func whatSucceededIsReused() async throws {
        let tasks = [TaskSpec("a"), TaskSpec("b", needs: ["a"])]
        #expect(try await run(tasks) == ["a", "b"])
        let before = project.store.calls.all
        #expect(try await run(tasks).isEmpty)
        #expect(project.store.calls.all == before)
        #expect(try ledger.tasks(of: "run").map(\.state) == [.reused, .reused])
        #expect(try ledger.tasks(of: "run").map(\.attempt) == [try standing("a"), try standing("b")])
        #expect(try ledger.runs().first?.state == .succeeded)
    }

    @Test func whatFailedIsRunAgain() async throws {
        #expect(try await run([TaskSpec("a")], exit: 7) == ["a"])
        #expect(try project.plan([TaskSpec("a")], ledger: ledger)[0]?.reason == .failed(7))
        #expect(try await run([TaskSpec("a")]) == ["a"])
        #expect(try await run([TaskSpec("a")]).isEmpty)
    }

    @Test func onlyWhatChangedRunsAndTheOldResultIsShelved() async throws {
        try await run([TaskSpec("a", "one"), TaskSpec("b", "two")])
        let old = try #require(try standing("a"))
        #expect(try await run([TaskSpec("a", "ONE"), TaskSpec("b", "two")]) == ["a"])
        let record = try #require(try ledger.attempts([old])[old])
        #expect(record.place == .attic)
        #expect(project.store.attic == [.attic(key: record.key, attempt: old)])
        #expect(
            project.store.calls.all.suffix(6)
                == ["retire a attic", "begin a", "checkpoint", "publish a", "forget", "sync"])
        #expect(try standing("a") != old)
    }

    @Test func goingBackRestoresWithoutExecuting() async throws {
        try await run([TaskSpec("a", "one")])
        let old = try #require(try standing("a"))
        try await run([TaskSpec("a", "two")])
        let newer = try #require(try standing("a"))
        #expect(try project.plan([TaskSpec("a", "one")], ledger: ledger)[0]?.action == .restore)
        #expect(try await run([TaskSpec("a", "one")]).isEmpty)
        #expect(try standing("a") == old)
        #expect(try ledger.tasks(of: "run").map(\.state) == [.restored])
        #expect(try ledger.attempts([old, newer]).mapValues(\.place) == [old: .standing, newer: .attic])
        #expect(project.store.eventTypes(of: "a")?.last == "restored")
        // Now it stands there like any other.
        #expect(try project.plan([TaskSpec("a", "one")], ledger: ledger)[0]?.action == .reuse)
        #expect(try await run([TaskSpec("a", "two")]).isEmpty)
        #expect(try standing("a") == newer)
    }

    @Test func aRenamedTaskTakesItsResultAlong() async throws {
        try await run([TaskSpec("old")])
        let attempt = try standing("old")
        #expect(try await run([TaskSpec("new")]) == [])
        #expect(try standing("new") == attempt)
        #expect(try project.store.look(at: .standing(task: "old")) == .absent)
    }

    @Test func theResultOfAnotherRunsTaskIsCopied() async throws {
        try await run([TaskSpec("theirs")], name: "first")
        let attempt = try #require(try standing("theirs"))
        #expect(try await run([TaskSpec("mine")], name: "second") == [])
        #expect(try standing("theirs") == attempt)
        let copy = try #require(try standing("mine"))
        #expect(copy != attempt)
        #expect(project.store.eventTypes(of: "mine") == ["submitted", "restored", "complete"])
        #expect(try ledger.attempts([copy])[copy]?.state == .success)
        #expect(try project.plan([TaskSpec("mine")], ledger: ledger)[0]?.action == .reuse)
    }

    @Test func resultsTradePlaces() async throws {
        try await run([TaskSpec("a", "one"), TaskSpec("b", "two")])
        let (one, two) = (try standing("a"), try standing("b"))
        #expect(try await run([TaskSpec("a", "two"), TaskSpec("b", "one")]) == [])
        #expect(try standing("a") == two)
        #expect(try standing("b") == one)
        #expect(project.store.attic.isEmpty)
    }

    @Test func aResultLeavesForItsNewTaskBeforeItsOldOneRuns() async throws {
        try await run([TaskSpec("a", "one")])
        let one = try standing("a")
        #expect(try await run([TaskSpec("a", "changed"), TaskSpec("b", "one")]) == ["a"])
        #expect(try standing("b") == one)
        #expect(project.store.attic.isEmpty)
    }

    @Test func aDeletedFolderOrStatusIsNoticed() async throws {
        let tasks = [TaskSpec("a"), TaskSpec("b", "two"), TaskSpec("c", "three")]
        try await run(tasks)
        project.store.delete(.standing(task: "a"))
        project.store.delete(.standing(task: "b"), onlyStatus: true)
        let decisions = try project.plan(tasks, ledger: ledger)
        #expect(decisions.map { $0?.reason } == [.folderGone, .statusGone, .inPlace])
        #expect(try await run(tasks) == ["a", "b"])
        #expect(try await run(tasks).isEmpty)
    }

    @Test func forceRunsEverything() async throws {
        let tasks = [TaskSpec("a"), TaskSpec("b", needs: ["a"])]
        try await run(tasks)
        #expect(try await run(tasks, force: true) == ["a", "b"])
        #expect(project.store.attic.count == 2)
    }

    @Test func aLostLedgerIsRebuiltFromTheEvents() async throws {
        let tasks = [TaskSpec("a"), TaskSpec("b", "two")]
        try await run(tasks)
        let rebuilt = MemoryLedger()
        #expect(try await run(tasks, ledger: rebuilt).isEmpty)
        #expect(try rebuilt.standing(in: project.store.location)["a"]?.id == standing("a"))
        // Its failures too.
        try await run([TaskSpec("bad", "bad")], exit: 4)
        guard case .failed = try project.plan([TaskSpec("bad", "bad")], ledger: MemoryLedger())[0]?.reason else {
            Issue.record("a failure without a ledger")
            return
        }
    }

    @Test func aFolderThatSaturnDidNotMakeIsLeftAlone() async throws {
        project.store.put("a")
        await #expect(throws: Failure.self) { try await run([TaskSpec("a")]) }
        #expect(project.store.calls.all.isEmpty)
        #expect(ledger.commits == 0)
    }

    @Test func anotherProjectsFolderIsLeftAlone() async throws {
        let key = Digest(of: [1])
        let events =
            EventLog.header
            + EventLog.entry(
                "submitted", at: project.clock.now(),
                [
                    Variable("key", key.description), Variable("attempt", "00000000-0000-4000-8000-000000000001"),
                    Variable("project", "theirs"),
                ])
        project.store.put("a", events: events, status: "success")
        await #expect(throws: Failure.self) { try await run([TaskSpec("a")]) }
        #expect(project.store.calls.all.isEmpty)
    }

    @Test func planningWritesNothing() async throws {
        try await run([TaskSpec("a"), TaskSpec("b", "two")])
        let (commits, calls, files) = (ledger.commits, project.store.calls.all, try project.space.list(".saturn"))
        _ = try project.plan([TaskSpec("a", "changed"), TaskSpec("c", "two"), TaskSpec("b")], ledger: ledger)
        #expect(ledger.commits == commits)
        #expect(project.store.calls.all == calls)
        #expect(try project.space.list(".saturn") == files)
    }
}

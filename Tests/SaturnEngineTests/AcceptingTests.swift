import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

/// Results that somebody declares good.
@Suite(.timeLimit(.minutes(25))) struct AcceptingTests {
    private let project: Project
    private let ledger = MemoryLedger()

    init() throws { project = try Project() }

    @discardableResult
    private func run(_ tasks: [TaskSpec], exit: Int32 = 0, ledger: MemoryLedger? = nil) async throws -> [String] {
        let executor = ScriptedExecutor(slots: 1) { _, _ in .exits(exit) }
        _ = try await project.run(tasks, with: executor, ledger: ledger ?? self.ledger)
        return executor.launched.all
    }

    private func accept(_ tasks: [TaskSpec], _ accepted: [Int]? = nil, ledger: MemoryLedger? = nil) throws -> [Reason?]
    {
        let ledger = ledger ?? self.ledger
        let indices = accepted ?? Array(tasks.indices)
        let preparation = try Preparation(
            project.compile(tasks, ledger: ledger), ledger: ledger, project: project.state.project,
            options: Planner.Options(accepting: Set(indices)))
        let accepting = Accepting(preparation, ledger: ledger)
        let targets = try accepting.targets(indices)
        let words = Dictionary(targets.map { ($0.task, "words") }, uniquingKeysWith: { first, _ in first })
        try accepting.accept(targets, changes: words, at: project.clock.now())
        return targets.map(\.reason)
    }

    private func reasons(_ tasks: [TaskSpec], ledger: MemoryLedger? = nil) throws -> [Reason?] {
        try project.plan(tasks, ledger: ledger ?? self.ledger).map { $0?.reason }
    }

    @Test func anAcceptedResultIsGoodUnderBothKeys() async throws {
        try await run([TaskSpec("a", "one")])
        let change = FieldChange(field: "command", old: "one", new: "two")
        #expect(try accept([TaskSpec("a", "two")]) == [.changed([change])])
        let record = try #require(ledger.records.first)
        let key = try #require(try project.plan([TaskSpec("a", "two")], ledger: ledger)[0]?.key)
        #expect(record.accepted == [key])
        #expect(record.key != key)
        #expect(try ledger.fields(of: key) != nil)
        let events = try #require(try project.store.events(of: .standing(task: "a")))
        #expect(events.acceptances.map(\.key) == [key])
        #expect(events.acceptances.map(\.changes) == ["words"])
        #expect(try await run([TaskSpec("a", "two")]) == [])
        #expect(try await run([TaskSpec("a", "one")]) == [])
        #expect(
            try reasons([TaskSpec("a", "three")]) == [
                .changed([
                    FieldChange(field: "command", old: "one", new: "three")
                ])
            ])
    }

    @Test func whatIsUpToDateIsLeftAlone() async throws {
        try await run([TaskSpec("a")])
        #expect(try accept([TaskSpec("a")]) == [nil])
        #expect(project.store.eventTypes(of: "a") == ["submitted", "started", "complete"])
    }

    /// Accepted by one that was killed before it could tell the ledger: said once.
    @Test func acceptedTwice() async throws {
        try await run([TaskSpec("a", "one")])
        ledger.fails(atCommit: 1)
        #expect(throws: Failure.self) { try accept([TaskSpec("a", "two")]) }
        _ = try accept([TaskSpec("a", "two")])
        #expect(project.store.eventTypes(of: "a") == ["submitted", "started", "complete", "accepted"])
        #expect(try reasons([TaskSpec("a", "two")]) == [.inPlace])
    }

    @Test func withoutALedgerTheEventsSayIt() async throws {
        try await run([TaskSpec("a", "one"), TaskSpec("b", "x")])
        _ = try accept([TaskSpec("a", "two"), TaskSpec("b", "x")], [0])
        #expect(
            try reasons([TaskSpec("a", "two"), TaskSpec("b", "x")], ledger: MemoryLedger()) == [.inPlace, .inPlace])
        #expect(
            try reasons([TaskSpec("a", "one"), TaskSpec("b", "x")], ledger: MemoryLedger()) == [.inPlace, .inPlace])
    }

    /// What the ledger has never heard of it hears of all at once: it would not look again.
    @Test func withALedgerThatWasLost() async throws {
        try await run([TaskSpec("a", "one"), TaskSpec("b", "x")])
        try await run([TaskSpec("a", "one"), TaskSpec("b", "y")])
        let empty = MemoryLedger()
        #expect(try accept([TaskSpec("a", "two"), TaskSpec("b", "y")], [0], ledger: empty) == [.changedUnknown])
        #expect(try reasons([TaskSpec("a", "two"), TaskSpec("b", "x")], ledger: empty) == [.inPlace, .fromAttic])
    }

    @Test func aChainIsAcceptedAtOnce() async throws {
        try await run([TaskSpec("a", "one"), TaskSpec("b", "one", needs: ["a"])])
        let changed = [TaskSpec("a", "two"), TaskSpec("b", "two", needs: ["a"])]
        let problem = #expect(throws: Failure.self) { try accept(changed, [1]) }
        #expect(problem?.message == "what 'b' needs runs first")
        _ = try accept(changed)
        #expect(try reasons(changed) == [.inPlace, .inPlace])
    }

    @Test func whatChangedWhileItRanIsGoodOnlyWhereItWasAccepted() async throws {
        let (code, folder) = (project.code, project.space.folder)
        code.set("tree-1", at: folder)
        let executor = ScriptedExecutor { _ in
            code.set("tree-2", at: folder)
            return .exits(0)
        }
        let tasks = [TaskSpec("a", "x")]
        _ = try await project.run(tasks, with: executor, ledger: ledger)
        #expect(try accept(tasks) == [.changed([FieldChange(field: "code.tree", old: "tree-1", new: "tree-2")])])
        for ledger in [ledger, MemoryLedger()] {
            code.set("tree-2", at: folder)
            #expect(try reasons(tasks, ledger: ledger) == [.inPlace])
            code.set("tree-1", at: folder)
            #expect(try reasons(tasks, ledger: ledger) == [.changedWhileRunning])
        }
    }

    @Test func nothingIsAcceptedWhenOneCannotBe() async throws {
        try await run([TaskSpec("a", "one")])
        try await run([TaskSpec("bad", "x")], exit: 3)
        let before = ledger.commits
        for name in ["bad", "new"] {
            let problem = #expect(throws: Failure.self) { try accept([TaskSpec("a", "two"), TaskSpec(name, "x")]) }
            #expect(problem?.kind == .usage)
            #expect(problem?.message == "task '\(name)' has no successful result to accept")
        }
        #expect(ledger.commits == before)
        #expect(project.store.eventTypes(of: "a")?.contains("accepted") == false)
    }

    @Test func aCopyOfAnAcceptedResultIsAcceptedToo() async throws {
        try await run([TaskSpec("a", "one")])
        _ = try accept([TaskSpec("a", "two")])
        let (tasks, other) = ([TaskSpec("mine", "two")], ScriptedExecutor(slots: 1) { _, _ in .exits(0) })
        _ = try await project.run(tasks, with: other, ledger: ledger, name: "other")
        #expect(other.launched.all == [])
        #expect(project.store.eventTypes(of: "mine") == ["submitted", "accepted", "restored", "complete"])
        let copy = try #require(ledger.records.last)
        #expect(copy.origin != nil)
        #expect(copy.key == ledger.records.first?.key)
        #expect(copy.accepted == ledger.records.first?.accepted)
        #expect(try reasons(tasks) == [.inPlace])
        #expect(try reasons(tasks, ledger: MemoryLedger()) == [.inPlace])
    }

    @Test func renamedAndSupersededItStaysAccepted() async throws {
        try await run([TaskSpec("a", "one")])
        _ = try accept([TaskSpec("a", "two")])
        #expect(try await run([TaskSpec("b", "two")]) == [])
        #expect(try await run([TaskSpec("b", "three")]) == ["b"])
        #expect(try reasons([TaskSpec("b", "two")]) == [.fromAttic])
        #expect(try await run([TaskSpec("b", "two")]) == [])
        #expect(try reasons([TaskSpec("b", "one")]) == [.inPlace])
    }

    @Test func aStoreThatCannotWriteChangesNothing() async throws {
        try await run([TaskSpec("a", "one")])
        project.store.fails(.note, at: 1)
        let before = ledger.commits
        #expect(throws: Failure.self) { try accept([TaskSpec("a", "two")]) }
        #expect(ledger.commits == before)
        guard case .changed = try reasons([TaskSpec("a", "two")])[0] else {
            Issue.record("it was not accepted")
            return
        }
    }
}

import SaturnCore
import SaturnLedger
import SaturnTesting
import Testing

/// Which attempt stands where, when attempts replace each other and move.
@Suite struct PlaceTests {
    let book: Book
    let ledger: SQLiteLedger

    init() throws {
        book = try Book()
        ledger = try book.writer()
    }

    private func places(_ numbers: UInt64...) throws -> [String] {
        let records = try ledger.attempts(numbers.map(Book.id))
        return try numbers.map { number in
            let record = try #require(records[Book.id(number)])
            return "\(record.place) \(record.task)"
        }
    }

    private func move(_ moves: (UInt64, AttemptRecord.Place, String)...) throws {
        var batch = LedgerBatch()
        batch.moved = moves.map { (Book.id($0.0), $0.1, $0.2) }
        try ledger.commit(batch)
    }

    private func successes(_ key: String = "key") throws -> [AttemptID] {
        try ledger.successes(of: Book.key(key)).map(\.id)
    }

    @Test func theNextOneEndsWhatStoodThere() throws {
        try ledger.commit(LedgerBatch(attempts: [Book.attempt(1), Book.attempt(2, task: "b")]))
        try ledger.commit(LedgerBatch(attempts: [Book.attempt(3)]))
        #expect(try places(1, 2, 3) == ["attic a", "standing b", "standing a"])
        #expect(try ledger.standing(in: Book.location).mapValues(\.id) == ["a": Book.id(3), "b": Book.id(2)])
        #expect(try successes() == [Book.id(3), Book.id(2), Book.id(1)], "newest first")
    }

    @Test func twoInOneBatch() throws {
        try ledger.commit(LedgerBatch(attempts: [Book.attempt(1), Book.attempt(2)]))
        #expect(try places(1, 2) == ["attic a", "standing a"])
    }

    @Test func oneThatWentToTheAtticInTheSameBatchIsThere() throws {
        try ledger.commit(LedgerBatch(attempts: [Book.attempt(1)]))
        var batch = LedgerBatch(attempts: [Book.attempt(2)])
        batch.moved = [(Book.id(1), .attic, "a")]
        try ledger.commit(batch)
        #expect(try places(1, 2) == ["attic a", "standing a"])
        #expect(try successes() == [Book.id(2), Book.id(1)])
    }

    @Test func oneThatIsNewAndMoves() throws {
        var batch = LedgerBatch(attempts: [Book.attempt(1)])
        batch.moved = [(Book.id(1), .attic, "a")]
        try ledger.commit(batch)
        #expect(try places(1) == ["attic a"])
    }

    @Test func orInTheOneBefore() throws {
        try ledger.commit(LedgerBatch(attempts: [Book.attempt(1)]))
        try move((1, .attic, "a"))
        #expect(try ledger.standing(in: Book.location) == [:])
        try ledger.commit(LedgerBatch(attempts: [Book.attempt(2)]))
        #expect(try places(1, 2) == ["attic a", "standing a"])
    }

    @Test func oneThatComesBack() throws {
        try ledger.commit(LedgerBatch(attempts: [Book.attempt(1, .attic), Book.attempt(2, task: "b")]))
        try move((1, .standing, "b"))
        #expect(try places(1, 2) == ["standing b", "attic b"])
        #expect(try ledger.standing(in: Book.location).mapValues(\.id) == ["b": Book.id(1)])
    }

    @Test func twoThatTradePlaces() throws {
        try ledger.commit(LedgerBatch(attempts: [Book.attempt(1, task: "a"), Book.attempt(2, task: "b")]))
        try move((1, .attic, "a"), (2, .attic, "b"), (1, .standing, "b"), (2, .standing, "a"))
        #expect(try places(1, 2) == ["standing b", "standing a"])
    }

    @Test func oneThatStandsWhereItStood() throws {
        var record = Book.attempt(1)
        try ledger.commit(LedgerBatch(attempts: [record]))
        record.reusable = false
        try ledger.commit(LedgerBatch(attempts: [record]))
        try move((1, .standing, "a"))
        #expect(try places(1) == ["standing a"])
        #expect(try ledger.attempts([record.id]) == [record.id: record])
    }

    @Test func whatIsWrittenAgainKeepsItsAge() throws {
        try ledger.commit(LedgerBatch(attempts: (1...3).map { Book.attempt($0, task: "task \($0)") }))
        try ledger.commit(LedgerBatch(attempts: [Book.attempt(1, task: "task 1")]))
        #expect(try successes() == [3, 2, 1].map(Book.id))
    }

    @Test func onlyReusableSuccessesCount() throws {
        var changed = Book.attempt(1, task: "1")
        changed.reusable = false
        let others = [
            Book.attempt(2, task: "2", .standing, .failure), Book.attempt(3, task: "3", .standing, .terminated),
            Book.attempt(4, task: "4", .attic, .unfinished),
            Book.attempt(6, key: "another", task: "6"), Book.attempt(7, task: "7", location: "/elsewhere"),
            Book.attempt(8, task: "8", .attic),
        ]
        try ledger.commit(LedgerBatch(attempts: [changed] + others))
        #expect(try successes() == [Book.id(8), Book.id(7)], "wherever they are")
    }

    @Test func everyStoreHasItsOwn() throws {
        try ledger.commit(
            LedgerBatch(attempts: [Book.attempt(1), Book.attempt(2, location: "/elsewhere"), Book.attempt(3, .attic)]))
        #expect(try places(1, 2, 3) == ["standing a", "standing a", "attic a"])
        #expect(try ledger.standing(in: Book.location).mapValues(\.id) == ["a": Book.id(1)])
        #expect(try ledger.standing(in: "/elsewhere").mapValues(\.id) == ["a": Book.id(2)])
        #expect(try ledger.standing(in: "/nowhere") == [:])
        try move((3, .standing, "a"))
        #expect(try places(1, 2, 3) == ["attic a", "standing a", "standing a"])
    }

    @Test func oneThatIsNotKnown() throws {
        try ledger.commit(LedgerBatch(attempts: [Book.attempt(1)]))
        try move((9, .standing, "a"), (9, .attic, "a"))
        #expect(try places(1) == ["standing a"])
        #expect(try ledger.attempts([Book.id(9)]) == [:])
    }

    // MARK: Plans

    private func task(_ name: String, _ index: Int, _ state: TaskState = .waiting) -> TaskRecord {
        TaskRecord(name: name, index: index, state: state)
    }

    /// Rows touched by a new plan, told by triggers.
    private func touched(by plan: [TaskRecord]) throws -> [String] {
        try book.execute(
            """
            CREATE TABLE touched (what TEXT);
            CREATE TRIGGER put AFTER INSERT ON task BEGIN INSERT INTO touched VALUES ('put ' || new.run || ' ' || new.name); END;
            CREATE TRIGGER changed AFTER UPDATE ON task BEGIN INSERT INTO touched VALUES ('put ' || new.run || ' ' || new.name); END;
            CREATE TRIGGER gone AFTER DELETE ON task BEGIN INSERT INTO touched VALUES ('gone ' || old.run || ' ' || old.name); END;
            """)
        try ledger.commit(LedgerBatch(plan: plan))
        return try book.strings("SELECT what FROM touched ORDER BY what")
    }

    @Test func aPlanTouchesOnlyWhatDiffers() throws {
        try ledger.commit(LedgerBatch(plan: [task("a", 0), task("b", 1), task("c", 2), task("d", 3)]))
        try ledger.commit(LedgerBatch(plan: [task("a", 0)], of: "another"))
        let plan = [task("a", 0), task("b", 1, .reused), task("d", 2), task("e", 3)]
        #expect(try touched(by: plan) == ["gone run c", "put run b", "put run d", "put run e"])
        #expect(try ledger.tasks(of: "run") == plan)
        #expect(try ledger.tasks(of: "another") == [task("a", 0)])
    }

    @Test func theSamePlanTouchesNothing() throws {
        let plan = [task("a", 0), TaskRecord(name: "b", index: 1, state: .reused, attempt: Book.id(1), note: "note")]
        try ledger.commit(LedgerBatch(plan: plan))
        #expect(try touched(by: plan) == [])
    }

    @Test func anEmptyPlan() throws {
        try ledger.commit(LedgerBatch(plan: [task("a", 0)]))
        try ledger.commit(LedgerBatch(plan: []))
        #expect(try ledger.tasks(of: "run") == [])
    }

    @Test func plannedByAnotherRun() throws {
        var batch = LedgerBatch(plan: [task("a", 0)])
        batch.plans["elsewhere"] = [task("b", 0)]
        batch.runs = [Book.run("run"), Book.run("elsewhere", location: "/elsewhere"), Book.run("third")]
        try ledger.commit(batch)
        #expect(try ledger.isPlanned("a", in: Book.location, otherThan: "third"))
        #expect(try !ledger.isPlanned("a", in: Book.location, otherThan: "run"))
        #expect(try !ledger.isPlanned("b", in: Book.location, otherThan: "third"))
        #expect(try ledger.isPlanned("b", in: "/elsewhere", otherThan: "third"))
        try ledger.commit(LedgerBatch(plan: []))
        #expect(try !ledger.isPlanned("a", in: Book.location, otherThan: "third"))
    }
}

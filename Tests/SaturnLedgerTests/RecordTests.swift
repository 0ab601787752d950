import Glibc
import SaturnCore
import SaturnLedger
import SaturnTesting
import Testing

/// What is written is read again, by another connection, to the last bit.
@Suite struct RecordTests {
    let book: Book

    init() throws {
        book = try Book()
    }

    private func written(_ batch: LedgerBatch) throws -> SQLiteLedger {
        try book.writer().commit(batch)
        return try book.reader()
    }

    static let oddTexts = [
        "", " ", "é", "e\u{301}", "'; DROP TABLE run; --", "a\"b", "line\nline", "%_", "日本", "\u{1F600}",
    ]

    @Test func attempts() throws {
        var records: [AttemptRecord] = []
        let states: [AttemptRecord.State] = [.success, .failure, .terminated, .unfinished]
        let places: [AttemptRecord.Place] = [.standing, .attic]
        for (state, place) in states.flatMap({ state in places.map { (state, $0) } }) {
            let number = UInt64(records.count)
            var record = Book.attempt(number, key: "\(number)", task: "task \(number)", place, state)
            record.reusable = number.isMultiple(of: 2)
            record.origin = number.isMultiple(of: 5) ? Book.id(number + 100) : nil
            record.exitCode = number.isMultiple(of: 3) ? nil : Int32(number) - 5
            record.started =
                number.isMultiple(of: 4) ? nil : Timestamp(microseconds: Int64(number) * 1_000_003 - 5_000_000)
            record.ended = number.isMultiple(of: 5) ? nil : Timestamp(microseconds: .max)
            if !number.isMultiple(of: 6) {
                record.stamp = FileStamp(inode: .max - number, size: 0, modified: .min, changed: .max)
            }
            records.append(record)
        }
        let ledger = try written(LedgerBatch(attempts: records))
        let read = try ledger.attempts(records.map(\.id) + [Book.id(1000)])
        #expect(read == Dictionary(uniqueKeysWithValues: records.map { ($0.id, $0) }))
    }

    @Test(arguments: oddTexts)
    func texts(_ text: String) throws {
        var record = Book.attempt(1, task: text, location: "/\(text)")
        record.run = text
        var run = Book.run(text, location: "/\(text)")
        run.specName = text
        run.file = text
        var batch = LedgerBatch(
            attempts: [record], plan: [TaskRecord(name: text, index: 0, state: .failed, note: text)], of: text)
        batch.runs = [run]
        batch.digests = [
            DigestRecord(path: text, stamp: FileStamp(inode: 0, size: 0, modified: 0, changed: 0), digest: record.key)
        ]
        let ledger = try written(batch)
        #expect(try ledger.standing(in: "/\(text)").values.map { $0 } == [record])
        #expect(Array(try #require(ledger.runs().first).name.utf8) == Array(text.utf8))
        #expect(try ledger.runs() == [run])
        #expect(try ledger.tasks(of: text) == batch.plans[text])
        #expect(try ledger.digest(of: text) == batch.digests.first)
        #expect(try ledger.isPlanned(text, in: "/\(text)", otherThan: text + "x"))
        #expect(try !ledger.isPlanned(text, in: "/\(text)", otherThan: text))
    }

    @Test func runs() throws {
        var runs: [RunRecord] = []
        for (index, state) in [RunRecord.State.running, .succeeded, .failed, .stopped].enumerated() {
            var run = Book.run("run \(index)", started: Int64(index))
            run.state = state
            run.specName = index == 0 ? nil : "spec"
            run.ended = index == 1 ? nil : Timestamp(microseconds: 7)
            run.exitCode = index == 2 ? nil : 130
            runs.append(run)
        }
        var batch = LedgerBatch()
        batch.runs = runs
        #expect(try written(batch).runs() == runs.reversed(), "newest first")
        runs[0].state = .stopped
        runs[0].started = Timestamp(microseconds: 100)
        batch.runs = [runs[0]]
        #expect(try written(batch).runs() == [runs[0], runs[3], runs[2], runs[1]])
    }

    /// In rows of a thousand: a plan that is shorter, or longer, leaves nothing of the one before.
    @Test func parameters() throws {
        let ledger = try book.writer()
        #expect(try ledger.parameters(of: "run") == nil, "as an earlier saturn has left it")
        for count in [2500, 999, 1000, 1001, 0] {
            var batch = LedgerBatch()
            let parameters = (0..<count).map { [Variable("lr", "0.\($0)"), Variable("é\n", "\(count) b")] }
            batch.parameters = ["run": parameters, "none": Array(repeating: [], count: count)]
            try ledger.commit(batch)
            #expect(try ledger.parameters(of: "run") == parameters)
            #expect(try ledger.parameters(of: "none")?.joined().isEmpty == true)
        }
        var batch = LedgerBatch()
        batch.parameters = ["run": [[], [], [Variable("a", "b")]]]
        try ledger.commit(batch)
        #expect(try ledger.parameters(of: "run") == [[], [], [Variable("a", "b")]])
        batch = LedgerBatch()
        batch.forgottenRuns = ["run"]
        try ledger.commit(batch)
        #expect(try ledger.parameters(of: "run") == nil)
    }

    @Test func tasks() throws {
        let states: [TaskState] = [
            .waiting, .ready, .running, .succeeded, .failed, .terminated, .blocked, .skipped, .reused, .restored,
            .excluded,
        ]
        let tasks = states.enumerated().map { index, state in
            TaskRecord(
                name: "task \(states.count - index)", index: index, state: state,
                attempt: index.isMultiple(of: 2) ? Book.id(UInt64(index)) : nil,
                note: index.isMultiple(of: 3) ? "note" : nil)
        }
        let ledger = try written(LedgerBatch(plan: tasks.shuffled()))
        #expect(try ledger.tasks(of: "run") == tasks, "in the order of the run file")
        #expect(try ledger.tasks(of: "another") == [])
    }

    @Test func manifests() throws {
        let fields = [
            Manifest.Field("command", [.init("0", "/bin/sh"), .init("1", "")]), Manifest.Field("env", []),
            Manifest.Field("pass_env", [.init("HOME", nil), .init("é", "\0\n")]),
        ]
        var batch = LedgerBatch()
        batch.manifests = [Book.key("a"): ManifestCoding.encode(fields), Book.key("b"): [1, 2, 3]]
        let ledger = try written(batch)
        #expect(try ledger.fields(of: Book.key("a")) == fields)
        #expect(try ledger.fields(of: Book.key("b")) == nil, "these bytes are no manifest")
        #expect(try ledger.fields(of: Book.key("c")) == nil)
    }

    @Test func details() throws {
        var batch = LedgerBatch()
        batch.details = ["tree": [0, 255, 10], "empty": [], "é": Array(repeating: 7, count: 100_000)]
        let ledger = try written(batch)
        for (value, content) in batch.details { #expect(try ledger.detail(of: value) == content) }
        #expect(try ledger.detail(of: "another") == nil)
        // What a value stands for never changes.
        batch.details = ["tree": [1]]
        #expect(try written(batch).detail(of: "tree") == [0, 255, 10])
    }

    @Test func accepted() throws {
        let keys = ["x", "y"].map { Book.key($0) }.sorted()
        var good = Book.attempt(1, key: "own", task: "a")
        good.accepted = keys
        var stale = Book.attempt(2, key: "own", task: "b")
        (stale.reusable, stale.accepted) = (false, [keys[0]])
        var failed = Book.attempt(3, key: "own", task: "c", .standing, .failure)
        failed.accepted = [keys[0]]
        let plain = Book.attempt(4, key: "own", task: "d")
        let ledger = try written(LedgerBatch(attempts: [good, stale, failed, plain]))
        #expect(
            try ledger.attempts([good.id, stale.id, plain.id]).mapValues(\.accepted)
                == [good.id: keys, stale.id: [keys[0]], plain.id: []])
        #expect(try ledger.standing(in: Book.location)["a"] == good)
        #expect(try ledger.accepted() == [good.id: keys, stale.id: [keys[0]], failed.id: [keys[0]]])
        #expect(try ledger.successes(of: Book.key("own")).map(\.id) == [plain.id, good.id])
        #expect(try ledger.successes(of: keys[0]).map(\.id) == [stale.id, good.id])
        #expect(try ledger.successes(of: keys[1]).map(\.id) == [good.id])
        good.accepted = []
        #expect(try written(LedgerBatch(attempts: [good])).successes(of: keys[1]) == [], "all that is known of it")
    }

    @Test func successesOfManyKeysAreThoseOfEach() throws {
        var stale = Book.attempt(1, key: "a", task: "1")
        (stale.reusable, stale.accepted) = (false, [Book.key("b")])
        let ledger = try written(
            LedgerBatch(attempts: [
                stale, Book.attempt(2, key: "a", task: "2"), Book.attempt(3, key: "b", task: "3"),
                Book.attempt(4, key: "c", task: "4", .standing, .failure), Book.attempt(5, key: "a", task: "5", .attic),
            ]))
        let keys = Set(["a", "b", "c", "d"].map { Book.key($0) })
        let found = try ledger.successes(of: keys)
        #expect(
            found.mapValues { $0.map(\.id) } == [
                Book.key("a"): [5, 2].map(Book.id), Book.key("b"): [3, 1].map(Book.id),
            ])
        for key in keys { #expect(try found[key] ?? [] == ledger.successes(of: key)) }
    }

    @Test func whatStandsIsInTheOrderOfTheBytesOfItsName() throws {
        let names = ["b", "a b", "é", "B", "a", "日本", "e\u{301}"]
        let attempts = names.enumerated().map { Book.attempt(UInt64($0), key: $1, task: $1) }
        let ledger = try written(LedgerBatch(attempts: attempts + [Book.attempt(9, task: "gone", .attic)]))
        let sorted = attempts.sorted { $0.task.utf8.lexicographicallyPrecedes($1.task.utf8) }
        #expect(try ledger.standingByName(in: Book.location) == sorted)
        #expect(try ledger.standingByName(in: "/none") == [])
    }

    /// Names that only look alike are two tasks' to SQLite, and one that is not in the plan any more is forgotten.
    @Test func anotherPlanReplacesTheOldOne() throws {
        func plan(_ names: [String], _ state: TaskState) -> [TaskRecord] {
            names.enumerated().map {
                TaskRecord(name: $1, index: $0, state: state, attempt: Book.id(UInt64($0)), note: $1)
            }
        }
        _ = try written(LedgerBatch(plan: plan(["c", "é", "a", "b", "z"], .waiting)))
        var next = plan(["0", "a", "e\u{301}", "c", "d"], .waiting)
        next[1].state = .succeeded
        next[3].note = nil
        let read = try written(LedgerBatch(plan: next)).tasks(of: "run")
        #expect(read == next)
        #expect(read.map { Array($0.name.utf8) } == next.map { Array($0.name.utf8) })
    }

    @Test func theLatestOfEachTask() throws {
        let ledger = try written(
            LedgerBatch(attempts: [
                Book.attempt(1, key: "1", task: "a", .attic), Book.attempt(2, key: "2", task: "a", .attic, .failure),
                Book.attempt(3, key: "3", task: "b"), Book.attempt(4, key: "4", task: "a", location: "/other"),
            ]))
        #expect(try ledger.latest(in: Book.location).mapValues(\.key) == ["a": Book.key("2"), "b": Book.key("3")])
        #expect(try ledger.latest(in: "/none") == [:])
    }

    @Test func digests() throws {
        let stamp = FileStamp(inode: .max, size: .max, modified: .min, changed: -1)
        var record = DigestRecord(path: "/file", stamp: stamp, digest: Book.key("one"))
        var batch = LedgerBatch()
        batch.digests = [record]
        #expect(try written(batch).digest(of: "/file") == record)
        record.digest = Book.key("two")
        record.stamp.modified = 5
        batch.digests = [record]
        let ledger = try written(batch)
        #expect(try ledger.digest(of: "/file") == record)
        #expect(try ledger.digest(of: "/other") == nil)
    }

    @Test func aWriterReadsItsOwn() throws {
        let ledger = try book.writer()
        try ledger.commit(Book.batch(1))
        #expect(try Book.readAll(ledger, 1).allSatisfy { $0 })
        try ledger.commit(Book.batch(2))
        #expect(try Book.readAll(ledger, 1).allSatisfy { $0 })
    }

    // MARK: All or nothing

    @Test(arguments: ["run", "task", "manifest", "attempt", "digest", "detail", "accepted"])
    func aStatementThatFailsLeavesNothing(_ table: String) throws {
        let ledger = try book.writer()
        try ledger.commit(Book.batch(1))
        try book.execute("CREATE TRIGGER refuse BEFORE INSERT ON \(table) BEGIN SELECT RAISE(ABORT, 'refused'); END")
        let problem = try failure { try ledger.commit(Book.batch(2)) }
        #expect(problem.kind == .engine)
        #expect(problem.message.contains("refused") && problem.message.contains(book.path))
        for connection in [ledger, try book.reader()] {
            #expect(try Book.readAll(connection, 1).allSatisfy { $0 })
            let second = try Book.readAll(connection, 2).enumerated().filter { $0.element && $0.offset != 6 }
            #expect(second.isEmpty, "of the second batch there is \(second)")
        }
        try book.execute("DROP TRIGGER refuse")
        try ledger.commit(Book.batch(2))
        #expect(try Book.readAll(book.reader(), 2).allSatisfy { $0 })
    }

    /// A rerun that finds everything up to date looks at the tasks' rows once, and again when one of them was written.
    @Test func whatIsReusedIsRecordedOnce() throws {
        let ledger = try book.writer()
        var batch = Book.batch(1)
        batch.traces = [("run 1", Book.location, [1])]
        try ledger.commit(batch)
        var rerun = LedgerBatch()
        rerun.upToDate = ["run 1"]
        for state in [TaskState.succeeded, .restored] {
            var written = LedgerBatch()
            written.tasks = [("run 1", TaskRecord(name: "task", index: 1, state: state))]
            try ledger.commit(written)
            #expect(try book.strings("SELECT reused FROM trace") == ["0"])
            for _ in 0..<2 {
                try ledger.commit(rerun)
                #expect(try ledger.tasks(of: "run 1").map(\.state) == [.waiting, .reused])
                #expect(try book.strings("SELECT reused FROM trace") == ["1"])
            }
        }
        try ledger.commit(batch)
        #expect(try book.strings("SELECT reused FROM trace") == ["0"])
        try ledger.commit(rerun)
        #expect(try ledger.tasks(of: "run 1").map(\.state) == [.waiting, .reused])
    }

    @Test func nothingToWriteWritesNothing() throws {
        let ledger = try book.writer()
        try ledger.commit(Book.batch(1))
        let before = try book.listing()
        try ledger.commit(LedgerBatch())
        #expect(try book.listing() == before)
    }

    /// Prints its time; a run of 10,000 tasks must not feel it.
    @Test func tenThousandAttempts() throws {
        let ledger = try book.writer()
        let first = (0..<10_000).map { Book.attempt(UInt64($0), key: "\($0)", task: "task \($0)") }
        let second = (0..<10_000).map { Book.attempt(UInt64($0 + 10_000), key: "\($0)", task: "task \($0)") }
        let times = try [first, second].map { attempts in
            try measure { try ledger.commit(LedgerBatch(attempts: attempts)) }
        }
        print("10,000 attempts in one batch, and again over those that stood there: \(times)")
        // Of the processor: other tests run at the same time.
        #expect(times.allSatisfy { $0.processor > 0 && $0.processor < 2 })
        let standing = try book.reader().standing(in: Book.location)
        #expect(standing.count == 10_000)
        #expect(standing["task 77"]?.id == second[77].id)
    }

    /// Seconds on the wall, and of this thread.
    private func measure(_ body: () throws -> Void) rethrows -> (wall: Double, processor: Double) {
        func now(_ clock: clockid_t) -> Double {
            var time = timespec()
            clock_gettime(clock, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let (wall, processor) = (now(CLOCK_MONOTONIC), now(CLOCK_THREAD_CPUTIME_ID))
        try body()
        return (now(CLOCK_MONOTONIC) - wall, now(CLOCK_THREAD_CPUTIME_ID) - processor)
    }
}

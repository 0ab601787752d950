import GRDB
import Glibc
import SaturnCore
import SaturnLedger
import SaturnTesting
import Testing

/// Looking changes no file, whatever state the ledger is in.
@Suite(.timeLimit(.minutes(25)))
struct ReadingTests {
    let book: Book

    init() throws {
        book = try Book()
    }

    @Test func nothingChanges() throws {
        try book.writer().commit(Book.batch(1))
        let before = try book.listing()
        let ledger = try book.reader()
        #expect(try Book.readAll(ledger, 1).allSatisfy { $0 })
        #expect(try book.listing() == before)
        #expect(try book.space.list("state").filter { !$0.hasPrefix("ledger.sqlite") } == [])
        #expect(!book.space.exists(Book.name + "-wal") && !book.space.exists(Book.name + "-shm"))
    }

    @Test func aReaderWritesNothing() throws {
        try book.writer().commit(Book.batch(1))
        let before = try book.listing()
        #expect(try failure { try book.reader().commit(Book.batch(2)) }.kind == .engine)
        #expect(try book.listing() == before)
    }

    @Test func whereThereIsNoLedgerSQLiteIsNotStarted() throws {
        let ledger = try SQLiteLedger.looking(at: book.path)
        #expect(ledger is EmptyLedger)
        #expect(try ledger.runs() == [])
        #expect(try failure { try ledger.commit(Book.batch(1)) }.kind == .fault)
        #expect(try book.space.list() == ["state"])
        try book.writer().commit(Book.batch(1))
        #expect(try SQLiteLedger.looking(at: book.path).runs().count == 1)
    }

    @Test func aMissingFileIsAnEmptyLedger() throws {
        for path in [book.path, book.space.path("no/such/folder/ledger.sqlite")] {
            let ledger = try SQLiteLedger(reading: path)
            #expect(try ledger.runs() == [])
            #expect(try ledger.standing(in: Book.location) == [:])
        }
        #expect(try book.space.list() == ["state"])
        #expect(try book.space.list("state") == [])
    }

    /// In a process of its own, which gives up being root.
    @Test func ofSomebodyElse() async {
        await #expect(processExitsWith: .success) {
            let book = try Book()
            try book.writer().commit(Book.batch(1))
            try book.space.setMode("", 0o755)
            try book.space.setMode(Book.name, 0o444)
            try book.space.setMode("state", 0o555)
            let before = try book.listing()
            becomeNobody()
            #expect(try Book.readAll(book.reader(), 1).allSatisfy { $0 })
            let problem = try failure { _ = try book.writer().commit(Book.batch(2)) }
            #expect(problem.kind == .engine)
            #expect(problem.message.contains(book.path))
            becomeRoot()
            #expect(try book.listing() == before)
        }
    }

    @Test func whatMayNotBeReadIsNotTakenForMissing() async {
        await #expect(processExitsWith: .success) {
            let book = try Book()
            try book.writer().commit(Book.batch(1))
            try book.space.setMode("", 0o755)
            for (name, mode) in [(Book.name, 0o000), ("state", 0o000)] as [(String, UInt32)] {
                try book.space.setMode(name, mode)
                becomeNobody()
                let problem = try failure { _ = try book.reader() }
                #expect(problem.kind == .engine)
                #expect(problem.message.contains(book.path))
                #expect(problem.message.contains("Permission denied"))
                becomeRoot()
            }
            try book.space.setMode("state", 0o755)
        }
    }

    // MARK: A journal that a crash has left

    /// A process is killed in the middle of a transaction, after it has written to the file itself.
    private func crash() async throws {
        try book.writer().commit(Book.batch(1))
        let path = book.path
        let intact = try book.space.readBytes(path)
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            var configuration = Configuration()
            configuration.prepareDatabase {
                try $0.execute(sql: "PRAGMA journal_mode = TRUNCATE; PRAGMA cache_size = 2")
            }
            try DatabaseQueue(path: path, configuration: configuration).write { database in
                try database.execute(
                    sql: "UPDATE run SET file = 'torn'; UPDATE attempt SET task = 'torn'; DELETE FROM digest")
                for number in 0..<2000 {
                    try database.execute(
                        sql: "INSERT INTO digest VALUES (?, 0, 0, 0, 0, zeroblob(32))", arguments: ["\(number)"])
                }
                kill(getpid(), SIGKILL)
            }
        }
        #expect(try book.space.readBytes(path) != intact, "the file was not written to: this test proves nothing")
        #expect(try !book.space.readBytes(path + "-journal").isEmpty)
    }

    @Test func aHotJournalIsReadFromACopy() async throws {
        try await crash()
        // As root, SQLite gives a journal that it looks into the owner that it has: only that can be told.
        let before = try book.listing("%P %i %s %m %U %T@\\n")
        let (file, journal) = (try book.space.readBytes(book.path), try book.space.readBytes(book.path + "-journal"))
        let ledger = try book.reader()
        #expect(try Book.readAll(ledger, 1).allSatisfy { $0 })
        #expect(try ledger.runs().map(\.file) == ["/run.yaml"])
        #expect(try ledger.digest(of: "5") == nil)
        #expect(try book.listing("%P %i %s %m %U %T@\\n") == before)
        #expect(try book.space.readBytes(book.path) == file)
        #expect(try book.space.readBytes(book.path + "-journal") == journal)
    }

    @Test func aWriterAppliesIt() async throws {
        try await crash()
        let ledger = try book.writer()
        #expect(try Book.readAll(ledger, 1).allSatisfy { $0 })
        try ledger.commit(Book.batch(2))
        #expect(try Book.readAll(book.reader(), 2).allSatisfy { $0 })
        #expect(try book.space.readBytes(book.path + "-journal").isEmpty)
    }

    @Test func copiesAreRemoved() async throws {
        await #expect(processExitsWith: .success) {
            let space = try TestSpace()
            setenv("TMPDIR", space.folder, 1)
            try space.write("ledger.sqlite", "")
            #expect(try SQLiteLedger(reading: space.path("ledger.sqlite")).runs() == [])
            #expect(try space.list() == ["ledger.sqlite"])
            setenv("TMPDIR", space.path("none"), 1)
            let problem = try failure { _ = try SQLiteLedger(reading: space.path("ledger.sqlite")) }
            #expect(problem.kind == .engine)
            #expect(problem.message.contains(space.path("none")))
        }
    }

    // MARK: Other versions

    @Test func newer() throws {
        try book.writer().commit(Book.batch(1))
        let versions = (1...7).map { "('v\($0)')" }.joined(separator: ", ")
        try book.execute(
            "INSERT OR IGNORE INTO grdb_migrations VALUES \(versions); ALTER TABLE run RENAME TO runs")
        let before = try book.listing()
        for open in [SQLiteLedger.init(reading:), SQLiteLedger.init(writing:)] as [(String) throws -> SQLiteLedger] {
            let problem = try failure { _ = try open(book.path) }
            #expect(problem.kind == .usage)
            #expect(problem.message.contains("v7"))
            #expect(problem.message.contains(book.path))
            #expect(problem.hint != nil)
        }
        #expect(try book.listing() == before)
    }

    @Test(arguments: ["", "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)"])
    func older(_ sql: String) throws {
        try book.space.write(Book.name, "")
        if !sql.isEmpty { try book.execute(sql) }
        let before = try book.listing()
        let ledger = try book.reader()
        #expect(try ledger.runs() == [])
        #expect(try ledger.standing(in: Book.location) == [:])
        #expect(try book.listing() == before)
        try book.writer().commit(Book.batch(1))
        #expect(try Book.readAll(book.reader(), 1).allSatisfy { $0 })
    }

    /// A ledger of the first version, as it was written.
    @Test func ofTheFirstVersion() throws {
        try book.execute(
            """
            CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
            INSERT INTO grdb_migrations VALUES ('v1');
            CREATE TABLE location (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
            CREATE TABLE run (
                name TEXT PRIMARY KEY NOT NULL, spec_name TEXT, file TEXT NOT NULL, location TEXT NOT NULL,
                state TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER, exit_code INTEGER);
            CREATE TABLE task (
                run TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, state TEXT NOT NULL,
                attempt BLOB, note TEXT, PRIMARY KEY (run, name)) WITHOUT ROWID;
            CREATE INDEX task_name ON task (name);
            CREATE TABLE manifest (key BLOB PRIMARY KEY NOT NULL, fields BLOB NOT NULL) WITHOUT ROWID;
            CREATE TABLE attempt (
                number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, key BLOB NOT NULL,
                location INTEGER NOT NULL REFERENCES location, task TEXT NOT NULL, run TEXT NOT NULL,
                state TEXT NOT NULL, place TEXT NOT NULL, reusable INTEGER NOT NULL, exit_code INTEGER,
                started INTEGER, ended INTEGER,
                status_inode INTEGER, status_size INTEGER, status_modified INTEGER, status_changed INTEGER);
            CREATE INDEX attempt_key ON attempt (key);
            CREATE INDEX attempt_standing ON attempt (location, task) WHERE place = 'standing';
            CREATE TABLE digest (
                path TEXT PRIMARY KEY NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
                modified INTEGER NOT NULL, changed INTEGER NOT NULL, digest BLOB NOT NULL) WITHOUT ROWID;
            INSERT INTO location VALUES (1, '\(Book.location)');
            INSERT INTO run VALUES ('run', NULL, '/run.yaml', '\(Book.location)', 'succeeded', 5, 6, 0);
            INSERT INTO attempt VALUES (1, x'\(Self.hex(Book.id(1).bytes))', x'\(Self.hex(Book.key("key").bytes))', 1,
                'a', 'run', 'success', 'standing', 1, NULL, 5, 6, 7, 7, 8, 9);
            INSERT INTO attempt VALUES (2, x'\(Self.hex(Book.id(2).bytes))', x'\(Self.hex(Book.key("key").bytes))', 1,
                'b', 'run', 'success', 'gone', 0, NULL, 5, 6, 7, 7, 8, 9);
            """)
        for ledger in [try book.reader(), try book.writer()] {
            #expect(try ledger.runs().map(\.arguments) == [[]])
            #expect(try ledger.successes(of: Book.key("key")).map(\.id) == [Book.id(1)])
            let old = try #require(try ledger.attempts([Book.id(2)])[Book.id(2)])
            #expect(old.place == .attic)
            #expect(old.state == .success)
            #expect(!old.reusable)
        }
    }

    /// What a ledger of the second version has is there in the third, which begins with nothing accepted.
    @Test func ofTheSecondVersion() throws {
        try book.writer().commit(Book.batch(1))
        try book.execute(
            "DROP TABLE detail; DROP TABLE accepted; DROP TABLE trace; DROP TABLE parameter; "
                + "DELETE FROM grdb_migrations WHERE identifier IN ('v3', 'v4', 'v5', 'v6')")
        let before = try book.listing()
        #expect(try Book.readAll(book.reader(), 1) == Array(repeating: true, count: 8) + [false, false])
        #expect(try book.listing() == before)
        let ledger = try book.writer()
        #expect(try ledger.accepted() == [:])
        var record = try #require(try ledger.attempts([Book.id(1)])[Book.id(1)])
        record.accepted = [Book.key("accepted 1")]
        var batch = LedgerBatch(attempts: [record])
        batch.details = ["detail 1": [1]]
        try ledger.commit(batch)
        #expect(try Book.readAll(book.reader(), 1).allSatisfy { $0 })
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    // MARK: Damage

    @Test func setAside() throws {
        try book.writer().commit(Book.batch(1))
        try book.space.write(book.path + "-journal", "of the damaged one")
        let first = try SQLiteLedger.setAside(book.path)
        #expect(try book.reader().runs().isEmpty)
        #expect(try book.reader().attempts([Book.id(1)]).isEmpty)
        #expect(try book.space.read(first + "-journal") == "of the damaged one")
        try book.writer().commit(Book.batch(2))
        let second = try SQLiteLedger.setAside(book.path)
        #expect(first != second)
        #expect(book.space.exists(first) && book.space.exists(second))
        // What is not there needs no place.
        _ = try SQLiteLedger.setAside(book.path)
    }

    @Test func forgets() throws {
        let ledger = try book.writer()
        for number in [1, 2] as [UInt64] { try ledger.commit(Book.batch(number)) }
        var batch = LedgerBatch()
        batch.forgotten = [Book.id(1)]
        batch.forgottenRuns = ["run 1"]
        try ledger.commit(batch)
        #expect(try ledger.attempts([Book.id(1)]).isEmpty)
        #expect(try ledger.fields(of: Book.key("1")) == nil, "nobody has that key")
        #expect(try ledger.fields(of: Book.key("2")) != nil)
        #expect(try !ledger.runs().map(\.name).contains("run 1"))
        #expect(try ledger.tasks(of: "run 1").isEmpty)
        #expect(try ledger.locations() == [Book.location])
    }

    /// Manifests and details go with the last attempt that they speak of.
    @Test func forgetsWhatNobodyMentions() throws {
        let ledger = try book.writer()
        var batch = LedgerBatch()
        for (key, tree) in [("1", "tree 1"), ("2", "tree 2"), ("accepted", "tree 3")] {
            let code = Manifest.Field("code", [.init("tree", tree)])
            let inputs = Manifest.Field("inputs", [.init("data", "folder")])
            batch.manifests[Book.key(key)] = ManifestCoding.encode([code, inputs])
        }
        batch.details = ["tree 1": [1], "tree 2": [2], "tree 3": [3], "folder": [4]]
        batch.attempts = [Book.attempt(1, key: "1", task: "a"), Book.attempt(2, key: "2", task: "b")]
        batch.attempts[0].accepted = [Book.key("accepted")]
        try ledger.commit(batch)
        func details() throws -> [String] { try book.strings("SELECT value FROM detail ORDER BY value") }
        func forget(_ number: UInt64) throws {
            var batch = LedgerBatch()
            batch.forgotten = [Book.id(number)]
            try ledger.commit(batch)
        }
        try forget(2)
        #expect(try details() == ["folder", "tree 1", "tree 3"])
        #expect(try ledger.fields(of: Book.key("accepted")) != nil)
        try forget(1)
        #expect(try details() == [])
        #expect(try ledger.fields(of: Book.key("accepted")) == nil)
        #expect(try ledger.accepted() == [:])
    }

    // MARK: Two processes

    /// A connection whose transactions may last.
    private func connection() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        return try DatabaseQueue(path: book.path, configuration: configuration)
    }

    private static let insertion = "INSERT INTO digest VALUES ('x', 0, 0, 0, 0, zeroblob(32))"

    /// The other process reads what was there before.
    @Test func readingWhileAnotherWrites() async throws {
        try book.writer().commit(Book.batch(1))
        let (path, writer) = (book.path, try connection())
        try await writer.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE; \(Self.insertion)") }
        await #expect(processExitsWith: .success) { [path = path as String] in
            let ledger = try SQLiteLedger(reading: path)
            #expect(try Book.readAll(ledger, 1).allSatisfy { $0 })
            #expect(try ledger.digest(of: "x") == nil)
        }
        try await writer.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        #expect(try book.reader().digest(of: "x") != nil)
    }

    /// While pages go to the file nobody can read: the other process waits for the end.
    @Test func waitingForAnotherThatWrites() async throws {
        try book.writer().commit(Book.batch(1))
        let (fifo, writer) = (book.space.path("ready"), try connection())
        #expect(mkfifo(fifo, 0o600) == 0)
        let ready = open(fifo, O_RDWR | O_CLOEXEC)
        defer { close(ready) }
        try await writer.writeWithoutTransaction { try $0.execute(sql: "BEGIN EXCLUSIVE; \(Self.insertion)") }
        let path = book.path
        async let reader: Void = Self.expectToRead(path, after: fifo)
        // Not on a thread that the reader's start may need.
        let isThere = try await Blocking.run {
            var poll = pollfd(fd: ready, events: Int16(POLLIN), revents: 0)
            return Glibc.poll(&poll, 1, 900_000) == 1
        }
        #expect(isThere)
        try await writer.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        await reader
    }

    private static func expectToRead(_ path: String, after fifo: String) async {
        await #expect(processExitsWith: .success) { [path, fifo] in
            let ready = open(fifo, O_WRONLY | O_CLOEXEC)
            #expect(write(ready, "\n", 1) == 1)
            let ledger = try SQLiteLedger(reading: path)
            #expect(try Book.readAll(ledger, 1).allSatisfy { $0 })
            #expect(try ledger.digest(of: "x") != nil)
        }
    }

    /// Every read finds whole batches, in a process that reads as fast as it can.
    @Test func readingBatchByBatch() async throws {
        try book.writer().commit(Book.batch(0))
        let path = book.path
        async let reader: Void = Self.expectToReadUntil(100, path)
        let ledger = try book.writer()
        for number in 1...100 { try ledger.commit(Book.batch(UInt64(number))) }
        await reader
    }

    private static func expectToReadUntil(_ last: Int, _ path: String) async {
        await #expect(processExitsWith: .success) { [path, last] in
            var count = 0
            while count <= last {
                let ledger = try SQLiteLedger(reading: path)
                let runs = try ledger.runs().count
                #expect(try ledger.standing(in: Book.location).count >= runs)
                #expect(runs >= count)
                count = runs
            }
        }
    }
}

import GRDB
import Glibc
import SaturnCore
import SaturnLedger
import SaturnTesting
import Testing

/// Looking changes no file, whatever state the ledger is in.
@Suite(.timeLimit(.minutes(2)))
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
        try book.execute("INSERT INTO grdb_migrations VALUES ('v7'); ALTER TABLE run RENAME TO runs")
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
        var poll = pollfd(fd: ready, events: Int16(POLLIN), revents: 0)
        #expect(Glibc.poll(&poll, 1, 60_000) == 1)
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

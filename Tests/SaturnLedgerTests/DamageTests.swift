import Glibc
import SaturnCore
import SaturnLedger
import SaturnTesting
import Testing

/// A file that is not what it was: said so, and never a crash.
@Suite(.timeLimit(.minutes(25)))
struct DamageTests {
    let book: Book

    init() throws {
        book = try Book()
    }

    static let garbage = [
        "text": Array(String(repeating: "this is no database\n", count: 200).utf8),
        "zeros": [UInt8](repeating: 0, count: 5000),
        "header alone": Array("SQLite format 3\0".utf8),
    ]

    @Test(arguments: garbage.keys.sorted())
    func noDatabase(_ kind: String) throws {
        let bytes = try #require(Self.garbage[kind])
        try book.space.write(Book.name, bytes)
        let before = try book.listing()
        for open in [SQLiteLedger.init(reading:), SQLiteLedger.init(writing:)] as [(String) throws -> SQLiteLedger] {
            let problem = try failure { _ = try open(book.path) }
            #expect(problem.kind == .ledger)
            #expect(problem.message.contains(book.path))
            #expect(problem.hint?.contains("makes it again") == true)
        }
        #expect(try book.listing() == before)
    }

    @Test func aFolderInItsPlace() throws {
        book.space.makeFolder(Book.name)
        for open in [SQLiteLedger.init(reading:), SQLiteLedger.init(writing:)] as [(String) throws -> SQLiteLedger] {
            #expect(try failure { _ = try open(book.path) }.kind == .ledger)
        }
    }

    /// Whatever is wrong is a Failure, on opening or on reading.
    private func expectNoSurprise(_ what: String) {
        for open in [SQLiteLedger.init(reading:), SQLiteLedger.init(writing:)] as [(String) throws -> SQLiteLedger] {
            do {
                let ledger = try open(book.path)
                for number in [0, 1, 2] as [UInt64] { _ = try Book.readAll(ledger, number) }
                _ = try ledger.runs()
                try ledger.commit(Book.batch(1))
            } catch let error {
                #expect(error is Failure, "\(what): \(error)")
                #expect([.engine, .ledger].contains((error as? Failure)?.kind), "\(what): \(error)")
            }
        }
    }

    @Test func cutOffAnywhere() throws {
        for number in 0..<3 { try book.writer().commit(Book.batch(UInt64(number))) }
        let whole = try book.space.readBytes(book.path)
        let lengths = Array(0..<120) + stride(from: 120, to: whole.count, by: 509)
        for length in lengths {
            try book.space.write(Book.name, Array(whole[..<length]))
            expectNoSurprise("cut off at \(length)")
        }
    }

    @Test func bitsFlippedAnywhere() throws {
        for number in 0..<3 { try book.writer().commit(Book.batch(UInt64(number))) }
        let whole = try book.space.readBytes(book.path)
        // What lies between the rows is never read: only bytes that are there can be damaged.
        let places = whole.indices.filter { whole[$0] != 0 }
        var state: UInt64 = 1
        for _ in 0..<400 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var damaged = whole
            let place = places[Int(state >> 33) % places.count]
            damaged[place] ^= 1 << UInt8(state >> 24 & 7)
            try book.space.write(Book.name, damaged)
            expectNoSurprise("byte \(place) is \(damaged[place])")
        }
    }

    /// A version that nobody has written is not a newer saturn's: that one could not be made again.
    @Test(arguments: ["v1", "v2", "v3", "v4", "v5", "v6"], 0..<16)
    func aBitFlippedInAVersion(_ version: String, _ bit: Int) throws {
        try book.writer().commit(Book.batch(1))
        var bytes = Array(version.utf8)
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        try book.execute(
            "UPDATE OR REPLACE grdb_migrations SET identifier = CAST(x'\(Hex.encode(bytes))' AS TEXT) WHERE identifier = '\(version)'"
        )
        for open in [SQLiteLedger.init(reading:), SQLiteLedger.init(writing:)] as [(String) throws -> SQLiteLedger] {
            let problem = try failure { _ = try open(book.path) }
            #expect(problem.kind == .ledger, "\(problem.message)")
            #expect(problem.hint?.contains("makes it again") == true)
        }
    }

    /// A row that means nothing is as if it had never been written; the others are read.
    @Test(arguments: [
        "UPDATE attempt SET id = x'00' WHERE task = 'task 1'", "UPDATE attempt SET key = 5 WHERE task = 'task 1'",
        "UPDATE attempt SET state = 'x' WHERE task = 'task 1'",
        "UPDATE attempt SET exit_code = 1 << 40 WHERE task = 'task 1'",
        "UPDATE attempt SET status_inode = 1, status_size = NULL WHERE task = 'task 1'",
        "UPDATE run SET state = 'x' WHERE name = 'run 1'", "UPDATE task SET state = 'x' WHERE run = 'run 1'",
        "UPDATE digest SET digest = x'00' WHERE path = '/file 1'",
        "UPDATE accepted SET key = x'00' WHERE attempt = (SELECT id FROM attempt WHERE task = 'task 1')",
        "UPDATE accepted SET attempt = 7 WHERE attempt = (SELECT id FROM attempt WHERE task = 'task 1')",
        "UPDATE detail SET value = x'ff' WHERE value = 'detail 1'",
        "UPDATE manifest SET fields = x'00' WHERE key = (SELECT key FROM attempt WHERE task = 'task 1')",
    ])
    func aRowThatMeansNothing(_ sql: String) throws {
        for number in [1, 2] as [UInt64] { try book.writer().commit(Book.batch(number)) }
        try book.execute(sql)
        let ledger = try book.reader()
        #expect(try !Book.readAll(ledger, 1).allSatisfy { $0 }, "nothing was damaged")
        #expect(try Book.readAll(ledger, 2).allSatisfy { $0 })
        try book.writer().commit(Book.batch(1))
    }
}

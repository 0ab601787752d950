import Foundation
import Glibc
import SaturnTesting
import Testing

/// Rows 14 and 28 of faults.md: a ledger that is damaged, gone, or of another version.
@Suite(.ownThread) struct LedgerDamageTests {
    /// In the midst of a page SQLite takes zeros for the rest of it, and does not always notice.
    @Test func cutOffOrGone() throws {
        let book = try DamagedLedger()
        let size = book.good.count
        let pages = stride(from: 0, through: size, by: 4096).flatMap { [$0 - 1, $0, $0 + 1] }
        for length in [1, 15, 16, 17, 99, 100, 101, 511, 512, 2048] + pages where (0..<size).contains(length) {
            try book.replaceLedger(Array(book.good[..<length]))
            try book.expectRecovery(
                "cut off after \(length) of \(size) bytes", warns: length > 1 && length % 4096 == 0 ? true : nil)
        }
        try book.session.remove(".saturn/ledger.sqlite")
        try book.expectRecovery("gone", warns: true)
    }

    @Test func overwritten() throws {
        let book = try DamagedLedger()
        let texts = [[UInt8](repeating: 0, count: book.good.count), Array("all my notes\n".utf8), book.good.reversed()]
        for bytes in texts {
            try book.replaceLedger(bytes)
            try book.expectRecovery("overwritten with \(bytes.prefix(4)) …", warns: true)
        }
    }

    /// What SQLite does not notice may cost an execution, and never makes a success of what is none.
    @Test func flippedBits() throws {
        let seed = SeededGenerator.chosenSeed
        var random = SeededGenerator(seed: seed)
        let book = try DamagedLedger()
        for round in 1...120 {
            var bytes = book.good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] ^=
                    UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            }
            try book.replaceLedger(bytes)
            try book.expectRecovery("round \(round), seed \(seed)", warns: nil, mayExecute: true)
        }
        // Of 360 runs with four tasks each. Nearly all damage is noticed, or is to what nobody needs.
        #expect(try book.executed().count < 200, "seed \(seed)")
        print("after flipped bits \(try book.executed().count - 6) tasks were executed again")
    }

    /// One bit of an index is enough for that. Results say themselves for which keys they are good.
    @Test func aSuccessUnderTheKeyOfAFailure() throws {
        let book = try DamagedLedger()
        try book.session.sqlite(
            "UPDATE attempt SET key = (SELECT key FROM attempt WHERE task = 'e' LIMIT 1) WHERE task = 'd'")
        try book.expectRecovery("d under the key of e", warns: nil, mayExecute: true)
    }

    /// A later write version is damage for certain: SQLite reads such a file, and refuses to write it.
    @Test func aFlippedBitOfTheHeader() throws {
        let book = try DamagedLedger()
        let versions = 18 * 8..<20 * 8
        for bit in stride(from: 0, to: 100 * 8, by: 7) + Array(versions) {
            var bytes = book.good
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            try book.replaceLedger(bytes)
            try book.expectRecovery(
                "bit \(bit % 8) of byte \(bit / 8)", warns: bytes[18] > 2 ? true : nil, mayExecute: true)
        }
    }

    @Test func ofANewerSaturn() throws {
        let session = try Session()
        try session.write("run.yaml", "name: new\ntasks: [{name: a, code: none, command: echo hi}]\n")
        try session.saturn("run")
        try session.sqlite(
            """
            INSERT OR IGNORE INTO grdb_migrations
                WITH RECURSIVE version(number) AS (VALUES (1) UNION ALL SELECT number + 1 FROM version LIMIT 99)
                SELECT 'v' || number FROM version
            """)
        let before = try session.listing()
        for command in ["run", "plan", "status", "collect", "terminate"] {
            let refused = try session.saturn(command)
            #expect(refused.status == 2, "\(command): \(refused.out)\(refused.err)")
            #expect(refused.out == "")
            #expect(
                refused.err == """
                    saturn: error: the ledger ~/.saturn/ledger.sqlite was written by a newer saturn (schema v99)
                      hint: use that version, or choose another --state

                    """, "\(command)")
        }
        #expect(try difference(before, session.listing()) == [])
    }

    /// The first version's tables: looking at them changes nothing, and a run brings them up to date.
    @Test func ofTheFirstSaturn() throws {
        let book = try DamagedLedger()
        let session = book.session
        try session.sqlite(
            """
            ALTER TABLE attempt DROP COLUMN origin;
            ALTER TABLE run DROP COLUMN arguments;
            DROP TABLE detail;
            DROP TABLE accepted;
            DROP TABLE trace;
            DROP TABLE parameter;
            DELETE FROM grdb_migrations WHERE identifier <> 'v1';
            """)
        let before = try book.listing()
        #expect(try session.saturn("plan", "--exit-code").status == 6, "the task that always fails")
        #expect(try session.saturn("status").status == 0)
        #expect(try difference(before, book.listing()) == [])
        try book.expectRecovery("of the first version", warns: false)
        let versions = try session.sqlite("SELECT identifier FROM grdb_migrations")
        #expect(versions.hasPrefix("v1\nv2\nv3\nv4\nv5\nv6"), "\(versions)")
    }
}

/// A project with results in their places and in the attic, and its ledger as it was when nothing was wrong.
private final class DamagedLedger {
    private static let names = ["a", "b", "c", "d", "e"]
    let session: Session
    let good: [UInt8]

    init() throws {
        session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try Self.write(session, version: 1)
        #expect(try session.saturn("run").status == 1)
        try Self.write(session, version: 2)
        #expect(try session.saturn("run").status == 1)
        good = try session.bytes(".saturn/ledger.sqlite")
    }

    /// `a` and `b` have two versions, `e` always fails.
    private static func write(_ session: Session, version: Int) throws {
        let tasks = names.map { name in
            let job = ["a", "b"].contains(name) ? "\(name) \(version)" : name
            let end = name == "e" ? "; exit 3" : ""
            return "  - {name: \(name), command: 'echo \(job) >> $RAN; echo \(job) > $RESULTS_DIR/x\(end)'}\n"
        }
        try session.write("run.yaml", "name: damage\ndefaults: {code: none}\ntasks:\n\(tasks.joined())")
    }

    func replaceLedger(_ bytes: [UInt8]) throws { try session.write(".saturn/ledger.sqlite", bytes: bytes) }

    /// But for the temporary folder, in which a copy of the ledger may be read.
    func listing() throws -> [String: String] { try session.listing().filter { $0.key.hasPrefix(session.folder) } }

    /// What was executed, but for the task that always fails.
    func executed() throws -> [String] {
        try session.read(session.space.path("ran")).split(separator: "\n").map(String.init).filter { $0 != "e" }
    }

    /// Looking works and changes nothing; runs find every result, those in the attic too; then all is well again.
    ///
    /// - Parameter warns: whether the first of the runs says so, and it alone; `nil`: one of them may.
    func expectRecovery(
        _ what: String, warns: Bool?, mayExecute: Bool = false, at location: SourceLocation = #_sourceLocation
    ) throws {
        let (ran, files) = (try executed(), try listing())
        let plan = try session.saturn("plan")
        #expect(plan.status == 0, "\(what): \(plan.err)", sourceLocation: location)
        #expect(try difference(files, listing()) == [], "\(what)", sourceLocation: location)
        var warnings = 0
        for (number, version) in [2, 1, 2].enumerated() {
            try Self.write(session, version: version)
            let run = try session.saturn("run")
            #expect(run.status == 1, "\(what): \(run.status) \(run.err)", sourceLocation: location)
            #expect(run.out.contains("\nfailed: e (exit code 3)\n"), "\(what): \(run.out)", sourceLocation: location)
            let isWarned = run.err.contains("warning: ") && run.err.contains("ledger")
            if let warns, number == 0 { #expect(isWarned == warns, "\(what): \(run.err)", sourceLocation: location) }
            warnings += isWarned ? 1 : 0
            #expect(warnings <= 1, "\(what): \(run.err)", sourceLocation: location)
            for name in ["a", "b"] {
                let text = try session.read("results/damage/\(name)/results/x")
                #expect(text == "\(name) \(version)\n", "\(what)", sourceLocation: location)
            }
        }
        if !mayExecute { #expect(try executed() == ran, "\(what)", sourceLocation: location) }
        #expect(try session.saturn("status").status == 0, "\(what)", sourceLocation: location)
    }
}

extension Session {
    /// What SQLite's statements say of the project's ledger.
    @discardableResult
    func sqlite(_ statements: String) throws -> String {
        let script = """
            import sqlite3, sys
            database = sqlite3.connect(sys.argv[1])
            for statement in sys.argv[2].split(";"):
                for row in database.execute(statement):
                    print(*row)
            database.commit()
            """
        let run = try space.run(["python3", "-c", script, path(".saturn/ledger.sqlite"), statements])
        guard run.status == 0 else { throw SessionProblem("sqlite: \(run.stderr)") }
        return run.stdout
    }
}

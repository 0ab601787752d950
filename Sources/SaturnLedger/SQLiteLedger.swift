import GRDB
import Glibc
public import SaturnCore

/// The ledger in a SQLite file, `.saturn/ledger.sqlite`.
///
/// A rollback journal in TRUNCATE mode, never WAL: reading writes nothing and network file systems work. A file
/// that cannot be read as it is without writing (a journal left by a crash, an older schema) is copied to the
/// temporary folder and read there.
public final class SQLiteLedger: Ledger {
    let queue: DatabaseQueue
    private let path: String

    /// For a run: makes or migrates the file.
    ///
    /// Throws ``Failure`` of kind `usage` when the file is of a newer saturn.
    public convenience init(writing path: String) throws {
        var configuration = Self.configuration
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL")
        }
        let queue = try Self.saying("open", path) {
            _ = try Self.isThere(path)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try Schema.upgrade(queue, path)
            return queue
        }
        self.init(queue, path)
    }

    /// For looking: changes no file. Where there is none it is an ``EmptyLedger``.
    public static func looking(at path: String) throws -> any Ledger {
        try isThere(path) ? try SQLiteLedger(reading: path) : EmptyLedger()
    }

    /// For looking: changes no file. A missing file is an empty ledger.
    public convenience init(reading path: String) throws {
        let queue = try Self.saying("open", path) {
            if try Self.isThere(path), let queue = try Self.readOnly(path) { return queue }
            let queue = try DatabaseQueue(configuration: Self.configuration)
            if try Self.isThere(path) { try LedgerCopy.copy(path, to: queue) }
            try Schema.upgrade(queue, path)
            return queue
        }
        self.init(queue, path)
    }

    private init(_ queue: DatabaseQueue, _ path: String) {
        self.queue = queue
        self.path = path
    }

    /// `nil` when the file cannot be read as it is.
    private static func readOnly(_ path: String) throws -> DatabaseQueue? {
        var configuration = Self.configuration
        configuration.readonly = true
        guard let queue = try? DatabaseQueue(path: path, configuration: configuration),
            try Schema.isCurrent(queue, path)
        else { return nil }
        return queue
    }

    /// What may not be read is not taken for missing.
    private static func isThere(_ path: String) throws -> Bool {
        // Not by opening it: closing it again would let go of the locks that another connection of this process has.
        guard faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 else {
            guard errno == ENOENT else {
                throw Failure(.engine, "cannot open the ledger \(path): \(String(cString: strerror(errno)))")
            }
            return false
        }
        var status = stat()
        guard stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(.ledger, "the ledger \(path) is not a file", hint: repair)
        }
        return true
    }

    private static let repair = "saturn run makes it again from the results"

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        return configuration
    }

    /// Damage shows when a page is read for the first time.
    func reading<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try Self.saying("read", path) { try queue.read(body) }
    }

    func writing(_ body: (Database) throws -> Void) throws {
        try Self.saying("write", path) { try queue.write(body) }
    }

    private static func saying<Value>(_ what: String, _ path: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let failure as Failure { throw failure } catch {
            let problem = error as? DatabaseError
            // A value that is none of its type's is damage too.
            let isDamaged = problem.map { isDamage($0, path) } ?? true
            throw Failure(
                isDamaged ? .ledger : .engine, "cannot \(what) the ledger \(path): \(problem?.message ?? "\(error)")",
                hint: isDamaged ? repair : nil)
        }
    }

    private static func isDamage(_ error: DatabaseError, _ path: String) -> Bool {
        switch error.resultCode {
        case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_ERROR, .SQLITE_MISMATCH: true
        // An index that does not belong to its table any more.
        case .SQLITE_CONSTRAINT: error.extendedResultCode != .SQLITE_CONSTRAINT_TRIGGER
        case .SQLITE_READONLY: isOfUnknownFormat(path)
        default: false
        }
    }

    /// What is of a later file format SQLite reads, and does not write; nobody has ever written one.
    /// Source: sqlite.org/fileformat.html, section 1.3.3.
    private static func isOfUnknownFormat(_ path: String) -> Bool {
        // Closing it lets go of the locks of this process, which writes to it no more.
        let fd = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return false }
        defer { close(fd) }
        var writeVersion: UInt8 = 0
        return pread(fd, &writeVersion, 1, 18) == 1 && writeVersion > 2
    }

    /// Moves a damaged ledger out of the way; returns its new name. No other process may have it open: its journal
    /// would be taken for that of the next one.
    public static func setAside(_ path: String) throws -> String {
        var target = path + ".damaged"
        var number = 2
        while access(target, F_OK) == 0 {
            target = "\(path).damaged.\(number)"
            number += 1
        }
        // A journal belongs to the file that it was written for: applied to another it would spoil that one.
        rename(path + "-journal", target + "-journal")
        guard rename(path, target) == 0 || errno == ENOENT else {
            throw Failure(.engine, "cannot rename \(path): \(String(cString: strerror(errno)))")
        }
        return target
    }
}

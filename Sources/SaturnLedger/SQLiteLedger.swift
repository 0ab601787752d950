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

    /// For a run: makes or migrates the file.
    ///
    /// Throws ``Failure`` of kind `usage` when the file is of a newer saturn.
    public convenience init(writing path: String) throws {
        var configuration = Self.configuration
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = NORMAL")
        }
        self.init(try Self.opening(path) { try DatabaseQueue(path: path, configuration: configuration) })
        try Schema.upgrade(queue, path)
    }

    /// For looking: changes no file. A missing file is an empty ledger.
    public convenience init(reading path: String) throws {
        guard access(path, F_OK) == 0 else {
            self.init(try DatabaseQueue(configuration: Self.configuration))
            try Schema.upgrade(queue, path)
            return
        }
        var configuration = Self.configuration
        configuration.readonly = true
        if let queue = try? DatabaseQueue(path: path, configuration: configuration),
            try Schema.isCurrent(queue, path)
        {
            self.init(queue)
        } else {
            self.init(try Self.copy(of: path))
            try Schema.upgrade(queue, path)
        }
    }

    private init(_ queue: DatabaseQueue) {
        self.queue = queue
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        return configuration
    }

    private static func opening<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as DatabaseError {
            throw Failure(
                .engine, "cannot open the ledger \(path): \(error.message ?? "\(error)")",
                hint: "results are not lost: without the ledger they are found again by their events")
        }
    }

    /// An in-memory database with the content of the file and of its journal.
    private static func copy(of path: String) throws -> DatabaseQueue {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let target = folder.path + "/ledger.sqlite"
        try folder.copy(path, to: target)
        if access(path + "-journal", F_OK) == 0 { try folder.copy(path + "-journal", to: target + "-journal") }
        return try opening(path) {
            let memory = try DatabaseQueue(configuration: configuration)
            try DatabaseQueue(path: target, configuration: configuration).backup(to: memory)
            return memory
        }
    }
}

/// A folder of its own below TMPDIR.
private struct TemporaryFolder {
    let path: String

    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/saturn-ledger-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.engine, "cannot make a folder in \(parent): \(String(cString: strerror(errno)))")
        }
        path = template.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { String(cString: $0) } ?? ""
        }
    }

    func copy(_ source: String, to target: String) throws {
        guard let from = fopen(source, "re"), let to = fopen(target, "wxe") else {
            throw Failure(.engine, "cannot copy \(source): \(String(cString: strerror(errno)))")
        }
        defer {
            fclose(from)
            fclose(to)
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&buffer, 1, buffer.count, from), count > 0 {
            guard fwrite(buffer, 1, count, to) == count else {
                throw Failure(.engine, "cannot write \(target): \(String(cString: strerror(errno)))")
            }
        }
    }

    func remove() {
        for name in ["ledger.sqlite", "ledger.sqlite-journal"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}

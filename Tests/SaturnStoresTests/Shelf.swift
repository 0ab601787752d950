import Glibc
import SaturnCore
import SaturnStores
import SaturnTesting
import Testing

/// A LocalDir that is open, in a folder of its own, and what tests do with it again and again.
final class Shelf {
    let space: TestSpace
    let store: LocalDir
    private var generator = SystemRandomNumberGenerator()

    /// - Parameter directory: below the folder of the test.
    init(in space: TestSpace? = nil, _ directory: String = "results") throws {
        let space = try space ?? TestSpace()
        self.space = space
        store = LocalDir(directory: space.path(directory))
        try store.claim(holder: "the test")
    }

    let key = Digest(of: Array("a key".utf8))

    func attempt() -> AttemptID { AttemptID(using: &generator) }

    /// Events as the engine writes them first.
    func header(_ attempt: AttemptID) -> String {
        EventLog.header
            + EventLog.entry(
                "submitted", at: Timestamp(microseconds: 1),
                [Variable("key", key.description), Variable("attempt", attempt.description)])
    }

    static let complete = EventLog.entry("complete", at: Timestamp(microseconds: 2))

    /// A success that stands in the folder of `task`, with a log and one result.
    @discardableResult
    func fill(_ task: String, _ attempt: AttemptID, result: String = "result of a") throws -> Workspace {
        let workspace = try store.begin(task, events: header(attempt))
        try space.write(workspace.log, "log of \(task)\n")
        try space.write(workspace.results + "/value", result)
        _ = try store.publish(workspace, events: Self.complete, status: "success", error: nil)
        return workspace
    }

    /// Everything below a folder, by `find`: type, mode, size, path, and the target of a link.
    func listing(_ folder: String, _ fields: String = "%y %m %s %P %l") throws -> [String] {
        let command = "find \"$0\" -mindepth 1 -printf '\(fields)\\0' | LC_ALL=C sort -z"
        return try space.run(["/bin/sh", "-c", command, space.path(folder)]).stdout.split(separator: "\0").map(
            String.init)
    }

    /// `find`'s names alone.
    func names(_ folder: String) throws -> [String] { try listing(folder, "%P") }

    /// Folders in folders, with a path that no system call takes, and a file in the last.
    func makeDeep(_ folder: String) throws {
        space.makeFolder(folder)
        try inDeep(folder) { descriptor, isLast in
            guard isLast || mkdirat(descriptor, Self.deepName, 0o755) == 0 else {
                throw ChildProcess.Problem("mkdirat", errno)
            }
            if isLast { close(openat(descriptor, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)) }
        }
    }

    func isDeep(_ folder: String) throws -> Bool {
        var isThere = false
        try inDeep(folder) { descriptor, isLast in
            if isLast { isThere = faccessat(descriptor, "file", F_OK, 0) == 0 }
        }
        return isThere
    }

    private static let deepName = String(repeating: "n", count: 250)

    private func inDeep(_ folder: String, _ visit: (Int32, _ isLast: Bool) throws -> Void) throws {
        var descriptor = open(space.path(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(descriptor) }
        for level in 0...30 {
            try visit(descriptor, level == 30)
            guard level < 30 else { return }
            let inner = openat(descriptor, Self.deepName, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard inner >= 0 else { throw ChildProcess.Problem("open level \(level) of \(folder)", errno) }
            close(descriptor)
            descriptor = inner
        }
    }

    func inode(_ name: String) throws -> UInt64 {
        var status = stat()
        guard lstat(space.path(name), &status) == 0 else { throw ChildProcess.Problem("lstat \(name)", errno) }
        return UInt64(status.st_ino)
    }
}

/// The failure that `body` throws; nothing else will do.
func failure(_ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void) throws -> Failure {
    let error = #expect(throws: Failure.self, sourceLocation: location) { try body() }
    return try #require(error, sourceLocation: location)
}

import CSystem
import Glibc
import SaturnCore
import Synchronization

/// The project's own folder, `.saturn`: the ledger, the project's id, locks.
///
/// It is private (mode 0700), because the values of `env` and `pass_env` are kept in it, and ignores itself.
public struct StateFolder: Sendable {
    /// Absolute.
    public let path: String

    public init(path: String) {
        self.path = path
    }

    /// Where the state of a run file in `folder` belongs: the root of the git work tree, else beside the file.
    public static func home(of folder: String) -> StateFolder {
        // One that saturn itself has written down there is not a project of its own.
        let (last, above) = (folder.split(separator: "/").last, parent(of: folder))
        if last == "sweeps", access(above + "/project", F_OK) == 0 { return StateFolder(path: above) }
        let root = ancestors(of: folder).first { access($0 + "/.git", F_OK) == 0 } ?? folder
        return StateFolder(path: (root == "/" ? "" : root) + "/.saturn")
    }

    /// The nearest one in `folder` or above it.
    public static func find(from folder: String) -> StateFolder? {
        ancestors(of: folder).map { StateFolder(path: ($0 == "/" ? "" : $0) + "/.saturn") }
            .first { access($0.path + "/project", F_OK) == 0 }
    }

    static func parent(of path: String) -> String {
        String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
    }

    private static func ancestors(of folder: String) -> some Sequence<String> {
        sequence(first: folder) { path in
            guard path != "/", let slash = path.lastIndex(of: "/") else { return nil }
            return slash == path.startIndex ? "/" : String(path[..<slash])
        }
    }

    public var ledger: String { path + "/ledger.sqlite" }
    /// Where the supervisor of a detached run writes what it has to say.
    public func supervisorLog(of run: String) -> String { "\(path)/supervisors/\(run).log" }

    /// What a run needs that goes by way of a bridge to an engine.
    public func bridge(of run: String) -> String { "\(path)/bridges/\(run)" }

    /// A run's place, as long as this machine runs: the same again when the folder was deleted.
    public func home(of run: String) -> String {
        let words = [Machine.boot, Machine.namespace, "\(getuid())", bridge(of: run)]
        return Digest(of: words.joined(separator: "\n").utf8).description
    }

    /// The project's id, a UUID; `nil` before the first run.
    public var project: String? {
        guard let bytes = FileBytes.read(path + "/project", limit: 64) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).prefix { !$0.isWhitespace }
        return AttemptID(text).map(\.description)
    }

    /// Makes what is missing; `true` when that was the project's id.
    @discardableResult
    public func create() throws -> Bool {
        var parent = ""
        for component in path.split(separator: "/").dropLast() {
            parent += "/\(component)"
            guard mkdir(parent, 0o755) == 0 || errno == EEXIST || access(parent, F_OK) == 0 else {
                throw problem("make", parent)
            }
        }
        for folder in [path, path + "/locks", path + "/needs", path + "/supervisors"] {
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw problem("make", folder) }
        }
        let isNew = project == nil
        // A file without an id is what a power failure leaves.
        if isNew, access(path + "/project", F_OK) == 0 { unlink(path + "/project") }
        var generator = SystemRandomNumberGenerator()
        try createFile("project", AttemptID(using: &generator).description + "\n")
        try createFile(".gitignore", "*\n")
        return isNew
    }

    /// Takes back the id of the project whose state was here, and is lost: the results are its own. For a project whose id
    /// was just made.
    public func reclaim(from last: LockHolder, isShared: Bool = false) throws {
        guard let id = lostProject(known: last, isShared: isShared), id != project else { return }
        let draft = "\(path)/project.\(getpid())"
        try writeFile(id + "\n", to: draft, isLasting: true)
        guard rename(draft, path + "/project") == 0 else { throw problem("make", path + "/project") }
    }

    /// The id that this folder had, as the last one who used the results tells.
    ///
    /// - Parameter isShared: a results store that other machines use too: there, one project may have many state folders.
    public func lostProject(known last: LockHolder, isShared: Bool = false) -> String? {
        guard isShared || last.state == path, let id = last.project, AttemptID(id) != nil else { return nil }
        return id
    }

    /// Writes a file that is to stay, in a folder of this one that is made.
    public func keep(_ text: String, as file: String) throws {
        let folder = Self.parent(of: file)
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw problem("make", folder) }
        let draft = "\(file).\(getpid())"
        try writeFile(text, to: draft, isLasting: true)
        guard rename(draft, file) == 0 else { throw problem("make", file) }
    }

    /// Whole or not at all, and never over one that is there: another saturn may be doing the same.
    private func createFile(_ name: String, _ text: String) throws {
        let target = "\(path)/\(name)"
        guard access(target, F_OK) != 0 else { return }
        let draft = "\(target).\(getpid())"
        try writeFile(text, to: draft, isLasting: true)
        defer { unlink(draft) }
        guard link(draft, target) == 0 || errno == EEXIST else { throw problem("make", target) }
        // Without its id a project would not know its results again, after a power failure.
        for folder in [path, path + "/.."] { try sync(folder) }
    }

    private func sync(_ folder: String) throws {
        let fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { throw problem("open", folder) }
        defer { close(fd) }
        guard fsync(fd) == 0 || errno == EINVAL else { throw problem("write", folder) }
    }

    func writeFile(_ text: String, to file: String, isLasting: Bool = false) throws {
        let fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw problem("make", file) }
        defer { close(fd) }
        guard text.utf8.isEmpty || write(fd, text, text.utf8.count) == text.utf8.count else {
            throw problem("write", file)
        }
        guard !isLasting || fsync(fd) == 0 else { throw problem("write", file) }
    }

    private func problem(_ what: String, _ file: String) -> Failure {
        Failure(.engine, "cannot \(what) \(file): \(String(cString: strerror(errno)))")
    }

    /// The lock of a run's name, held until it is let go of or the process ends.
    public func lock(run: String, holder: LockHolder) throws -> RunLock {
        var other = [CChar](repeating: 0, count: 4096)
        let fd = csystem_lock("\(path)/locks/\(run)", holder.text, &other, 4096)
        guard fd >= 0 else {
            guard errno == EWOULDBLOCK else { throw problem("lock", "\(path)/locks/\(run)") }
            let text = other.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
            let words = LockHolder(parsing: text).words
            throw Failure(
                .inUse, "run '\(run)' is in use" + (words.isEmpty ? "" : " by \(words)"),
                hint:
                    "--wait waits for it, saturn terminate \(ShellText.option("--name", run)) stops it, another --name is another run"
            )
        }
        return RunLock(fd)
    }

    /// Who has the lock of this run, if somebody has.
    public func holder(of run: String) -> LockHolder? {
        let fd = open("\(path)/locks/\(run)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        if flock(fd, LOCK_SH | LOCK_NB) == 0 { return nil }
        let bytes = FileBytes.read("\(path)/locks/\(run)", limit: 4096) ?? []
        return LockHolder(parsing: String(decoding: bytes, as: UTF8.self))
    }

    /// The runs that somebody has the lock of.
    public func activeRuns() throws -> [String] {
        guard access(path + "/locks", F_OK) == 0 else { return [] }
        return try FileBytes.names(in: path + "/locks").filter { holder(of: $0) != nil }.sorted()
    }
}

/// A held lock.
public final class RunLock: Sendable {
    private let descriptor: Mutex<Int32>

    init(_ descriptor: Int32) {
        self.descriptor = Mutex(descriptor)
    }

    /// Of a shared one; `false` when it is not the only one.
    func becomeExclusive() -> Bool { descriptor.withLock { flock($0, LOCK_EX | LOCK_NB) == 0 } }

    deinit {
        descriptor.withLock { descriptor in
            // Closing alone is not enough: a child between fork and exec has the descriptor too.
            flock(descriptor, LOCK_UN)
            close(descriptor)
        }
    }
}

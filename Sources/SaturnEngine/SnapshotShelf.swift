import CSystem
import Glibc
import SaturnCore

/// The folder that holds the copies of code: what is in it, and what of it nobody uses.
struct SnapshotShelf {
    /// What the name of a copy begins with that is being made, or removed.
    static let draft = "tmp-"

    /// Absolute.
    let path: String
    let seals: String

    init(_ state: StateFolder) {
        seals = "\(state.path)/seals"
        path = "\(state.path)/snapshots"
    }

    /// Copies that no run has a lock on; changes nothing.
    func unused() -> Garbage.Share {
        var share = Garbage.Share()
        for folder in folders() {
            guard (try? Self.lock(folder, LOCK_EX | LOCK_NB)) ?? nil != nil else { continue }
            share.add(Self.size(folder))
        }
        return share
    }

    /// Removes them; returns what that was.
    func prune() throws -> Garbage.Share {
        var share = Garbage.Share()
        for folder in folders() {
            guard let lock = try Self.lock(folder, LOCK_EX | LOCK_NB) else { continue }
            defer { withExtendedLifetime(lock) {} }
            let size = Self.size(folder)
            try discard(folder)
            share.add(size)
        }
        removeSeals()
        return share
    }

    /// Those of copies that are not there: of one that was never completed. A copy without one is made again.
    private func removeSeals() {
        for seal in (try? FileBytes.names(in: seals)) ?? [] {
            let name = seal.split(separator: ".").first.map(String.init) ?? seal
            if access("\(path)/\(name)", F_OK) != 0 { unlink("\(seals)/\(seal)") }
        }
    }

    /// One that is not what it was when it was made.
    ///
    /// - Parameter lock: the caller's own, shared.
    func discard(_ folder: String, _ lock: RunLock) throws {
        guard lock.becomeExclusive() else {
            throw Failure(
                .engine, "\(folder) is not what it was when it was made, and another run uses it",
                hint: "run again when that has ended")
        }
        try discard(folder)
    }

    private func discard(_ folder: String) throws {
        var generator = SystemRandomNumberGenerator()
        let name = String(folder.dropFirst(path.utf8.count + 1))
        let seal = SnapshotSeal(folder, name: name, in: seals)
        // Under its name nothing incomplete is ever to be seen.
        let draft = "\(path)/\(Self.draft)\(AttemptID(using: &generator))"
        guard rename(folder, draft) == 0 else { throw Self.problem("remove", folder) }
        csystem_step("snapshot.discarded")
        seal.remove()
        Self.remove(draft)
        guard access(draft, F_OK) != 0 else { throw Self.problem("remove", draft) }
    }

    /// Those that are saturn's, by their names.
    private func folders() -> [String] {
        ((try? FileBytes.names(in: path)) ?? []).filter { name in
            let isTree = name.utf8.count >= 40 && name.utf8.prefix(40).allSatisfy { Self.hexadecimal.contains($0) }
            return isTree || (name.hasPrefix(Self.draft) && AttemptID(String(name.dropFirst(4))) != nil)
        }.map { "\(path)/\($0)" }
    }

    private static let hexadecimal = Set("0123456789abcdef".utf8)

    // MARK: Folders

    /// A lock on the folder itself, which keeps it when it is renamed. `nil` when there is no such folder any more, and
    /// when somebody else's lock is in the way of one that does not wait.
    static func lock(_ folder: String, _ kind: Int32) throws -> RunLock? {
        let fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard fd >= 0 else {
            if errno == ENOENT { return nil }
            throw problem("open", folder)
        }
        while flock(fd, kind) != 0 {
            if errno == EINTR { continue }
            defer { close(fd) }
            if errno == EWOULDBLOCK { return nil }
            throw problem("lock", folder)
        }
        let lock = RunLock(fd)
        var (held, named) = (stat(), stat())
        // It may have been removed, and made again, while it was waited for.
        guard fstat(fd, &held) == 0, lstat(folder, &named) == 0, held.st_ino == named.st_ino,
            held.st_dev == named.st_dev
        else { return nil }
        return lock
    }

    /// Takes away the permission to write from all folders; files have none.
    static func seal(_ folder: String) throws {
        for name in try FileBytes.names(in: folder) where isFolder("\(folder)/\(name)") {
            try seal("\(folder)/\(name)")
        }
        guard chmod(folder, 0o555) == 0 else { throw problem("protect", folder) }
    }

    /// With everything in it, as far as that can be done; links are removed, not followed.
    static func remove(_ path: String) {
        guard isFolder(path) else {
            unlink(path)
            return
        }
        chmod(path, 0o700)
        for name in (try? FileBytes.names(in: path)) ?? [] { remove("\(path)/\(name)") }
        rmdir(path)
    }

    /// Bytes on the disk.
    private static func size(_ path: String) -> Int64 {
        var status = stat()
        guard lstat(path, &status) == 0 else { return 0 }
        let own = Int64(status.st_blocks) * 512
        guard status.st_mode & S_IFMT == S_IFDIR else { return own }
        return ((try? FileBytes.names(in: path)) ?? []).reduce(own) { $0 + size("\(path)/\($1)") }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func problem(_ what: String, _ path: String, _ code: Int32 = errno) -> Failure {
        Failure(.engine, "cannot \(what) \(path): \(String(cString: strerror(code)))")
    }
}

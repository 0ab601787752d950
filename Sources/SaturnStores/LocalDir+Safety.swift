import CSystem
import Glibc
public import SaturnCore

/// What is known to have reached the disk, and what attempts leave each other.
extension LocalDir {
    public func sync(at time: Timestamp, boot: String) throws {
        try reporting("bring the results in \(location) to the disk") {
            let folder = try claimed.withLock { $0 } ?? OpenFolder(location)
            guard csystem_syncfs(folder.descriptor) == 0 else { throw FileProblem(location) }
            csystem_step("sync.synced")
            try note("\(time)\n", in: syncFile(boot))
            csystem_step("sync.noted")
        }
    }

    public func synced(boot: String) throws -> Timestamp? {
        try reporting("read when \(location) was brought to the disk") {
            guard let bytes = try Files.read(syncFile(boot), limit: 64), bytes.last == UInt8(ascii: "\n") else {
                return nil
            }
            return Timestamp(String(decoding: bytes.dropLast(), as: UTF8.self))
        }
    }

    /// In place: the text is always of one length, and after a power failure the file is looked at only for what was on
    /// the disk before.
    private func note(_ text: String, in path: String) throws {
        let fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        guard fd >= 0 else { throw FileProblem(path) }
        try Descriptor.closing(fd, path) {
            var status = stat()
            guard fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw FileProblem(path, is: "not a file")
            }
            let count = text.utf8.count
            if status.st_size > count { guard ftruncate(fd, 0) == 0 else { throw FileProblem(path) } }
            guard pwrite(fd, text, count, 0) == count else { throw FileProblem(path) }
        }
    }

    private func syncFile(_ boot: String) throws -> String {
        let isPlain = boot.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
                || $0 == UInt8(ascii: "-")
        }
        guard isPlain, (1...64).contains(boot.utf8.count) else { throw Failure(.fault, "'\(boot)' is no boot id") }
        return "\(location)/.saturn/synced-\(boot)"
    }

    // MARK: Checkpoints

    public func makeCheckpoint(of key: TaskKey, replica: Int) throws -> String {
        let path = folder(of: .checkpoint(of: key, replica: replica))
        try reporting("make the checkpoint folder \(path)") {
            if mkdir(path, 0o755) == 0 { return csystem_step("checkpoint.made") }
            if errno == ENOENT {
                try Files.makeFolders(location + "/.saturn/checkpoints")
                if mkdir(path, 0o755) == 0 { return csystem_step("checkpoint.made") }
            }
            guard errno == EEXIST else { throw FileProblem(path) }
            guard (try? OpenFolder(path)) == nil else { return }
            // A task has put something else there.
            try Files.removeTree(path)
            csystem_step("checkpoint.cleared")
            try Files.makeFolder(path)
            csystem_step("checkpoint.made")
        }
        return path
    }

    public func removeCheckpoint(of key: TaskKey, replica: Int, onlyEmpty: Bool) throws {
        let path = folder(of: .checkpoint(of: key, replica: replica))
        try reporting("remove the checkpoint folder \(path)") {
            if rmdir(path) == 0 || errno == ENOENT { return csystem_step("checkpoint.removed") }
            guard !onlyEmpty else { return }
            try Files.removeTree(path)
            csystem_step("checkpoint.removed")
        }
    }
}

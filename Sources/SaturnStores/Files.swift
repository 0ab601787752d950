import Glibc
import SaturnCore

/// The file operations of a store by absolute path, for folders in which no task is at work; an error names the file.
enum Files {
    static func exists(_ path: String) throws -> Bool {
        var status = stat()
        return try isThere(path, lstat(path, &status))
    }

    /// Of a regular file; links are not followed.
    static func stamp(of path: String) throws -> FileStamp? {
        var status = stat()
        guard try isThere(path, lstat(path, &status)), status.st_mode & S_IFMT == S_IFREG else { return nil }
        return FileStamp(status)
    }

    /// What cannot be looked at is not taken for missing.
    private static func isThere(_ path: String, _ result: Int32) throws -> Bool {
        if result == 0 { return true }
        guard errno == ENOENT || errno == ENOTDIR || errno == ELOOP else { throw FileProblem(path) }
        return false
    }

    static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o755) == 0 else { throw FileProblem(path) }
    }

    static func makeFolders(_ path: String) throws {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw FileProblem(path)
        }
        try makeFolders(String(path[..<slash]))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw FileProblem(path) }
    }

    /// The first `limit` bytes of a regular file, or `nil` when there is none.
    static func read(_ path: String, limit: Int, followsLinks: Bool = false) throws -> [UInt8]? {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followsLinks ? 0 : O_NOFOLLOW))
        guard fd >= 0 else {
            if [ENOENT, ENOTDIR, ELOOP, ENXIO].contains(errno) { return nil }
            throw FileProblem(path)
        }
        defer { close(fd) }
        return try Descriptor.read(fd, limit: limit, path)
    }

    static func rename(_ source: String, to target: String) throws {
        guard Glibc.rename(source, target) == 0 else { throw FileProblem(source) }
    }

    /// Nothing may have the target's name, not even an empty folder.
    static func move(_ source: String, to target: String) throws {
        guard try !exists(target) else { throw FileProblem(target, EEXIST) }
        try rename(source, to: target)
    }

    /// `path`, or a name like it that is not taken.
    static func free(_ path: String) throws -> String {
        var name = path
        var number = 2
        while try exists(name) {
            name = "\(path).\(number)"
            number += 1
        }
        return name
    }

    /// Removes a file, link or whole folder; links are removed, not followed. Nothing there is fine.
    static func removeTree(_ path: String) throws {
        guard let slash = path.lastIndex(of: "/") else { throw FileProblem(path, EINVAL) }
        let parent: OpenFolder
        do { parent = try OpenFolder(String(path[..<slash]), followsLink: true) } catch let error as FileProblem
            where error.number == ENOENT
        {
            return
        }
        try parent.remove(String(path[path.index(after: slash)...]))
    }

    /// The path with links resolved as far as it exists.
    static func resolved(_ path: String) -> String {
        if let real = realpath(path, nil) {
            defer { Glibc.free(real) }
            return String(cString: real)
        }
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return path }
        let parent = resolved(String(path[..<slash]))
        let name = path[path.index(after: slash)...]
        if name.isEmpty || name == "." { return parent }
        if name == ".." { return parent.lastIndex(of: "/").map { String(parent[..<$0]) } ?? parent }
        return (parent == "/" ? "" : parent) + "/" + name
    }
}

extension FileStamp {
    init(_ status: stat) {
        self.init(
            inode: UInt64(status.st_ino), size: Int64(status.st_size),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
            changed: Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec))
    }
}

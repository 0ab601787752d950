import CSystem
import Glibc
import SaturnCore

/// The file operations of a store; an error names the file.
enum Files {
    struct Problem: Error {
        var path: String
        var number: Int32
        var text: String

        init(_ path: String, _ number: Int32 = errno) {
            self.path = path
            self.number = number
            text = String(cString: strerror(number))
        }

        /// Something has the name, and is not what it should be.
        init(_ path: String, is text: String) {
            self.init(path, EINVAL)
            self.text = text
        }
    }

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
        guard errno == ENOENT || errno == ENOTDIR || errno == ELOOP else { throw Problem(path) }
        return false
    }

    static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o755) == 0 else { throw Problem(path) }
    }

    static func makeFolders(_ path: String) throws {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw Problem(path)
        }
        try makeFolders(String(path[..<slash]))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw Problem(path) }
    }

    /// A new file; whatever had the name is replaced, a link of that name not followed. Nothing is left of one that
    /// could not be written whole.
    @discardableResult
    static func write(_ text: String, to path: String) throws -> FileStamp {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        var fd = open(path, flags, 0o644)
        if fd < 0, errno == EEXIST {
            try removeTree(path)
            fd = open(path, flags, 0o644)
        }
        guard fd >= 0 else { throw Problem(path) }
        do {
            return try closing(fd, path) {
                try put(text, fd, path)
                var status = stat()
                guard fstat(fd, &status) == 0 else { throw Problem(path) }
                return FileStamp(status)
            }
        } catch {
            unlink(path)
            throw error
        }
    }

    /// To a file that is there; neither a link is followed nor a pipe waited for.
    static func append(_ text: String, to path: String) throws {
        let fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard fd >= 0 else {
            throw errno == ELOOP || errno == ENXIO ? Problem(path, is: "not a file any more") : Problem(path)
        }
        try closing(fd, path) {
            var status = stat()
            guard fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw Problem(path, is: "not a file any more")
            }
            try put(text, fd, path)
        }
    }

    /// Network file systems tell only at closing that something could not be written.
    static func closing<Value>(_ fd: Int32, _ path: String, _ body: () throws -> Value) throws -> Value {
        let result = Result { try body() }
        let problem = close(fd) == 0 ? 0 : errno
        let value = try result.get()
        guard problem == 0 else { throw Problem(path, problem) }
        return value
    }

    private static func put(_ text: String, _ fd: Int32, _ path: String) throws {
        var text = text
        try text.withUTF8 { try put(UnsafeRawBufferPointer($0), fd, path) }
    }

    static func put(_ bytes: UnsafeRawBufferPointer, _ fd: Int32, _ path: String) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(fd, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Problem(path) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// The first `limit` bytes of a regular file, or `nil` when there is none.
    static func read(_ path: String, limit: Int) throws -> [UInt8]? {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard fd >= 0 else {
            if [ENOENT, ENOTDIR, ELOOP, ENXIO].contains(errno) { return nil }
            throw Problem(path)
        }
        defer { close(fd) }
        var status = stat()
        guard fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let size = min(limit, Int(status.st_size))
        return try [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            while filled < size {
                let count = Glibc.read(fd, buffer.baseAddress?.advanced(by: filled), size - filled)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw Problem(path) }
                if count == 0 { break }
                filled += count
            }
        }
    }

    static func rename(_ source: String, to target: String) throws {
        guard Glibc.rename(source, target) == 0 else { throw Problem(source) }
    }

    /// Nothing may have the target's name, not even an empty folder.
    static func move(_ source: String, to target: String) throws {
        guard try !exists(target) else { throw Problem(target, EEXIST) }
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
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw Problem(path)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            guard unlink(path) == 0 else { throw Problem(path) }
            return
        }
        if status.st_mode & S_IRWXU != S_IRWXU { chmod(path, 0o700) }
        try OpenFolder(path).removeAll()
        guard rmdir(path) == 0 else { throw Problem(path) }
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

import CSystem
import Glibc
import SaturnCore

/// The file operations of a store; an error names the file.
enum Files {
    struct Problem: Error {
        var path: String
        var number: Int32

        init(_ path: String) {
            self.path = path
            number = errno
        }
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Of a regular file; links are not followed.
    static func stamp(of path: String) -> FileStamp? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return FileStamp(status)
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

    /// A new file; whatever had the name, or a link of that name, is replaced, not followed.
    @discardableResult
    static func write(_ text: String, to path: String) throws -> FileStamp {
        var fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        if fd < 0, errno == EEXIST, unlink(path) == 0 {
            fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        }
        guard fd >= 0 else { throw Problem(path) }
        defer { close(fd) }
        try put(text, fd, path)
        var status = stat()
        guard fstat(fd, &status) == 0 else { throw Problem(path) }
        return FileStamp(status)
    }

    static func append(_ text: String, to path: String) throws {
        let fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard fd >= 0 else { throw Problem(path) }
        defer { close(fd) }
        try put(text, fd, path)
    }

    private static func put(_ text: String, _ fd: Int32, _ path: String) throws {
        var text = text
        try text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(fd, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw Problem(path) }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }

    /// The first `limit` bytes of a regular file, or `nil` when there is none.
    static func read(_ path: String, limit: Int) throws -> [UInt8]? {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard fd >= 0 else {
            if errno == ENOENT || errno == ENOTDIR || errno == ELOOP { return nil }
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

    /// A name like `path` that is not taken.
    static func free(_ path: String) -> String {
        var number = 2
        while exists("\(path).\(number)") { number += 1 }
        return "\(path).\(number)"
    }

    static func names(in folder: String) throws -> [String] {
        guard let stream = opendir(folder) else { throw Problem(folder) }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw Problem(folder) }
        return names
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
        for name in try names(in: path) { try removeTree("\(path)/\(name)") }
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

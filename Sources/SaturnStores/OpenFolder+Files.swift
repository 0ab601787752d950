import CSystem
import Glibc
import SaturnCore

/// Saturn's own files in a task's folder, where the task may have put something else in their place.
extension OpenFolder {
    /// A new file; whatever had the name is replaced, a link of that name not followed. Nothing is left of one that
    /// could not be written whole.
    func write(_ text: String, to name: String) throws {
        try make(name) { try Descriptor.put(text, $0, path(of: name)) }
    }

    /// The same, and what a look at it will tell.
    func writeStamped(_ text: String, to name: String) throws -> FileStamp {
        try make(name) { fd in
            try Descriptor.put(text, fd, path(of: name))
            var status = stat()
            guard fstat(fd, &status) == 0 else { throw problem(name) }
            return FileStamp(status)
        }
    }

    private func make<Value>(_ name: String, _ body: (Int32) throws -> Value) throws -> Value {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        var fd = openat(descriptor, name, flags, 0o644)
        if fd < 0, errno == EEXIST {
            try remove(name)
            fd = openat(descriptor, name, flags, 0o644)
        }
        guard fd >= 0 else { throw problem(name) }
        csystem_step("file.made")
        do { return try Descriptor.closing(fd, path(of: name)) { try body(fd) } } catch {
            unlinkat(descriptor, name, 0)
            throw error
        }
    }

    /// To a file that is there; neither a link is followed nor a pipe waited for. One that has another name too, by a task
    /// or in somebody's backup, is that one's: this folder gets its own first.
    func append(_ text: String, to name: String) throws {
        let fd = openat(descriptor, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard fd >= 0 else {
            throw errno == ELOOP || errno == ENXIO
                ? FileProblem(path(of: name), is: "not a file any more") : problem(name)
        }
        try Descriptor.closing(fd, path(of: name)) {
            var status = stat()
            guard fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw FileProblem(path(of: name), is: "not a file any more")
            }
            guard status.st_nlink > 1 else { return try Descriptor.put(text, fd, path(of: name)) }
            let bytes = try Descriptor.read(fd, limit: 1 << 20, path(of: name)) ?? []
            try write(String(decoding: bytes, as: UTF8.self) + text, to: name)
        }
    }

    /// The first `limit` bytes of a regular file, or `nil` when there is none.
    func read(_ name: String, limit: Int) throws -> [UInt8]? {
        let fd = openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard fd >= 0 else {
            if [ENOENT, ELOOP, ENXIO].contains(errno) { return nil }
            throw problem(name)
        }
        defer { close(fd) }
        return try Descriptor.read(fd, limit: limit, path(of: name))
    }
}

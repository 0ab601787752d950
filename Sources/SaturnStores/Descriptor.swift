import Glibc

/// Work on an open file; `path` is for messages.
enum Descriptor {
    /// Network file systems tell only at closing that something could not be written.
    static func closing<Value>(_ fd: Int32, _ path: String, _ body: () throws -> Value) throws -> Value {
        let result = Result { try body() }
        let problem = close(fd) == 0 ? 0 : errno
        let value = try result.get()
        guard problem == 0 else { throw FileProblem(path, problem) }
        return value
    }

    static func put(_ text: String, _ fd: Int32, _ path: String) throws {
        var text = text
        try text.withUTF8 { try put(UnsafeRawBufferPointer($0), fd, path) }
    }

    static func put(_ bytes: UnsafeRawBufferPointer, _ fd: Int32, _ path: String) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = write(fd, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileProblem(path) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// The first `limit` bytes of a regular file, or `nil` when it is none.
    static func read(_ fd: Int32, limit: Int, _ path: String) throws -> [UInt8]? {
        var status = stat()
        guard fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let size = min(limit, Int(status.st_size))
        return try [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            while filled < size {
                let count = Glibc.read(fd, buffer.baseAddress?.advanced(by: filled), size - filled)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw FileProblem(path) }
                if count == 0 { break }
                filled += count
            }
        }
    }
}

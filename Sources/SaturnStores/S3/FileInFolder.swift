import Crypto
import Glibc
import SaturnCore

/// A regular file that a task has written, open: its size and content are what they are now. No link is followed on the way.
final class FileInFolder {
    let descriptor: Int32
    let size: Int64
    private let path: String

    /// - Parameter relative: with slashes.
    init(_ relative: String, in folder: OpenFolder) throws {
        var parts = relative.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
        let name = parts.popLast() ?? ""
        var folder = folder
        for part in parts { folder = try OpenFolder(Array(part.utf8CString), in: folder) }
        path = folder.path(of: name)
        descriptor = openat(folder.descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            size = 0
            throw FileProblem(path)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            size = 0
            throw FileProblem(path, is: "not a file any more")
        }
        size = Int64(status.st_size)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Of its first `size` bytes.
    func digest() throws -> SaturnCore.Digest {
        var hasher = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var offset: Int64 = 0
        while offset < size {
            let count = pread(descriptor, &buffer, min(buffer.count, Int(size - offset)), off_t(offset))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileProblem(path) }
            buffer.withUnsafeBytes { hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += Int64(count)
        }
        return SaturnCore.Digest(hasher.finalize())
    }
}

import CSystem
import Glibc
import SaturnCore
import Synchronization

/// A kernel lock on a file: it goes with the process that holds it, whatever ends that.
final class FolderLock: Sendable {
    private let path: String
    private let descriptor = Mutex<Int32>(-1)

    init(path: String) {
        self.path = path
    }

    deinit { release() }

    func release() {
        let fd = descriptor.withLock { descriptor in
            defer { descriptor = -1 }
            return descriptor
        }
        guard fd >= 0 else { return }
        // Closing is not enough while a child that is just being started still has a copy of the descriptor.
        flock(fd, LOCK_UN)
        close(fd)
    }

    /// Throws ``Failure`` `inUse`, naming the holder, when another process has it.
    func take(holder: String, what: String) throws {
        var other = [CChar](repeating: 0, count: 512)
        let fd = csystem_lock(path, holder, &other, 512)
        guard fd >= 0 else {
            guard errno == EWOULDBLOCK else {
                throw Failure(.engine, "cannot open \(path): \(String(cString: strerror(errno)))")
            }
            // Its first line is for people.
            let text = other.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
                .prefix { $0 != "\n" }
            throw Failure(
                .inUse, "\(what) is in use" + (text.isEmpty ? "" : " by \(text)"),
                hint: "--wait waits for it, or choose another directory")
        }
        descriptor.withLock { $0 = fd }
    }
}

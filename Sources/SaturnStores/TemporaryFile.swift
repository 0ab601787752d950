import Glibc
import SaturnCore

/// A new, empty file below TMPDIR, which stays until the caller removes it.
///
/// ```swift
/// let file = try TemporaryFile("log")  // TMPDIR/saturn-log-Ab3xY9
/// defer { file.remove() }
/// ```
public struct TemporaryFile: Sendable {
    public let path: String
    public let descriptor: Int32

    /// - Throws: `Failure` of kind `engine`, when the folder takes no file.
    public init(_ purpose: String) throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var name = Array("\(parent)/saturn-\(purpose)-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else {
            throw Failure(.engine, "cannot make a file in \(parent): \(String(cString: strerror(errno)))")
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        self.descriptor = descriptor
        path = name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    /// Closes it, too.
    public func remove() {
        unlink(path)
        close(descriptor)
    }
}

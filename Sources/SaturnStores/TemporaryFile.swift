import Glibc
import SaturnCore

/// A new, empty file on the disk of TMPDIR. It has no name: however this process ends, nothing of it stays.
///
/// ```swift
/// let file = try TemporaryFile("log")
/// defer { file.close() }
/// ```
public struct TemporaryFile: Sendable {
    public let descriptor: Int32

    /// - Throws: `Failure` of kind `engine`, when the folder takes no file.
    public init(_ purpose: String) throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var name = Array("\(parent)/saturn-\(purpose)-XXXXXX".utf8CString)
        descriptor = mkstemp(&name)
        guard descriptor >= 0 else {
            throw Failure(.engine, "cannot make a file in \(parent): \(String(cString: strerror(errno)))")
        }
        unlink(name)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    public func close() { _ = Glibc.close(descriptor) }
}

import CSystem
import Glibc
import SaturnCore

/// A process by its number and when it began.
public struct ProcessIdentity: Hashable, Sendable {
    public var pid: Int32
    /// Ticks since the machine was started.
    public var start: UInt64

    public static var current: ProcessIdentity? { ProcessIdentity(of: getpid()) }

    init(pid: Int32, start: UInt64) {
        self.pid = pid
        self.start = start
    }

    /// `nil` when there is no such process.
    public init?(of pid: Int32) {
        // The name of the program, in parentheses, may have spaces and parentheses in it.
        guard let text = FileBytes.read("/proc/\(pid)/stat", limit: 4096).map({ String(decoding: $0, as: UTF8.self) }),
            let end = text.lastIndex(of: ")"), case let fields = text[end...].split(separator: " "),
            fields.count > 20, let start = UInt64(fields[20])
        else { return nil }
        self.init(pid: pid, start: start)
    }

    /// Sends a signal to exactly this process; `false` when it is no more.
    public func signal(_ number: Int32) throws -> Bool {
        let fd = csystem_pidfd_open(pid)
        guard fd >= 0 else { return false }
        defer { close(fd) }
        // Looked at with the descriptor open: from here on the number cannot become another's.
        guard ProcessIdentity(of: pid) == self else { return false }
        if csystem_pidfd_kill(fd, number) == 0 { return true }
        guard errno == ESRCH else {
            throw Failure(.engine, "cannot signal process \(pid): \(String(cString: strerror(errno)))")
        }
        return false
    }
}

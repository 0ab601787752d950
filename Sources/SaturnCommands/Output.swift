import Glibc
import SaturnCore
import Synchronization

/// Writing to the terminal or wherever stdout and stderr go. A reader that has gone away is no error.
enum Output {
    /// Why not all of it could be written, as an errno: a full disk. 0 when it could.
    private static let problem = Mutex<Int32>(0)

    static func out(_ text: String) { write(text, to: STDOUT_FILENO) }
    static func error(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Throws when stdout did not take what it was given, though somebody wants it.
    static func check() throws {
        let number = problem.withLock { $0 }
        guard number != 0 else { return }
        throw Failure(.engine, "cannot write to stdout: \(String(cString: strerror(number)))")
    }

    /// `false` when nobody reads any more.
    @discardableResult
    static func write(_ text: String, to fd: Int32) -> Bool {
        var text = text
        return text.withUTF8 { write(UnsafeRawBufferPointer($0), to: fd) }
    }

    @discardableResult
    static func write(_ bytes: UnsafeRawBufferPointer, to fd: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(fd, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else {
                if fd == STDOUT_FILENO, errno != EPIPE { problem.withLock { $0 = errno } }
                return false
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return true
    }

    /// Whether `fd` is a terminal that understands escapes.
    static func isTerminal(_ fd: Int32) -> Bool {
        isatty(fd) == 1 && getenv("TERM").map { String(cString: $0) } ?? "dumb" != "dumb"
    }

    static func hasColour(_ fd: Int32) -> Bool {
        isTerminal(fd) && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)
    }

    /// Columns of the terminal behind `fd`.
    static func width(_ fd: Int32) -> Int {
        var size = winsize()
        return ioctl(fd, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}

import Glibc

/// A pseudo terminal: a program that has `device` as its stdout thinks that somebody looks at it.
final class Terminal {
    /// For the program.
    let device: Int32
    private let control: Int32

    init() throws {
        control = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        var (locked, number): (Int32, UInt32) = (0, 0)
        // TIOCSPTLCK and TIOCGPTN, which Glibc does not export.
        guard control >= 0, ioctl(control, 0x4004_5431, &locked) == 0, ioctl(control, 0x8004_5430, &number) == 0 else {
            throw SessionProblem("there are no pseudo terminals: \(String(cString: strerror(errno)))")
        }
        device = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard device >= 0 else { throw SessionProblem("cannot open a pseudo terminal") }
    }

    deinit {
        close(device)
        close(control)
    }

    func resize(rows: UInt16, columns: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(control, UInt(TIOCSWINSZ), &size)
    }

    /// What has been written to it; it turns newlines into carriage return and newline.
    func text() throws -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = read(control, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}

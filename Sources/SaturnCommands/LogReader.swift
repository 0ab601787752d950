import Glibc

/// Copies a log to stdout: its bytes into a pipe, text with control characters escaped to a terminal.
struct LogReader {
    /// Opened when there is something; `nil` when it is open.
    private let path: String?
    private var fd: Int32 = -1
    private var rest: [UInt8] = []
    private let isTerminal = isatty(STDOUT_FILENO) == 1

    init(path: String) {
        self.path = path
    }

    /// From where it stands on; the caller closes it.
    init(descriptor: Int32) {
        path = nil
        fd = descriptor
    }

    var isOpen: Bool { fd >= 0 }

    /// A file only: a task may have put a device there that never ends.
    static func open(_ path: String) -> Int32 {
        let fd = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        var status = stat()
        guard fd >= 0, fstat(fd, &status) != 0 || status.st_mode & S_IFMT != S_IFREG else { return fd }
        close(fd)
        return -1
    }

    /// What there is now; `false` when nobody reads any more.
    mutating func copy() -> Bool {
        if fd < 0, let path { fd = Self.open(path) }
        guard fd >= 0 else { return true }
        // Looked at before reading: the last of what it was is read first.
        let isAnother = isAnother
        guard copyRest() else { return false }
        guard isAnother else { return true }
        finish()
        close(fd)
        (fd, rest) = (-1, [])
        Output.error("saturn: it begins anew\n")
        return copy()
    }

    /// A file of its own has come in its place, as when the task was begun once more.
    private var isAnother: Bool {
        var (mine, now) = (stat(), stat())
        guard let path, fstat(fd, &mine) == 0, lstat(path, &now) == 0 else { return false }
        return now.st_mode & S_IFMT == S_IFREG && (mine.st_dev, mine.st_ino) != (now.st_dev, now.st_ino)
    }

    private mutating func copyRest() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(fd, &buffer, buffer.count), count > 0 {
            guard write(buffer[..<count]) else { return false }
        }
        return true
    }

    private mutating func write(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard isTerminal else { return bytes.withUnsafeBytes { Output.write($0, to: STDOUT_FILENO) } }
        rest += bytes
        // Up to the last newline, so that no character is cut in two; without any for long, all of it.
        let end = rest.lastIndex(of: 10).map { $0 + 1 } ?? (rest.count > 1 << 16 ? rest.count : 0)
        let text = String(decoding: rest[..<end], as: UTF8.self)
        rest.removeFirst(end)
        return Output.write(Printable.text(text, keepsLines: true), to: STDOUT_FILENO)
    }

    mutating func finish() {
        if !rest.isEmpty { Output.out(Printable.text(String(decoding: rest, as: UTF8.self), keepsLines: true)) }
    }
}

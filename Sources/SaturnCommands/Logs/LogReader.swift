import Glibc

/// Copies a log that is a file to stdout, as far as it has come.
struct LogReader: LogSource {
    /// The folder of the task; `nil` for a file that nothing takes the place of.
    private let folder: String?
    private var fd: Int32 = -1
    private var lines: LogLines
    /// In messages; empty where only one log is read.
    private let task: String

    /// - Parameter descriptor: its log, open, from where it stands on; closed by ``close()``.
    init(_ descriptor: Int32, lines: LogLines, in folder: String? = nil, task: String = "") {
        fd = descriptor
        self.lines = lines
        self.folder = folder
        self.task = task
    }

    /// A file only: a task may have put a device there that never ends.
    ///
    /// - Parameter folder: an open one, from which a relative path counts.
    static func open(_ path: String, in folder: Int32 = AT_FDCWD, size: inout Int) -> Int32 {
        let fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard fd >= 0 else { return fd }
        var status = stat()
        guard fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            Glibc.close(fd)
            return -1
        }
        size = Int(status.st_size)
        return fd
    }

    static func open(_ path: String, in folder: Int32 = AT_FDCWD) -> Int32 {
        var size = 0
        return open(path, in: folder, size: &size)
    }

    mutating func copy(isLast: Bool = true) -> Bool {
        while true {
            // Looked at before reading: the last of what it was is read first.
            let next = next
            guard copyRest() else { return false }
            guard let next else { return true }
            guard finish() else { return false }
            Glibc.close(fd)
            fd = next
            Output.error(task.isEmpty ? "saturn: it begins anew\n" : "saturn: \(Printable.text(task)) begins anew\n")
        }
    }

    /// The log of the attempt after this one, when the task was begun once more.
    private var next: Int32? {
        guard let folder, isAnother(folder + "/log") else { return nil }
        // Several attempts may have come and gone since.
        var number = 1
        while access("\(folder)/log.\(number)", F_OK) == 0, isAnother("\(folder)/log.\(number)") { number += 1 }
        let own = "\(folder)/log.\(number + 1)"
        let fd = Self.open(access(own, F_OK) == 0 ? own : folder + "/log")
        return fd >= 0 ? fd : nil
    }

    /// Whether there is a file, and not the one that is read.
    private func isAnother(_ path: String) -> Bool {
        var (mine, now) = (stat(), stat())
        guard fstat(fd, &mine) == 0, lstat(path, &now) == 0 else { return false }
        return now.st_mode & S_IFMT == S_IFREG && (mine.st_dev, mine.st_ino) != (now.st_dev, now.st_ino)
    }

    private mutating func copyRest() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(fd, &buffer, buffer.count), count > 0 {
            guard Self.write(lines.take(buffer[..<count])) else { return false }
        }
        return true
    }

    private static func write(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { Output.write($0, to: STDOUT_FILENO) }
    }

    @discardableResult
    mutating func finish() -> Bool { Self.write(lines.finish()) }

    mutating func close() {
        Glibc.close(fd)
        fd = -1
    }
}

/// A log on its way to stdout.
protocol LogSource {
    /// What there is now and was not copied yet; `false` when nobody reads any more.
    ///
    /// - Parameter isLast: Whether no other call follows; where looking costs much, others may do nothing.
    mutating func copy(isLast: Bool) throws -> Bool
    /// Writes what was kept back because its line had no end. `false` when nobody reads any more.
    @discardableResult mutating func finish() -> Bool
    mutating func close()
}

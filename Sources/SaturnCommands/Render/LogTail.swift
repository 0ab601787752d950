import Glibc

/// The end of a log.
enum LogTail {
    /// For a message about a failure; reads a bounded part of it.
    static func lines(of path: String, limit: Int = 10, bytes: Int = 1 << 14) -> [String] {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard fd >= 0 else { return [] }
        defer { close(fd) }
        let size = Int(lseek(fd, 0, SEEK_END))
        guard size > 0 else { return [] }
        let start = max(0, size - bytes)
        var buffer = [UInt8](repeating: 0, count: size - start)
        let count = pread(fd, &buffer, buffer.count, off_t(start))
        guard count > 0 else { return [] }
        // By bytes: as a character, "\r\n" is no newline.
        let lines = buffer.prefix(count).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self).suffix(500) }
        let whole = lines.last?.isEmpty == true ? lines.dropLast() : lines[...]
        return whole.suffix(limit).map { Printable.text($0.hasSuffix("\r") ? String($0.dropLast()) : String($0)) }
    }

    /// Where the last lines of an open file begin, found from its end.
    ///
    /// - Parameters:
    ///   - size: in bytes; what comes behind does not count.
    ///   - lower: not looked before it.
    /// - Returns: `nil` when there are not so many lines between `lower` and `size`.
    static func start(of fd: Int32, size: Int64, lines: Int, downTo lower: Int64 = 0) -> Int64? {
        guard lines > 0 else { return size }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var (end, left) = (size, lines)
        while end > lower {
            let begin = max(lower, end - Int64(buffer.count))
            let count = pread(fd, &buffer, Int(end - begin), off_t(begin))
            guard count == Int(end - begin) else { return nil }
            var block = buffer[..<count]
            // The newline at the very end belongs to the last line.
            if end == size, block.last == UInt8(ascii: "\n") { block.removeLast() }
            while let newline = block.lastIndex(of: UInt8(ascii: "\n")) {
                left -= 1
                if left == 0 { return begin + Int64(newline) + 1 }
                block = block[..<newline]
            }
            end = begin
        }
        return nil
    }
}

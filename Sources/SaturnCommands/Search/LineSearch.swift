import Glibc
import SaturnCore

/// Finds the lines of one log that match, in pieces that fit into memory.
struct LineSearch {
    let matcher: Matcher
    /// Called for each line that matches, without its newline; returns whether to go on.
    let found: (_ number: Int, _ line: UnsafeRawBufferPointer) throws -> Bool
    /// Lines before what is searched now, as far as they were counted.
    private var number = 1

    init(_ matcher: Matcher, found: @escaping (_ number: Int, _ line: UnsafeRawBufferPointer) throws -> Bool) {
        self.matcher = matcher
        self.found = found
    }

    /// Bytes read at once. A line that is longer is searched in pieces.
    static let piece = 1 << 22

    /// Reads an open file to its end.
    ///
    /// - Parameters:
    ///   - size: of it in bytes, as far as it is known.
    ///   - buffer: that others may have used.
    mutating func search(_ fd: Int32, size: Int, buffer: inout [UInt8]) throws {
        let room = min(size + 1, Self.piece)
        if buffer.count < room { buffer = [UInt8](repeating: 0, count: max(room, 1 << 16)) }
        var (kept, expected) = (0, size)
        while true {
            let capacity = buffer.count
            let count = buffer.withUnsafeMutableBytes { Self.fill($0, from: kept, fd, expected: expected) }
            expected -= count - kept
            let isLast = count < capacity
            let end = isLast ? count : (buffer[..<count].lastIndex(of: 10).map { $0 + 1 } ?? count)
            guard try buffer.withUnsafeBytes({ try search(UnsafeRawBufferPointer(rebasing: $0[..<end])) }), !isLast
            else {
                return
            }
            kept = count - end
            buffer.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                memmove(base, base + end, kept)
            }
        }
    }

    /// Reads until it is full or the file at its end; returns how much is in it then.
    ///
    /// - Parameter expected: How many bytes are to come at least. Having those, less than was asked for is the end: no
    ///   other call has to say it.
    private static func fill(
        _ buffer: UnsafeMutableRawBufferPointer, from start: Int, _ fd: Int32, expected: Int
    ) -> Int {
        var count = start
        while count < buffer.count, let base = buffer.baseAddress {
            let asked = buffer.count - count
            let got = read(fd, base + count, asked)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            count += got
            if got < asked, count - start >= expected { break }
        }
        return count
    }

    /// Whole lines only. `false` when there is no need to go on.
    mutating func search(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        var (counted, start) = (0, 0)
        while start < bytes.count {
            guard let line = try nextLine(bytes, from: start) else { break }
            number += Self.newlines(bytes, counted..<line.lowerBound)
            counted = line.lowerBound
            guard try found(number, UnsafeRawBufferPointer(rebasing: bytes[line])) else { return false }
            start = line.upperBound + 1
        }
        number += Self.newlines(bytes, counted..<bytes.count)
        return true
    }

    /// The next line with a match.
    private func nextLine(_ bytes: UnsafeRawBufferPointer, from start: Int) throws -> Range<Int>? {
        if matcher.isForMany {
            guard let match = try matcher.find(in: bytes, from: start) else { return nil }
            // A match of nothing at the very end is in no line.
            guard match.lowerBound < bytes.count || bytes.last != 10 else { return nil }
            return Self.line(bytes, around: match.lowerBound)
        }
        var start = start
        while start < bytes.count {
            let line = start..<Self.end(bytes, from: start)
            if try matcher.find(in: UnsafeRawBufferPointer(rebasing: bytes[line]), from: 0) != nil { return line }
            start = line.upperBound + 1
        }
        return nil
    }

    private static func line(_ bytes: UnsafeRawBufferPointer, around place: Int) -> Range<Int> {
        var start = place
        while start > 0, bytes[start - 1] != 10 { start -= 1 }
        return start..<end(bytes, from: place)
    }

    private static func end(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let base = bytes.baseAddress, let newline = memchr(base + start, 10, bytes.count - start) else {
            return bytes.count
        }
        return UnsafeRawPointer(newline) - base
    }

    private static func newlines(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int {
        guard let base = bytes.baseAddress, !range.isEmpty else { return 0 }
        let piece = UnsafeBufferPointer(
            start: base.assumingMemoryBound(to: UInt8.self) + range.lowerBound, count: range.count)
        var count = 0
        // Without a branch, which the compiler makes steps of 16 and more bytes of.
        for byte in piece { count &+= byte == 10 ? 1 : 0 }
        return count
    }
}

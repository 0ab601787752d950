import SaturnCore

/// A line that was found, as it is printed: `task:12:Error: out of memory`.
struct FoundLine {
    private let task: [UInt8]
    private let style: Style
    private let isTerminal: Bool

    init(of task: String, style: Style, isTerminal: Bool) {
        self.task = Array(style.magenta(isTerminal ? Printable.text(task) : task).utf8)
        self.style = style
        self.isTerminal = isTerminal
    }

    /// Only the task.
    var name: [UInt8] { task + [10] }

    /// Into a pipe the line's bytes as they are; to a terminal escaped, with all matches marked.
    func append(_ number: Int, _ line: UnsafeRawBufferPointer, to text: inout [UInt8], _ matcher: Matcher) throws {
        text += task
        text.append(UInt8(ascii: ":"))
        text += style.green("\(number)").utf8
        text.append(UInt8(ascii: ":"))
        if isTerminal { text += try shown(line, matcher).utf8 } else { text += line }
        text.append(10)
    }

    private func shown(_ line: UnsafeRawBufferPointer, _ matcher: Matcher) throws -> String {
        guard style.isColoured else { return Self.printable(line[...]) }
        var (text, done, start) = ("", 0, 0)
        while start <= line.count, let match = try matcher.find(in: line, from: start) {
            text += Self.printable(line[done..<match.lowerBound])
            if !match.isEmpty { text += style.found(Self.printable(line[match])) }
            done = match.upperBound
            start = match.isEmpty ? Self.next(line, match.upperBound) : match.upperBound
        }
        return text + Self.printable(line[done...])
    }

    /// Behind the character at `place`.
    private static func next(_ line: UnsafeRawBufferPointer, _ place: Int) -> Int {
        var next = place + 1
        while next < line.count, line[next] & 0xC0 == 0x80 { next += 1 }
        return next
    }

    private static func printable(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        Printable.text(String(decoding: bytes, as: UTF8.self), keepsLines: true)
    }
}

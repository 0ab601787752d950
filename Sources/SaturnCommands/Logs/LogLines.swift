import Glibc
import SaturnCore

/// The bytes of one log as they are written to stdout: as they came, or line by line with the task in front.
///
///     var lines = LogLines(prefix: "a | ", isEscaped: false)
///     lines.take(bytes("one\ntw"))   // "a | one\n"
///     lines.take(bytes("o"))         // ""
///     lines.finish()                 // "a | two\n"
///
/// With a prefix only whole lines come out, so that those of several tasks are not mixed. One that goes on for more than a
/// megabyte is broken.
struct LogLines {
    private let prefix: [UInt8]
    /// For a terminal: control characters become visible.
    private let isEscaped: Bool
    private var rest: [UInt8] = []
    private static let newline = UInt8(ascii: "\n")

    /// - Parameter prefix: What stands before each line; without it bytes are left as they are.
    init(prefix: String = "", isEscaped: Bool = isatty(STDOUT_FILENO) == 1) {
        self.prefix = Array(prefix.utf8)
        self.isEscaped = isEscaped
    }

    /// What can be written of all that came so far.
    mutating func take(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        if prefix.isEmpty, !isEscaped { return Array(bytes) }
        rest += bytes
        // Up to the last newline, so that no character is cut in two; without any for long, all of it.
        let limit = prefix.isEmpty ? 1 << 16 : 1 << 20
        let end = rest.lastIndex(of: Self.newline).map { $0 + 1 } ?? (rest.count > limit ? rest.count : 0)
        guard end > 0 else { return [] }
        defer { rest.removeFirst(end) }
        return shown(rest[..<end])
    }

    /// What is left when no more comes: the last line, which may be without its end.
    mutating func finish() -> [UInt8] {
        defer { rest = [] }
        return rest.isEmpty ? [] : shown(rest[...])
    }

    private func shown(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard isEscaped else { return prefixed(bytes) }
        return prefixed(ArraySlice(Printable.text(String(decoding: bytes, as: UTF8.self), keepsLines: true).utf8))
    }

    private func prefixed(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard !prefix.isEmpty else { return Array(bytes) }
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        var rest = bytes
        while !rest.isEmpty {
            let end = rest.firstIndex(of: Self.newline) ?? rest.endIndex
            text += prefix
            text += rest[..<end]
            text.append(Self.newline)
            rest = rest[min(end + 1, rest.endIndex)...]
        }
        return text
    }
}

/// What stands before the lines of each of several tasks: their names in a column, on a terminal in colours that tell
/// neighbours apart.
struct LogPrefixes {
    private let width: Int
    private let style: Style

    init(for names: [String], style: Style = .out) {
        width = min(40, names.map(\.count).max() ?? 0)
        self.style = style
    }

    func text(of name: String, at index: Int) -> String {
        style.neighbour(index, "\(LogPrefixes.name(name).padded(to: width)) |") + " "
    }

    /// Into a pipe as it is, for programs.
    static func name(_ name: String) -> String { isatty(STDOUT_FILENO) == 1 ? Printable.text(name) : name }
}

internal import CLibYAML
internal import SaturnCore

/// Where the bytes that are parsed stand among the sources of a run.
struct YAMLOrigin {
    var source: Int
    /// The characters before them on their first line: the `executor.jobs=` of a `--set`.
    var indent = 0

    /// The mark of a node from `start` to `end`; its length is known only on one line.
    func mark(_ start: yaml_mark_t, _ end: yaml_mark_t) -> SourceMark {
        mark(line: start.line, column: start.column, length: start.line == end.line ? end.column - start.column : 1)
    }

    /// From libyaml's line and column, which count from 0.
    func mark(line: Int, column: Int, length: Int = 1) -> SourceMark {
        SourceMark(
            source: source, line: line + 1, column: column + 1 + (line == 0 ? indent : 0), length: length)
    }

    /// The mark of the character that holds the byte at `offset`, with line ends as libyaml sees them.
    func mark(of offset: Int, in bytes: ArraySlice<UInt8>) -> SourceMark {
        var (line, column) = (0, 0)
        var index = bytes.startIndex
        let goal = bytes.startIndex + offset
        while index < bytes.endIndex {
            let next = index + Self.width(of: bytes[index])
            guard next <= goal else { break }
            if Self.isBreak(bytes[index..<min(next, bytes.endIndex)], before: next, in: bytes) {
                (line, column) = (line + 1, 0)
            } else {
                column += 1
            }
            index = next
        }
        return mark(line: line, column: column)
    }

    private static func width(of byte: UInt8) -> Int {
        switch byte {
        case 0xC0...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF7: 4
        default: 1
        }
    }

    private static func isBreak(_ character: ArraySlice<UInt8>, before next: Int, in bytes: ArraySlice<UInt8>) -> Bool {
        switch Array(character) {
        case [0x0A]: true
        case [0x0D]: next >= bytes.endIndex || bytes[next] != 0x0A
        // NEL, LS and PS end a line in YAML 1.1.
        case [0xC2, 0x85], [0xE2, 0x80, 0xA8], [0xE2, 0x80, 0xA9]: true
        default: false
        }
    }
}

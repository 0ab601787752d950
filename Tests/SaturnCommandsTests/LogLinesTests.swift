import Testing

@testable import SaturnCommands

struct LogLinesTests {
    /// What comes out of each call, and of the end.
    private func written(_ pieces: [String], prefix: String = "a | ", isEscaped: Bool = false) -> [String] {
        var lines = LogLines(prefix: prefix, isEscaped: isEscaped)
        let taken = pieces.map { lines.take(Array($0.utf8)[...]) }
        return (taken + [lines.finish()]).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func wholeLinesOnly() {
        #expect(written(["one\ntw", "o", "\n\nthree"]) == ["a | one\n", "", "a | two\na | \n", "a | three\n"])
    }

    @Test func nothingIsNoLine() {
        #expect(written([]) == [""])
        #expect(written(["x\n"]) == ["a | x\n", ""])
    }

    @Test func withoutAPrefixAsItCame() {
        #expect(written(["one\ntw", "o"], prefix: "") == ["one\ntw", "o", ""])
    }

    @Test func escapedByWholeLines() {
        #expect(
            written(["\u{1B}[1mone\ntw", "o\r\n"], prefix: "", isEscaped: true) == ["\\x1b[1mone\n", "two\\x0d\n", ""])
        #expect(written(["\u{7}\n"], isEscaped: true) == ["a | \\x07\n", ""])
    }

    @Test func bytesThatAreNoTextStay() {
        var lines = LogLines(prefix: "a | ", isEscaped: false)
        #expect(lines.take([0xFF, 0, 10, 0xC3]) == Array("a | ".utf8) + [0xFF, 0, 10])
        #expect(lines.finish() == Array("a | ".utf8) + [0xC3, 10])
    }

    @Test func aLineWithoutEndIsBroken() {
        var lines = LogLines(prefix: "a | ", isEscaped: false)
        let piece = [UInt8](repeating: 0x78, count: 1 << 20)
        #expect(lines.take(piece[...]) == [])
        #expect(lines.take([0x78]) == Array("a | ".utf8) + piece + [0x78, 10])
    }

    @Test func columns() {
        let prefixes = LogPrefixes(for: ["a", "longer"], style: Style(isColoured: false))
        #expect(prefixes.text(of: "a", at: 0) == "a      | ")
        #expect(prefixes.text(of: "longer", at: 1) == "longer | ")
        let coloured = LogPrefixes(for: ["a", "b"], style: Style(isColoured: true))
        #expect(coloured.text(of: "a", at: 0) != coloured.text(of: "a", at: 1))
    }
}

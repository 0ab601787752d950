import Glibc
import SaturnTesting
import Testing

@testable import SaturnCommands

@Suite("The end of a log")
struct LogTailTests {
    private func tail(_ bytes: [UInt8], limit: Int = 10) throws -> [String] {
        let space = try TestSpace()
        try space.write("log", bytes)
        return LogTail.lines(of: space.path("log"), limit: limit)
    }

    @Test func theLastLinesAreShown() throws {
        let text = (1...30).map { "line \($0)\n" }.joined()
        #expect(try tail(Array(text.utf8), limit: 3) == ["line 28", "line 29", "line 30"])
    }

    @Test func aLineWithoutAnEndCounts() throws {
        #expect(try tail(Array("a\nb".utf8)) == ["a", "b"])
    }

    @Test func bytesThatAreNoTextAreReplaced() throws {
        #expect(try tail([0xFF, 0x00, 0x1B, 0x41]) == ["\u{FFFD}\\x00\\x1bA"])
    }

    @Test func oneEndlessLineIsCut() throws {
        let lines = try tail([UInt8](repeating: 0x78, count: 1 << 20))
        #expect(lines.count == 1)
        #expect(lines.allSatisfy { $0.count <= 500 })
    }

    @Test func noLogIsNoLines() {
        #expect(LogTail.lines(of: "/nonexistent/log").isEmpty)
    }
}

struct LogTailStartTests {
    private func start(_ text: String, _ lines: Int, downTo lower: Int64 = 0) -> Int64? {
        var name: [CChar] = Array("/tmp/saturn-tail-XXXXXX".utf8CString)
        let fd = mkstemp(&name)
        unlink(name)
        defer { close(fd) }
        guard write(fd, text, text.utf8.count) == text.utf8.count else { return -1 }
        return LogTail.start(of: fd, size: Int64(text.utf8.count), lines: lines, downTo: lower)
    }

    @Test func fromTheEnd() {
        #expect(start("a\nbb\nc\n", 1) == 5)
        #expect(start("a\nbb\nc", 1) == 5)
        #expect(start("a\nbb\nc\n", 2) == 2)
        #expect(start("a\n\n", 1) == 2)
        #expect(start("a\nb\n", 0) == 4)
    }

    @Test func fewerThanThat() {
        #expect(start("a\nb\n", 2) == nil)
        #expect(start("", 1) == nil)
        #expect(start("a\nbb\nc\n", 2, downTo: 4) == nil)
    }

    @Test func overMoreThanOneBlock() {
        let long = String(repeating: "x", count: 70_000)
        #expect(start("a\n\(long)\n", 1) == 2)
        #expect(start("a\n\(long)\n\(long)\n", 2) == 2)
    }
}

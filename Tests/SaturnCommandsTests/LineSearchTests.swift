import Glibc
import SaturnCore
import Testing

@testable import SaturnCommands

/// Which lines a regular expression finds: the same whether a log is searched at once or line by line.
struct LineSearchTests {
    private func lines(_ pattern: String, _ text: [UInt8], ignoresCase: Bool = false) throws -> [String] {
        var found: [String] = []
        var search = LineSearch(try Matcher(Expression(pattern, ignoresCase: ignoresCase))) { number, line in
            found.append("\(number):" + String(decoding: line, as: UTF8.self))
            return true
        }
        _ = try text.withUnsafeBytes { try search.search($0) }
        return found
    }

    private func lines(_ pattern: String, _ text: String) throws -> [String] { try lines(pattern, Array(text.utf8)) }

    @Test(arguments: [
        ("a\\s+[^b]", "a[^\\S\\n]+[^\\nb]"), ("[^]a]", "[^\\n\\]a]"), ("[]a-z]", "[\\]a-z]"),
        ("\\W\\D\\.", "[^\\w\\n][^\\d\\n]\\."),
        ("(?:x|[[:alpha:]_])(?=y)", "(?:x|[[:alpha:]_])(?=y)"), ("[^\\s\\W]", "[^\\n\\s\\W]"), ("[a[b]", "[a[b]"),
    ])
    func isHeldToALine(_ pattern: String, _ narrowed: String) {
        #expect(LineExpression(pattern).text == narrowed)
    }

    @Test(arguments: [
        "a\\nb", "[\\s]", "[[:space:]]", "[\\t-a]", "(?s).", "(?#[)", "(*LF)a", "\\Aa", "a\\z", "\\x0a", "\\R",
        "\\Qa\\E", "a\nb",
        "(a)\\1", "\\P{L}", "[^a", "\\",
    ])
    func isLeftAlone(_ pattern: String) {
        #expect(LineExpression(pattern).text == nil)
    }

    @Test(arguments: [
        ("b", ["2:b", "4:ab"]), ("^", ["1:a", "2:b", "3:", "4:ab"]), ("$", ["1:a", "2:b", "3:", "4:ab"]),
        ("^$", ["3:"]),
        ("a[^c]", ["4:ab"]), ("a\\s", []), ("a[\\s]", []), ("[^,]*+$", ["1:a", "2:b", "3:", "4:ab"]), ("\\Ab", ["2:b"]),
        ("a\\z", ["1:a"]), ("a\\nb", []), ("(?s)a.", ["4:ab"]), ("x*", ["1:a", "2:b", "3:", "4:ab"]),
        ("(?!a)", ["1:a", "2:b", "3:", "4:ab"]),
    ])
    func withinLines(_ pattern: String, _ expected: [String]) throws {
        #expect(try lines(pattern, "a\nb\n\nab\n") == expected)
        #expect(try lines(pattern, "a\nb\n\nab") == expected, "without a newline at the end")
    }

    @Test func nothingHasNoLines() throws {
        for pattern in ["^", "[\\s]*"] { #expect(try lines(pattern, "") == []) }
    }

    @Test func bytesThatAreNoText() throws {
        #expect(try lines("b.c", [0xFF, 10, 0xFF, 0x62, 0xC3, 0xA9, 0x63, 0, 0xC3]) == ["2:\u{FFFD}béc\0\u{FFFD}"])
        #expect(try lines("é", Array("É\n".utf8), ignoresCase: true) == ["1:É"])
    }

    @Test func inPieces() throws {
        var file: [CChar] = Array("/tmp/saturn-lines-XXXXXX".utf8CString)
        let fd = mkstemp(&file)
        unlink(file)
        defer { close(fd) }
        let count = LineSearch.piece / 4
        let text = String(repeating: "one\ntwo\n", count: count)
        #expect(write(fd, text, text.utf8.count) == text.utf8.count)
        lseek(fd, 0, SEEK_SET)
        var numbers: [Int] = []
        var search = LineSearch(try Matcher(Expression("two", ignoresCase: false))) { number, _ in
            numbers.append(number)
            return true
        }
        var buffer: [UInt8] = []
        // What is known of its size is too little: it has grown since.
        try search.search(fd, size: 10_000_000, buffer: &buffer)
        #expect(numbers.count == count && numbers.last == 2 * count)
        #expect(buffer.count <= LineSearch.piece)
    }

    @Test func tooManySteps() {
        #expect(throws: Failure.self) { try lines("(x+x+)+[yz]", String(repeating: "x", count: 60)) }
    }

    @Test func mistakesHaveAPlace() {
        #expect {
            try Expression("é(", ignoresCase: false)
        } throws: {
            ($0 as? Diagnostics)?.items.first?.mark?.column == 3
        }
    }
}

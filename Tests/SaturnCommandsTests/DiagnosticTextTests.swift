import SaturnCore
import Testing

@testable import SaturnCommands

@Suite("Errors become text")
struct DiagnosticTextTests {
    private let text = DiagnosticText(style: Style(isColoured: false))

    private func render(_ source: String, line: Int, column: Int, length: Int = 1, hint: String? = nil) -> String {
        let diagnostic = Diagnostic(
            at: SourceMark(line: line, column: column, length: length), "unknown key 'comand'", hint: hint)
        return text.render(diagnostic, [SourceText(path: "run.yaml", bytes: Array(source.utf8))])
    }

    @Test func placeMessageHintLineAndCaret() {
        let source = "name: a\ntasks:\n  - name: t\n    comand: x\n"
        #expect(
            render(source, line: 4, column: 5, length: 6, hint: "did you mean 'command'?") == """
                run.yaml:4:5: error: unknown key 'comand'; did you mean 'command'?
                  4 |     comand: x
                    |     ^~~~~~

                """)
    }

    @Test func theCaretStaysInTheLine() {
        #expect(render("ab\n", line: 1, column: 2, length: 40).hasSuffix("  1 | ab\n    |  ^\n"))
    }

    @Test func aMarkBehindTheTextShowsNoLine() {
        #expect(render("ab\n", line: 9, column: 1) == "run.yaml:9:1: error: unknown key 'comand'\n")
    }

    @Test func aLongLineIsShownAroundTheMark() {
        let shown = render(String(repeating: "x", count: 5000) + "HERE", line: 1, column: 5001, length: 4)
        #expect(shown.contains("xHERE\n"))
        #expect(shown.count < 500)
        let lines = shown.split(separator: "\n").map(Array.init)
        #expect(lines[1].firstIndex(of: "H") == lines[2].firstIndex(of: "^"))
    }

    @Test func aByteOrderMarkAndCRLFAreNotPartOfTheLine() {
        #expect(render("\u{FEFF}name: a\r\n", line: 1, column: 1, length: 4).contains("  1 | name: a\n    | ^~~~\n"))
    }

    @Test func controlCharactersDoNotReachTheTerminal() {
        let shown = render("a\u{1B}[31mb\n", line: 1, column: 1)
        #expect(!shown.contains("\u{1B}"))
    }

    @Test func aFailureHasItsHintOnALineOfItsOwn() {
        #expect(
            text.render(Failure(.usage, "there is no run named 'x'", hint: "saturn list"))
                == "saturn: error: there is no run named 'x'\n  hint: saturn list\n")
    }

    @Test func coloursOnlyWhereTheyAreWanted() {
        let coloured = DiagnosticText(style: Style(isColoured: true))
        #expect(coloured.render(Failure(.usage, "x")).contains("\u{1B}[31merror\u{1B}[0m"))
    }
}

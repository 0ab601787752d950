import Glibc
import SaturnCore
import Testing

@testable import SaturnCommands

@Suite("A table in its formats") struct TableFormatsTests {
    private static let odd = ResultTable(
        columns: ["task", "lr", "a|b", "duration"],
        rows: [
            [.text("a \"q\", é"), .number("0.10"), .text("x|y\\<*"), .seconds(3.1415)],
            [.text("\u{1B}[31m\u{9B}\u{202E}"), .number("NaN"), .array("[1,\"\u{9B}\"]"), .seconds(3725)],
            [.text("l1\nl2"), .flag(true), .text("")], [.text("")],
        ])

    private func text(_ body: (TableFormats.Sink) -> Void) -> String {
        var text = ""
        withoutActuallyEscaping(body) { body in
            body {
                text += $0
                return true
            }
        }
        return text
    }

    @Test func csv() {
        #expect(
            text { TableFormats.csv(Self.odd, isSafe: false, $0) } == """
                task,lr,a|b,duration\r
                "a ""q"", é",0.10,x|y\\<*,3.142\r
                \u{1B}[31m\u{9B}\u{202E},NaN,"[1,""\u{9B}""]",3725.000\r
                "l1
                l2",true,"",\r
                "",,,\r

                """)
        let safe = text { TableFormats.csv(Self.odd, isSafe: true, $0) }
        #expect(safe.contains("\\x1b[31m\\x9b\\x202e,NaN"))
        #expect(safe.contains("l1\\x0al2,true"))
    }

    @Test func json() {
        #expect(
            text { TableFormats.json(Self.odd, run: "a \"b\"", $0) } == """
                {"version": 1, "run": "a \\"b\\"", "tasks": [
                {"task": "a \\"q\\", é", "lr": 0.10, "a|b": "x|y\\\\<*", "duration": 3.142},
                {"task": "\\u001b[31m\\u009b\\u202e", "lr": "NaN", "a|b": [1,"\\u009b"], "duration": 3725.000},
                {"task": "l1\\nl2", "lr": true, "a|b": "", "duration": null},
                {"task": "", "lr": null, "a|b": null, "duration": null}
                ]}

                """)
        let empty = ResultTable(columns: ["task"], rows: [])
        #expect(text { TableFormats.json(empty, run: "r", $0) } == "{\"version\": 1, \"run\": \"r\", \"tasks\": []}\n")
    }

    @Test func markdown() {
        #expect(
            text { TableFormats.markdown(Self.odd, $0) } == """
                | task | lr | a\\|b | duration |
                | --- | --- | --- | ---: |
                | a "q", é | 0.10 | x\\|y\\\\&lt;\\* | 3.1 s |
                | \\x1b[31m\\x9b\\x202e | NaN | [1,"\\x9b"] | 1 h 2 min |
                | l1<br>l2 | true |  |  |
                |  |  |  |  |

                """)
    }

    /// A reader that has gone away gets no more.
    @Test func stopsWhenNobodyReads() {
        let rows = (0..<100_000).map { [Cell.text("task \($0)")] }
        var calls = 0
        TableFormats.csv(ResultTable(columns: ["task"], rows: rows), isSafe: false) { _ in
            calls += 1
            return false
        }
        #expect(calls == 1)
    }

    // MARK: For people

    private static let plain = ResultTable(
        columns: ["task", "lr", "state", "cause", "commit", "loss"],
        rows: [
            [
                .text("train-é"), .number("0.5"), .text("succeeded"), .nothing, .text("0123456789ab+"),
                .number("0.04969"),
            ],
            [.text("日本"), .number("10"), .text("failed"), .text("timed out after 5 s"), .text("0123456789ab")],
        ])

    private func shown(_ room: Int?) -> (text: String, hidden: [String]) {
        setlocale(LC_CTYPE, "C.UTF-8")
        var table = TableText(Self.plain)
        let hidden = room.map { table.fit($0) } ?? []
        return (text { table.render($0) }, hidden)
    }

    @Test func aligned() {
        let whole = """
            task      lr  state      cause                commit            loss
            train-é  0.5  succeeded                       0123456789ab+  0.04969
            日本      10  failed     timed out after 5 s  0123456789ab

            """
        #expect(shown(nil).text == whole)
        #expect(shown(68).text == whole && shown(68).hidden == [])
    }

    @Test func nothingDoesAnythingToATerminal() {
        let shown = text { TableText(Self.odd).render($0) }
        #expect(shown.unicodeScalars.count { Printable.needsEscape($0) } == 5, "but for the ends of the lines")
        #expect(shown.contains("\\x1b[31m\\x9b\\x202e") && shown.contains("l1\\x0al2"))
    }

    @Test func cut() {
        #expect(
            shown(60).text == """
                task      lr  state      cause        commit            loss
                train-é  0.5  succeeded               0123456789ab+  0.04969
                日本      10  failed     timed out …  0123456789ab

                """)
        #expect(shown(60).hidden == [])
        #expect(shown(50).hidden == ["commit"])
        #expect(shown(30).hidden == ["cause", "commit", "loss"])
        for room in 1...80 {
            setlocale(LC_CTYPE, "C.UTF-8")
            let text = shown(room).text
            let widest = text.split(separator: "\n").map { Printable.width(String($0)) }.max() ?? 0
            #expect(widest <= room, "\(room): \(text)")
        }
    }
}

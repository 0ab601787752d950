import SaturnCore
import Testing

@testable import SaturnCommands

@Suite("What a task has measured") struct MetricsTests {
    private func read(_ text: String) throws -> [String] {
        try Metrics(Array(text.utf8)).values.map { "\($0.name)=\($0.cell)" }
    }

    @Test func isFlattened() throws {
        let text = """
            \u{FEFF}{"loss": 0.10, "val": {"loss": 1E-3, "by class": {"a.b": -0, "é": 12345678901234567890}, "none": {}},
             "ok": true, "bad": false, "best": null, "name": "a\\n\\u00e9", "all": [1, {"x": [ ]}], "d": NaN, "i": -Infinity}

            """
        #expect(
            try read(text) == [
                "loss=number(\"0.10\")", "val.loss=number(\"1E-3\")", "val.by class.a.b=number(\"-0\")",
                "val.by class.é=number(\"12345678901234567890\")", "ok=flag(true)", "bad=flag(false)", "best=nothing",
                "name=text(\"a\\né\")", "all=array(\"[1,{\\\"x\\\":[]}]\")", "d=number(\"NaN\")",
                "i=number(\"-Infinity\")",
            ])
    }

    @Test func theLaterOfOneNameCounts() throws {
        #expect(try read("{\"a\": {\"b\": 1}, \"c\": 2, \"a.b\": 3}") == ["a.b=number(\"3\")", "c=number(\"2\")"])
        #expect(try read("{}") == [])
    }

    @Test(arguments: [
        ("", 0, "expected an object"), ("[1]", 0, "expected an object"),
        ("{\"a\": 1} x", 9, "expected the end of the file"),
        ("{\"a\": 1,}", 8, "expected a text in quotes"), ("{\"a\" 1}", 5, "expected ':' behind the key"),
        ("{\"a\": 1 2}", 8, "expected ',' or '}'"), ("{\"a\": nope}", 6, "expected a value"),
        ("{\"a\": 01}", 6, "expected a value"), ("{\"a\": \"b}", 6, "this quote is never closed"),
        ("{\"a\": [1,]}", 9, "expected a value"), ("{\"a\": {\"b\": 1}", 14, "expected ',' or '}'"),
    ]) func isNone(_ text: String, _ offset: Int, _ message: String) {
        #expect(throws: JSONReader.Problem(offset: offset, message: message)) { try Metrics(Array(text.utf8)) }
    }

    @Test func bytesThatAreNoText() {
        #expect(throws: JSONReader.Problem(offset: 5, message: "the text is not UTF-8")) {
            try Metrics(Array("{\"a\":\"".utf8) + [0xFF] + Array("\"}".utf8))
        }
    }

    @Test func depthHasAnEnd() throws {
        func deep(_ depth: Int) -> String {
            String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
        }
        #expect(try read(deep(64)).count == 1)
        #expect(throws: JSONReader.Problem.self) { try Metrics(Array(deep(65).utf8)) }
        #expect(throws: JSONReader.Problem.self) { try Metrics(Array(deep(150_000).utf8)) }
    }
}

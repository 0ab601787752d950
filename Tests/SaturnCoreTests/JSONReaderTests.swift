import SaturnCore
import Testing

@Suite struct JSONReaderTests {
    private func nested(_ text: String) -> String? {
        var reader = JSONReader(Array(text.utf8))
        return (try? reader.nested()).flatMap { reader.isAtEnd ? String(decoding: $0, as: UTF8.self) : nil }
    }

    @Test(arguments: [
        ("[]", "[]"), (" { } ", "{}"), ("[ 1 , -2.5e+3,\n\"a , b\" ]", "[1,-2.5e+3,\"a , b\"]"),
        ("[[ ],[{}], { \"a\" : [ true,null ] , \"b\\\"\": {} } ]", "[[],[{}],{\"a\":[true,null],\"b\\\"\":{}}]"),
        ("[NaN, Infinity, -Infinity]", "[\"NaN\",\"Infinity\",\"-Infinity\"]"),
    ]) func isCompact(_ written: String, _ text: String) {
        #expect(nested(written) == text)
    }

    @Test(arguments: [
        "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{1:2}", "{,}",
        "[01]", "[+1]", "[.5]", "[5.]", "[1e]", "[tru]", "[nan]", "[\"a]", "[\"\\q\"]", "[1]]", "[[1]", "[-]",
    ]) func isNone(_ written: String) {
        #expect(nested(written) == nil)
    }

    @Test func takesNoStackForDepth() {
        let deep = String(repeating: "[", count: 300_000) + String(repeating: "]", count: 300_000)
        #expect(nested(deep) == deep)
        #expect(nested(String(deep.dropLast())) == nil)
    }

    @Test func halvesOfCharacters() throws {
        let written = Array(#""\ud83d\ude00\ud83d.""#.utf8)
        var reader = JSONReader(written)
        #expect(try reader.string() == Array("😀\u{FFFD}.".utf8))
        var strict = JSONReader(written, refusesHalves: true)
        #expect(throws: JSONReader.Problem(offset: 13, message: "this is not a character")) { try strict.string() }
    }

    @Test func wordsAreAsTheyAreWritten() {
        var reader = JSONReader(Array("{ -0.10 , 1E5}".utf8))
        let steps = [
            reader.take("{"), reader.word().elementsEqual("-0.10".utf8), reader.take(","),
            reader.word().elementsEqual("1E5".utf8), !reader.take("]"), reader.take("}"), reader.isAtEnd,
        ]
        #expect(steps == Array(repeating: true, count: 7))
    }
}

import SaturnCore
import Testing

@Suite struct YAMLScalarTests {
    @Test(arguments: ["a", "0.10", "no", "--lr", "a/b.c_d=e+f-g", "../..", "..."])
    func plain(_ text: String) { #expect(YAMLScalar.text(text) == (text == "..." ? "\"...\"" : text)) }

    @Test(arguments: [
        "", "null", "~", "Null", "-", "---", "{lr}", "a b", "a: b", "#x", "*", "é", "[x", "a,b", "%", "@x",
    ])
    func quoted(_ text: String) { #expect(YAMLScalar.text(text) == "\"\(text)\"") }

    @Test func whatWouldEndIt() { #expect(YAMLScalar.text("a\"b\\c\nd\u{1B}") == "\"a\\\"b\\\\c\\nd\\x1b\"") }
}

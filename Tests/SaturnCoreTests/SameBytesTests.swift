import SaturnCore
import Testing

@Suite struct SameBytesTests {
    @Test(
        arguments: [
            ("a", "a", true), ("", "", true), ("a", "", false), ("a", "ab", false), ("é", "é", true),
            // One character and two that look the same; two accents in either order.
            ("\u{e9}", "e\u{301}", false), ("a\u{323}\u{307}", "a\u{307}\u{323}", false),
        ]) func textsAreTheSameByTheirBytes(_ one: String, _ other: String, _ isSame: Bool)
    {
        #expect(one.hasSameBytes(as: other) == isSame)
        #expect(other.hasSameBytes(as: one) == isSame)
        // Not in one piece of memory of its own.
        #expect(String((one + "x").dropLast()).hasSameBytes(as: other) == isSame)
    }
}

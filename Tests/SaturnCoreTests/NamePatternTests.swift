import Glibc
import SaturnCore
import SaturnTesting
import Testing

@Suite struct NamePatternTests {
    @Test(arguments: [
        ("a", "a", true), ("a", "b", false), ("", "", true), ("", "a", false), ("*", "", true), ("*", "anything", true),
        ("train-*", "train-0.1", true), ("train-*", "train-", true), ("train-*", "train", false),
        ("*-*-c", "a-b-x-c", true), ("*ab", "aab", true), ("?", "é", true), ("?", "ab", false), ("a?c", "abc", true),
        ("[a-c]x", "bx", true), ("[a-c]x", "dx", false), ("[!a-c]x", "dx", true), ("[^a]", "a", false),
        ("[]]", "]", true), ("[]a]", "a", true), ("[a", "[a", true), ("a[", "a[", true), ("[a-]", "-", true),
        ("\\*", "*", true), ("\\*", "a", false), ("a\\", "a\\", true), ("**", "x", true), ("*.*", ".", true),
    ])
    func shellPatterns(_ pattern: String, _ name: String, matches: Bool) {
        #expect(NamePattern(pattern).matches(name) == matches)
    }

    @Test(arguments: [("a*b", "a"), ("*", ""), ("lr-0.1", "lr-0.1"), ("x[ab]", "x"), ("a\\*b?", "a*b")])
    func whatAllNamesBeginWith(_ pattern: String, prefix: String) {
        #expect(NamePattern(pattern).prefix == prefix)
    }

    @Test func manyStarsTakeNoTime() {
        let pattern = NamePattern(String(repeating: "a*", count: 50) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 200)))
    }

    /// As the C library does it, of texts without letters that only some locales know.
    @Test func randomPatternsAsFnmatch() {
        let seed = SeededGenerator.chosenSeed
        var generator = SeededGenerator(seed: seed)
        let pieces = ["a", "b", "c", "*", "?", "[ab]", "[!a]", "[a-c]", "\\*"]
        for _ in 0..<20_000 {
            let pattern = (0..<Int.random(in: 0...6, using: &generator))
                .map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
            let name = (0..<Int.random(in: 0...6, using: &generator))
                .map { _ in ["a", "b", "c", "*"][Int.random(in: 0..<4, using: &generator)] }.joined()
            let expected = fnmatch(pattern, name, 0) == 0
            guard NamePattern(pattern).matches(name) != expected else { continue }
            Issue.record("'\(pattern)' and '\(name)': SATURN_TEST_SEED=\(seed)")
            return
        }
    }
}

import Testing

@testable import SaturnCore

@Suite struct SuggestionTests {
    private let words = ["command", "env", "inputs", "name", "needs", "retries", "sweep", "timeout"]

    @Test(arguments: [
        ("comand", "command"), ("commnad", "command"), ("Command", "command"), ("neds", "needs"), ("need", "needs"),
        ("retires", "retries"), ("time_out", "timeout"), ("envs", "env"), ("input", "inputs"),
    ]) func nearWordsAreSuggested(_ word: String, _ expected: String) {
        #expect(Suggestion.hint(for: word, among: words) == "did you mean '\(expected)'?")
    }

    @Test(arguments: ["", "zebra", "x", "commandcommand", "retry-policy"]) func nothingNearNoHint(_ word: String) {
        #expect(Suggestion.hint(for: word, among: words) == nil)
    }

    @Test func theNearestWins() {
        #expect(Suggestion.hint(for: "lr-0.55", among: ["lr-0.1", "lr-0.5", "lr-0.51"]) == "did you mean 'lr-0.5'?")
        #expect(Suggestion.hint(for: "x", among: [String]()) == nil)
    }

    @Test(arguments: [
        ("", "", 0), ("abc", "abc", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abd", 1), ("abc", "acb", 1),
        ("kitten", "sitting", 3), ("ca", "abc", 3), ("abcd", "badc", 2),
    ]) func distances(_ left: String, _ right: String, _ expected: Int) {
        #expect(Suggestion.distance(Array(left.utf8), Array(right.utf8)) == expected)
    }
}

import SaturnCore
import Testing

@testable import SaturnCommands

@Suite("Wording")
struct WordingTests {
    @Test(arguments: [
        ("python t.py --lr 0.8", "python t.py --lr 0.9", "--lr 0.8", "--lr 0.9"),
        ("python t.py --lr 0.8 -v", "python t.py --lr 0.9 -v", "--lr 0.8", "--lr 0.9"),
        ("a", "b", "a", "b"),
        ("a b", "a b c", "b", "b c"),
        ("a b c", "a c", "a b", "a"),
        ("x x", "x x x", "x", "x x"),
        ("", "a", "(nothing)", "a"),
    ])
    func aChangedCommandIsShownByTheWordsThatDiffer(old: String, new: String, was: String, now: String) {
        let (shownWas, shownNow) = ReasonText.different(old, new)
        #expect(shownWas == was)
        #expect(shownNow == now)
    }

    @Test(arguments: [
        (0.0, "0.0 s"), (0.04, "0.0 s"), (0.05, "0.1 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"),
        (200.0, "3 min 20 s"), (7500.0, "2 h 5 min"), (-1.0, "0.0 s"),
    ])
    func durations(seconds: Double, text: String) {
        #expect(Duration.text(seconds) == text)
    }

    @Test(arguments: [
        ("plain é 漢", "plain é 漢"), ("a\u{1B}[31mb", "a\\x1b[31mb"), ("a\nb", "a\\x0ab"), ("\u{7F}", "\\x7f"),
        ("\u{9B}", "\\x9b"), ("a\u{202E}b", "a\\x202eb"),
    ])
    func controlCharactersAreMadeVisible(text: String, shown: String) {
        #expect(Printable.text(text) == shown)
    }

    @Test func linesStayLinesWhereTheyAreWanted() {
        #expect(Printable.text("a\n\tb\u{7}", keepsLines: true) == "a\n\tb\\x07")
    }

    @Test func longListsAreCutShort() {
        #expect(ReasonText.list(["a", "b", "c"]) == "a, b, c")
        #expect(ReasonText.list(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more")
    }

    @Test(arguments: [
        (["run", "x.yaml"], ["run", "x.yaml"]),
        (["-C", "dir", "run", "x"], ["run", "-C", "dir", "x"]),
        (["-C", "dir", "--state", "s", "plan"], ["plan", "-C", "dir", "--state", "s"]),
        (["-C"], ["-C"]),
        ([], []),
    ])
    func globalOptionsMayComeFirst(arguments: [String], parsed: [String]) {
        #expect(SaturnCommand.globalsLast(arguments) == parsed)
    }

    @Test(arguments: [("/a/run.yaml", "run"), ("/a/x.y.yml", "x.y"), ("/a/.hidden", ".hidden"), ("plain", "plain")])
    func aRunWithoutANameIsCalledAfterItsFile(path: String, name: String) {
        #expect(Paths.stem(path) == name)
    }
}

import SaturnCore
import Testing

@Suite struct TaskNameTests {
    @Test(arguments: [
        "a", "lr-0.5", "two words", "...", ".hidden", "é", "🚀", "-", "*", "a\\b", "saturn", ".saturn2",
        String(repeating: "x", count: 200),
    ]) func namesThatCanBeFolders(_ name: String) {
        #expect(TaskName.problem(with: name) == nil)
    }

    @Test(arguments: [
        ("", "is empty"), (".", "is reserved"), ("..", "is reserved"), (".saturn", "is reserved"),
        (".Saturn", "is reserved"), ("a/b", "contains '/'"), ("/", "contains '/'"),
        ("a\nb", "contains a control character"), ("a\0", "contains a control character"),
        ("\u{7f}", "contains a control character"), ("\u{85}", "contains a control character"),
        (String(repeating: "x", count: 201), "is longer than 200 bytes"),
        (String(repeating: "é", count: 101), "is longer than 200 bytes"),
    ]) func namesThatCannot(_ name: String, _ problem: String) {
        #expect(TaskName.problem(with: name) == problem)
    }

    @Test(arguments: [
        ("lr", "LR"), ("lr-0.5", "LR_0_5"), ("A_b9", "A_B9"), ("0", "0"), ("é", "_"), ("e\u{301}", "E_"), ("🚀x", "_X"),
        ("a b/c", "A_B_C"), ("", ""),
    ]) func variableNames(_ name: String, _ variable: String) {
        #expect(TaskName.variable(name) == variable)
    }
}

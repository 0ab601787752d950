import SaturnTesting
import Testing

@testable import SaturnEngine

@Suite struct InputPatternTests {
    private let space: TestSpace

    init() throws {
        space = try TestSpace()
        for name in [
            "a.csv", "b.csv", "c.txt", ".hidden.csv", "data/d.csv", "data/.secret/e.csv", "data/deep/er/f.csv",
            "data/deep/g.txt", "odd name[1].csv", "été.csv",
        ] { try space.write(name, name) }
        try space.link("linked", to: "data")
        try space.link("data/deep/loop", to: "../..")
        try space.link("broken.csv", to: "nowhere")
    }

    private func matches(_ pattern: String) -> [String] { InputPattern.matches(pattern, in: space.folder) }

    @Test(arguments: [("a.csv", false), ("data/", false), ("*.csv", true), ("a?c", true), ("[ab]", true), ("", false)])
    func whatIsAPattern(_ text: String, _ expected: Bool) {
        #expect(InputPattern.isPattern(text) == expected)
    }

    @Test(arguments: [
        ("*.csv", ["a.csv", "b.csv", "broken.csv", "odd name[1].csv", "été.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("[ab].csv", ["a.csv", "b.csv"]),
        ("[!a].csv", ["b.csv"]),
        (".*.csv", [".hidden.csv"]),
        ("*", ["a.csv", "b.csv", "broken.csv", "c.txt", "data", "linked", "odd name[1].csv", "été.csv"]),
        ("nothing*", []), ("*/nothing", []), ("a.csv/*", []),
        ("data/*.csv", ["data/d.csv"]),
        ("*/d.csv", ["data/d.csv", "linked/d.csv"]),
        ("d*/deep/*.txt", ["data/deep/g.txt"]),
        ("data/.secret/*", ["data/.secret/e.csv"]),
    ]) func withinOneComponent(_ pattern: String, _ expected: [String]) {
        #expect(matches(pattern) == expected)
    }

    @Test(arguments: [
        (
            "**/*.csv",
            [
                "a.csv", "b.csv", "broken.csv", "data/d.csv", "data/deep/er/f.csv", "odd name[1].csv", "été.csv",
            ]
        ),
        ("data/**/*.csv", ["data/d.csv", "data/deep/er/f.csv"]),
        ("data/**/er/*.csv", ["data/deep/er/f.csv"]),
        ("**/deep/**/f.csv", ["data/deep/er/f.csv"]),
        (
            "data/**",
            ["data/d.csv", "data/deep", "data/deep/er", "data/deep/er/f.csv", "data/deep/g.txt", "data/deep/loop"]
        ),
        ("linked/**/*.csv", ["linked/d.csv", "linked/deep/er/f.csv"]),
    ]) func throughAnyNumberOfFolders(_ pattern: String, _ expected: [String]) {
        #expect(matches(pattern) == expected)
    }

    @Test func anAbsolutePatternGivesAbsolutePaths() {
        #expect(matches(space.path("data/*.csv")) == [space.path("data/d.csv")])
        #expect(matches(space.path("**/f.csv")) == [space.path("data/deep/er/f.csv")])
    }

    @Test func aPatternMayLeaveTheFolder() {
        #expect(InputPattern.matches("../*.txt", in: space.path("data")) == ["../c.txt"])
    }

    @Test func slashesAtTheEndOrDoubledDoNotCount() {
        #expect(matches("data//d*") == ["data/d.csv", "data/deep"])
        #expect(matches("d*/") == ["data"])
    }
}

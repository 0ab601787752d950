import Testing

/// Row 5 of faults.md: names that a shell would act on are only names.
@Suite(.ownThread) struct OddNameTests {
    private static let names = [
        "two words", "it's \"quoted\"", "$(touch pwned)", "`touch pwned`", "-rf", "*", "a[bc]?", "~", "日本 ünïcode",
        "%s",
    ]

    @Test func areInert() throws {
        let session = try Session()
        let tasks = Self.names.map { name in
            "  - name: '\(name.replacing("'", with: "''"))'\n    command: printf '%s' \"$SATURN_TASK\"\n"
        }
        try session.write("run.yaml", "name: odd\ntasks:\n" + tasks.joined())

        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(try session.names("results/odd") == (Self.names + [".saturn"]).sorted())
        #expect(try session.names("") == [".saturn", "results", "run.yaml"])
        for name in Self.names {
            #expect(try session.read("results/odd/\(name)/log") == name)
            let logs = try session.saturn("logs", "--", name)
            #expect(logs.out == name)
        }
        let rerun = try session.saturn("run")
        #expect(rerun.out == "odd: \(Self.names.count) up to date (T)\nresults: ~/results/odd\n")
        let status = try RunJSON(session.saturn("status", "--json"))
        #expect(status.tasks.map(\.name) == Self.names)
    }
}

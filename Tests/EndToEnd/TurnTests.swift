import Testing

/// There and back again on a whole sweep: the results of the first time return, and no byte of them is copied.
@Suite(.ownThread) struct TurnTests {
    @Test func backToTheFirstState() throws {
        let session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        let tasks = (1...100).map {
            "  - {name: t\($0), command: echo \($0) >> $RAN; echo rate 1 of \($0) > $RESULTS_DIR/x}\n"
        }
        let first = "name: turn\ndefaults: {code: none}\ntasks:\n" + tasks.joined()
        let files = (1...100).flatMap { task in ["log", "results", "results/x", "status"].map { "t\(task)/\($0)" } }
        func inodes() throws -> [UInt64] { try files.map { try session.inode("results/turn/\($0)") } }
        func ran() throws -> Int { try session.read(session.space.path("ran")).split(separator: "\n").count }

        try session.write("run.yaml", first)
        #expect(try session.saturn("run").out.hasPrefix("turn: 100 succeeded (T)\n"))
        let before = try inodes()
        try session.write("run.yaml", first.replacing("rate 1", with: "rate 2"))
        #expect(try session.saturn("run").out.hasPrefix("turn: 100 succeeded (T)\n"))
        let between = try inodes()
        #expect(Set(before).isDisjoint(with: between))
        #expect(try ran() == 200)

        try session.write("run.yaml", first)
        let third = try session.saturn("run")
        #expect(third.out == "turn: 100 restored (T)\nresults: ~/results/turn\n")
        #expect(try ran() == 200, "nothing was executed")
        #expect(try inodes() == before, "they were renamed, not copied")
        for task in 1...100 { #expect(try session.read("results/turn/t\(task)/results/x") == "rate 1 of \(task)\n") }

        try session.write("run.yaml", first.replacing("rate 1", with: "rate 2"))
        #expect(try session.saturn("run").out.hasPrefix("turn: 100 restored (T)\n"))
        #expect(try inodes() == between)
        #expect(try ran() == 200)
    }
}

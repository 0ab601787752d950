import Testing

/// Results that exist are brought to where they are wanted, and nothing is executed.
@Suite(.ownThread) struct RestoreTests {
    private static let tasks = """
        defaults: {code: none}
        tasks:
          - {name: a, command: echo A >> $RAN; echo A > $RESULTS_DIR/x}
          - {name: b, command: echo B >> $RAN; echo B > $RESULTS_DIR/x}
          - {name: c, command: echo C >> $RAN; echo C > $RESULTS_DIR/x}
        results: {class_spec: LocalDir, directory: results}

        """

    private func makeSession() throws -> Session {
        let session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try session.write("run.yaml", "name: restore\n" + Self.tasks)
        #expect(try session.saturn("run", "-j1").status == 0)
        return session
    }

    private func ran(_ session: Session) throws -> String {
        try session.read(session.space.path("ran")).replacing("\n", with: "")
    }

    /// Three results in a circle: none may be overwritten on its way.
    @Test func resultsTradePlaces() throws {
        let session = try makeSession()
        let inodes = try ["a", "b", "c"].map { try session.inode("results/\($0)/results/x") }
        let swapped = Self.tasks.replacing("name: a", with: "name: T").replacing("name: b", with: "name: a")
            .replacing("name: c", with: "name: b").replacing("name: T", with: "name: c")
        try session.write("run.yaml", "name: restore\n" + swapped)
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(
            plan.tasks.map { "\($0.name) \($0.action) \($0.reason)" } == [
                "c restore from the folder of a", "a restore from the folder of b", "b restore from the folder of c",
            ])
        let run = try session.saturn("run")
        #expect(run.out == "restore: 3 restored (T)\nresults: ~/results\n")
        #expect(try ran(session) == "ABC")
        #expect(try ["c", "a", "b"].map { try session.inode("results/\($0)/results/x") } == inodes)
        for (task, text) in [("c", "A\n"), ("a", "B\n"), ("b", "C\n")] {
            #expect(try session.read("results/\(task)/results/x") == text)
            #expect(try session.read("results/\(task)/events").contains("  - type: restored\n"))
        }
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }

    /// A result that another run's plan still has stays there; this run gets a copy.
    @Test func anotherRunKeepsItsOwn() throws {
        let session = try makeSession()
        try session.write("second.yaml", "name: second\n" + Self.tasks.replacing("name: a", with: "name: z"))
        let run = try session.saturn("run", "second.yaml")
        #expect(run.out == "second: 2 up to date, 1 restored (T)\nresults: ~/results\n")
        #expect(try ran(session) == "ABC")
        #expect(try session.read("results/a/results/x") == "A\n")
        #expect(try session.read("results/z/results/x") == "A\n")
        #expect(try session.inode("results/a/results/x") != session.inode("results/z/results/x"))
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        #expect(try session.saturn("plan", "second.yaml", "--exit-code").status == 0)
    }

    /// What is in the layout needs no ledger to be found.
    @Test func withoutTheLedger() throws {
        let session = try makeSession()
        try session.replace("echo B >> $RAN;", "echo B2 >> $RAN;", in: "run.yaml")
        #expect(try session.saturn("run").status == 0)
        try session.remove(".saturn/ledger.sqlite")
        let plan = try session.saturn("plan", "--exit-code")
        #expect(plan.status == 0, "\(plan.out)")
        #expect(!session.exists(".saturn/ledger.sqlite"), "planning makes no new one")
        #expect(try session.saturn("run").out == "restore: 3 up to date (T)\nresults: ~/results\n")
        #expect(try session.saturn("status").status == 0)
    }

    /// Many turns between two states: everything is still there, and nothing runs.
    @Test func manyTurns() throws {
        let session = try makeSession()
        let first = try session.read("run.yaml")
        let second = first.replacing("echo A >", with: "echo AA >").replacing("echo B >", with: "echo BB >")
        try session.write("run.yaml", second)
        #expect(try session.saturn("run", "-j1").status == 0)
        #expect(try ran(session) == "ABCAABB")
        for _ in 1...5 {
            for file in [first, second] {
                try session.write("run.yaml", file)
                #expect(try session.saturn("run").out.hasPrefix("restore: 1 up to date, 2 restored (T)\n"))
            }
        }
        #expect(try ran(session) == "ABCAABB")
        #expect(try session.read("results/a/results/x") == "AA\n")
        #expect(try session.read("results/a/events").split(separator: "\n").count { $0 == "  - type: restored" } == 5)
    }
}

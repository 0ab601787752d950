import Testing

/// Tasks that need others: when they start, what they see, and when they run again.
@Suite(.ownThread) struct NeedsTests {
    private func makeSession(_ tasks: String) throws -> Session {
        let session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try session.space.write("ran", "")
        try session.write("run.yaml", "name: needs\ndefaults: {code: none}\ntasks:\n\(tasks)")
        return session
    }

    /// What has run since the last time, in order.
    private func takeRan(_ session: Session) throws -> String {
        defer { try? session.space.write("ran", "") }
        return try session.read(session.space.path("ran")).split(separator: "\n").joined(separator: " ")
    }

    @Test func seeTheResults() throws {
        let session = try makeSession(
            """
              - {name: total, needs: [part-1, part.two], command: "cat $SATURN_NEEDS_PART_1/x $SATURN_NEEDS_PART_TWO/x"}
              - {name: table, needs: [part.two, part-1], command: cat $SATURN_NEEDS}
              - {name: part-1, command: echo 1 > $RESULTS_DIR/x}
              - {name: part.two, command: echo 2 > $RESULTS_DIR/x}

            """)
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(try session.read("results/needs/total/log") == "1\n2\n")
        let folder = session.path("results/needs")
        #expect(
            try session.read("results/needs/table/log")
                == "part.two\t\(folder)/part.two/results\npart-1\t\(folder)/part-1/results\n")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }

    /// Four tasks in a line: each starts when the one before has succeeded.
    @Test func runInOrder() throws {
        let session = try makeSession(
            """
              - {name: d, needs: [c], command: echo d >> $RAN}
              - {name: b, needs: [a], command: echo b >> $RAN}
              - {name: c, needs: [b], command: echo c >> $RAN}
              - {name: a, command: echo a >> $RAN}

            """)
        let run = try session.saturn("run", "-j", "4")
        #expect(run.status == 0, "\(run.err)")
        #expect(try takeRan(session) == "a b c d")
    }

    @Test func runAgainWhenTheResultsChange() throws {
        let session = try makeSession(
            """
              - {name: first, command: echo first >> $RAN; echo 1 > $RESULTS_DIR/x}
              - {name: second, needs: [first], command: echo second >> $RAN; cp $SATURN_NEEDS_FIRST/x $RESULTS_DIR/}
              - {name: third, needs: [second], command: echo third >> $RAN; cat $SATURN_NEEDS_SECOND/x}
              - {name: other, command: echo other >> $RAN}

            """)
        #expect(try session.saturn("run", "-j1").status == 0)
        #expect(try takeRan(session) == "first other second third")

        try session.replace("echo 1 >", "echo 2 >", in: "run.yaml")
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(
            plan.tasks.map { "\($0.action): \($0.reason)" } == [
                "run: command: echo 1 → echo 2", "maybe: needs first, which runs first",
                "maybe: needs second, which runs first", "reuse: up to date",
            ])
        #expect(try session.saturn("run").status == 0)
        #expect(try takeRan(session) == "first second third")
        #expect(try session.read("results/needs/third/log") == "2\n")

        // Back again: all three have been there before.
        try session.replace("echo 2 >", "echo 1 >", in: "run.yaml")
        #expect(try session.saturn("run").status == 0)
        #expect(try takeRan(session) == "")
        #expect(try session.read("results/needs/third/log") == "1\n")

        // A needed result that somebody edited counts by what is in it now.
        try session.write("results/needs/first/results/x", "3\n")
        let edited = try PlanJSON(session.saturn("plan", "--json"))
        #expect(edited.names("run") == ["second"])
        #expect(edited.names("maybe") == ["third"])
        #expect(edited.tasks[1].reason == "needs: results of first changed (x)")
        #expect(try session.saturn("run").status == 0)
        #expect(try takeRan(session) == "second third")
        #expect(try session.read("results/needs/third/log") == "3\n")
    }

    @Test func areBlockedByAFailure() throws {
        let session = try makeSession(
            """
              - {name: bad, command: echo bad >> $RAN; exit 7}
              - {name: after, needs: [bad], command: echo after >> $RAN}
              - {name: last, needs: [after, fine], command: echo last >> $RAN}
              - {name: fine, command: echo fine >> $RAN}

            """)
        let run = try session.saturn("run", "-j1")
        #expect(run.status == 1)
        #expect(
            run.out == """
                needs: 1 succeeded, 1 failed, 2 blocked (T)
                failed: bad (exit code 7)
                results: ~/results/needs

                """)
        #expect(run.err.contains("] after blocked: needs bad\n"), "\(run.err)")
        #expect(run.err.contains("] last blocked: needs bad\n"), "\(run.err)")
        #expect(try takeRan(session) == "bad fine")
        #expect(!session.exists("results/needs/after"))

        try session.replace("; exit 7", "", in: "run.yaml")
        #expect(try session.saturn("run", "-j1").status == 0)
        #expect(try takeRan(session) == "bad after last")
    }

    /// The folder of a task that is now blocked stays as it is.
    @Test func aBlockedTaskKeepsItsFolder() throws {
        let session = try makeSession(
            """
              - {name: first, command: echo 1 > $RESULTS_DIR/x}
              - {name: second, needs: [first], command: cat $SATURN_NEEDS_FIRST/x}

            """)
        #expect(try session.saturn("run").status == 0)
        let inode = try session.inode("results/needs/second/log")
        try session.replace("echo 1 > $RESULTS_DIR/x", "exit 1", in: "run.yaml")
        #expect(try session.saturn("run").status == 1)
        #expect(try session.inode("results/needs/second/log") == inode)
        #expect(try session.read("results/needs/second/status") == "success")
    }

    /// Equal tasks each have a result of their own, and keep it.
    @Test func equalTasks() throws {
        let session = try makeSession(
            """
              - {name: r1, command: "echo ran >> $RAN; echo $SATURN_SEED > $RESULTS_DIR/x"}
              - {name: r2, command: "echo ran >> $RAN; echo $SATURN_SEED > $RESULTS_DIR/x"}
              - {name: r3, command: "echo ran >> $RAN; echo $SATURN_SEED > $RESULTS_DIR/x"}

            """)
        #expect(try session.saturn("run").status == 0)
        #expect(try takeRan(session) == "ran ran ran")
        func seeds() throws -> [String] { try (1...3).map { try session.read("results/needs/r\($0)/results/x") } }
        let first = try seeds()
        #expect(Set(first).count == 3, "repeats of one simulation are not the same simulation")
        #expect(Set(try PlanJSON(session.saturn("plan", "--json")).tasks.map(\.key)).count == 1)
        #expect(try session.saturn("run").status == 0)
        #expect(try takeRan(session) == "")
        #expect(try seeds() == first)

        // The one whose result is gone runs again; the others keep theirs.
        try session.remove("results/needs/r2")
        #expect(try session.saturn("run").status == 0)
        #expect(try takeRan(session) == "ran")
        #expect(try seeds() == first, "under the same key a task gets the same seed")
    }
}

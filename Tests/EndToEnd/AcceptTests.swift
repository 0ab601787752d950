import Testing

/// `saturn accept`: results that are declared good in spite of a change.
@Suite(.ownThread) struct AcceptTests {
    private func makeSession(_ tasks: String) throws -> Session {
        let session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try session.space.write("ran", "")
        try session.write("run.yaml", "name: w\ndefaults: {code: none}\ntasks:\n\(tasks)")
        return session
    }

    private static let one = "  - {name: a, command: echo --lr 0.8 >> $RAN}\n"

    /// What has run since the last time.
    private func takeRan(_ session: Session) throws -> String {
        defer { try? session.space.write("ran", "") }
        return try session.read(session.space.path("ran")).split(separator: "\n").joined(separator: " ")
    }

    private func edited(_ tasks: String = one, env: [String: String] = [:]) throws -> Session {
        let session = try makeSession(tasks)
        #expect(try session.saturn("run", env: env).status == 0)
        _ = try takeRan(session)
        try session.replace("0.8", "0.9", in: "run.yaml")
        return session
    }

    @Test func itIsUpToDateFromThenOn() throws {
        let session = try edited()
        let accepted = try session.saturn("accept", "a")
        #expect(accepted.out == "a: accepted (command: --lr 0.8 → --lr 0.9)\n")
        #expect(accepted.err == "")
        #expect(accepted.status == 0)
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        #expect(try session.saturn("run").out == "w: 1 up to date (T)\nresults: ~/results/w\n")
        #expect(try takeRan(session) == "")
        #expect(
            try session.saturn("status").out == """
                w: succeeded, started TIME
                  a  reused  accepted TIME: command: --lr 0.8 → --lr 0.9
                1 up to date
                results: ~/results/w

                """)
        #expect(
            WhyTests.shown(try session.saturn("why", "a").out) == """
                a: reuse: up to date
                  attempt ID of TIME
                  accepted under this key on TIME, made under key HEX: command: --lr 0.8 → --lr 0.9
                  key: KEY

                """)
        let status = try session.saturn("status", "--json").out
        #expect(status.contains("\"changes\" : \"command: --lr 0.8 → --lr 0.9\""), "\(status)")
        let again = try session.saturn("accept", "a")
        #expect(again.out == "a: already up to date\n")
        #expect(again.status == 0)
    }

    @Test func withoutTheLedgerTheResultSaysIt() throws {
        let session = try edited()
        #expect(try session.saturn("accept", "a").status == 0)
        try session.remove(".saturn/ledger.sqlite")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        #expect(try session.saturn("run").status == 0)
        #expect(try takeRan(session) == "")
        #expect(try session.saturn("status").out.contains("  a  reused  accepted TIME: command: --lr 0.8 → --lr 0.9\n"))
        #expect(try session.saturn("why", "a").out.contains("accepted under this key on TIME"))
        try session.replace("0.9", "0.8", in: "run.yaml")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }

    /// The old command still has the result; a third has to run, and both come back from the attic.
    @Test func goingBack() throws {
        let session = try edited()
        #expect(try session.saturn("accept", "a").status == 0)
        try session.replace("0.9", "0.8", in: "run.yaml")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        try session.replace("0.8", "1", in: "run.yaml")
        #expect(try session.saturn("run").status == 0)
        #expect(try takeRan(session) == "--lr 1")
        try session.replace("--lr 1", "--lr 0.9", in: "run.yaml")
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.tasks.map(\.reason) == ["from the attic"])
        #expect(try session.saturn("run").status == 0)
        #expect(try takeRan(session) == "")
        try session.replace("0.9", "0.8", in: "run.yaml")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }

    @Test func aRenamedTaskTakesItAlong() throws {
        let session = try edited()
        #expect(try session.saturn("accept", "a").status == 0)
        try session.replace("name: a,", "name: b,", in: "run.yaml")
        #expect(try session.saturn("run").status == 0)
        #expect(try takeRan(session) == "")
        #expect(try session.saturn("status").out.contains("accepted TIME: command"))
    }

    /// Those that need it count its results, which are the same.
    @Test func whatNeedsItIsNotConcerned() throws {
        let session = try edited(
            Self.one + "  - {name: b, needs: [a], command: echo b >> $RAN}\n")
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.tasks.map(\.action) == ["run", "maybe"])
        #expect(try session.saturn("accept", "a").status == 0)
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }

    @Test func aChainIsAcceptedTogether() throws {
        let session = try edited(Self.one + "  - {name: b, needs: [a], command: echo b 7 >> $RAN}\n")
        try session.replace("b 7", "b 8", in: "run.yaml")
        let alone = try session.saturn("accept", "b")
        #expect(alone.status == 2)
        #expect(
            alone.err
                == "saturn: error: what 'b' needs runs first\n  hint: accept that as well, or saturn run\n")
        let both = try session.saturn("accept", "*")
        #expect(
            both.out == """
                a: accepted (command: --lr 0.8 → --lr 0.9)
                b: accepted (command: b 7 → b 8)

                """)
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }

    /// Results may be read by others; what variables are is said on the own terminal only.
    @Test func valuesOfVariablesStayOutOfTheResult() throws {
        let session = try edited(
            "  - {name: a, command: 'true', env: {LR: 0.8}, pass_env: [TOKEN]}\n", env: ["TOKEN": "x1y"])
        let accepted = try session.saturn("accept", "a", env: ["TOKEN": "x2y"])
        #expect(accepted.out == "a: accepted (env LR: 0.8 → 0.9, pass_env TOKEN: x1y → x2y)\n")
        let events = try session.read("results/w/a/events")
        #expect(events.contains("    changes: \"env LR changed, pass_env TOKEN changed\"\n"), "\(events)")
        #expect(!events.contains("x2y") && !events.contains("0.9"))
    }

    @Test func whatCannotBeAccepted() throws {
        let session = try makeSession(
            """
              - {name: good, command: echo 1}
              - {name: bad, command: exit 3}
              - {name: after, needs: [bad], command: 'true'}

            """)
        let early = try session.saturn("accept", "good")
        #expect(early.status == 2)
        #expect(early.err == "saturn: error: run 'w' has no results yet\n  hint: saturn run makes some\n")
        #expect(!session.exists(".saturn") && !session.exists("results"))
        #expect(try session.saturn("run").status == 1)
        try session.replace("echo 1", "echo 2", in: "run.yaml")
        try session.append("run.yaml", "  - {name: new, command: 'true'}\n")
        for name in ["bad", "new"] {
            let refused = try session.saturn("accept", "good", name)
            #expect(refused.status == 2)
            #expect(refused.out == "")
            #expect(
                refused.err == """
                    saturn: error: task '\(name)' has no successful result to accept
                      hint: saturn why says how it stands

                    """)
        }
        #expect(try session.saturn("accept", "after").status == 2)
        let unknown = try session.saturn("accept", "goof")
        #expect(unknown.err == "saturn: error: run 'w' has no task 'goof'\n  hint: did you mean 'good'?\n")
        #expect(unknown.status == 2)
        #expect(!(try session.read("results/w/good/events")).contains("accepted"), "none of them was accepted")
        #expect(try session.saturn("accept").status == 2)
    }

    @Test func notWhileItRuns() throws {
        let session = try edited()
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        let env = ["HERE": here.path, "GO": go.path]
        try session.append("run.yaml", "  - {name: b, command: echo $$ > $HERE; read line < $GO}\n")
        let running = try session.background("run", "--only", "b", env: env)
        _ = try here.line()
        let refused = try session.saturn("accept", "a")
        #expect(refused.status == 4)
        #expect(refused.err.contains("run 'w' is in use by process PID on HOST"), "\(refused.err)")
        go.send()
        #expect(try running.ended().status == 0)
        #expect(try session.saturn("accept", "a").status == 0)
    }

    @Test func whatChangedWhileItRan() throws {
        let session = try makeSession(
            "  - {name: a, inputs: [data], command: \"echo 2 > $PWD/data; echo ran >> $RAN\"}\n")
        try session.write("data", "1\n")
        #expect(try session.saturn("run").status == 0)
        #expect(try PlanJSON(session.saturn("plan", "--json")).names("run") == ["a"])
        let accepted = try session.saturn("accept", "a")
        #expect(accepted.out == "a: accepted (inputs: data changed)\n")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        // Under the key that it was made for it is as doubtful as before.
        try session.write("data", "1\n")
        #expect(
            try PlanJSON(session.saturn("plan", "--json")).reasons("run") == ["code or an input changed while it ran"])
        try session.remove(".saturn/ledger.sqlite")
        #expect(
            try PlanJSON(session.saturn("plan", "--json")).reasons("run") == ["code or an input changed while it ran"])
        try session.write("data", "2\n")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }
}

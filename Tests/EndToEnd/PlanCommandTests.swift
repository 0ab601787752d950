import Testing

/// `saturn plan`, and the options of `run` that choose what runs.
@Suite(.ownThread) struct PlanCommandTests {
    private static let file = """
        name: choose
        defaults: {code: none}
        tasks:
          - {name: a, command: echo a >> $RAN, env: {LR: 0.1}}
          - {name: b, command: echo b >> $RAN}
          - {name: c, command: echo c >> $RAN; exit 3}
          - {name: d, command: echo d >> $RAN, needs: [c]}
          - {name: e, command: echo e >> $RAN}

        """

    private func makeSession(ran: Bool) throws -> Session {
        let session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try session.space.write("ran", "")
        try session.write("run.yaml", Self.file)
        if ran {
            #expect(try session.saturn("run", "-j1").status == 1)
            try session.space.write("ran", "")
        }
        return session
    }

    private func ran(_ session: Session) throws -> String {
        try session.read(session.space.path("ran")).replacing("\n", with: " ")
    }

    @Test func groupsByCause() throws {
        let session = try makeSession(ran: true)
        try session.replace("LR: 0.1", "LR: 0.10", in: "run.yaml")
        try session.append(
            "run.yaml", "  - {name: f, command: echo f >> $RAN}\n  - {name: g, command: echo g >> $RAN}\n")
        let plan = try session.saturn("plan")
        #expect(plan.status == 0)
        #expect(plan.err == "")
        #expect(
            plan.out == """
                choose: 7 tasks
                  run      3  new (d, f, g)
                  run      1  env LR: 0.1 → 0.10 (a)
                  run      1  failed before (exit code 3) (c)
                  reuse    2  up to date (b, e)

                """)
        for option in ["-n", "--dry-run"] {
            let dry = try session.saturn("run", option)
            #expect(dry.out == plan.out && dry.err == "" && dry.status == 0)
        }
        #expect(try ran(session) == "")
    }

    @Test func saysInJSON() throws {
        let session = try makeSession(ran: true)
        try session.replace("LR: 0.1", "LR: 0.10", in: "run.yaml")
        let transcript = try session.saturn("plan", "--json")
        let plan = try PlanJSON(transcript)
        #expect(plan.version == 1)
        #expect(plan.run == "choose")
        #expect(plan.counts == ["run": 3, "reuse": 2, "restore": 0, "maybe": 0, "blocked": 0])
        #expect(plan.tasks.map { "\($0.name) \($0.action)" } == ["a run", "b reuse", "c run", "d run", "e reuse"])
        let first = try #require(plan.tasks.first)
        #expect(first.changes == [PlanJSON.Change(field: "env.LR", old: "0.1", new: "0.10")])
        #expect(first.reason == "env LR: 0.1 → 0.10")
        #expect(first.key?.count == 64)
        #expect(plan.tasks[3].key == nil, "it depends on what c writes")
        #expect(try session.saturn("run", "-n", "--json").out == transcript.out)
    }

    @Test func tellsByItsExitCode() throws {
        let session = try makeSession(ran: false)
        #expect(try session.saturn("plan", "--exit-code").status == 6)
        try session.replace("; exit 3", "", in: "run.yaml")
        #expect(try session.saturn("run").status == 0)
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        try session.replace("echo b", "echo bb", in: "run.yaml")
        #expect(try session.saturn("plan").status == 0)
        #expect(try session.saturn("plan", "--exit-code").status == 6)
        #expect(try session.saturn("run").status == 0)
        try session.replace("echo bb", "echo b", in: "run.yaml")
        #expect(try session.saturn("plan", "--exit-code").status == 6, "a restore is work")
    }

    @Test func only() throws {
        let session = try makeSession(ran: false)
        let run = try session.saturn("run", "--only", "[ab]", "--only", "e")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out == "choose: 3 succeeded, 2 left out (T)\nresults: ~/results/choose\n")
        #expect(try ran(session).split(separator: " ").sorted() == ["a", "b", "e"])
        #expect(!session.exists("results/choose/c"))

        // What it needs has no result, and is not asked for.
        let blocked = try session.saturn("run", "--only", "d")
        #expect(blocked.status == 1)
        #expect(blocked.err.hasPrefix("choose: 1 blocked\n"), "\(blocked.err)")

        let none = try session.saturn("run", "--only", "aa")
        #expect(none.status == 2)
        #expect(none.err == "saturn: error: --only 'aa' matches no task\n  hint: did you mean 'a'?\n")
        #expect(try session.saturn("plan", "--only", "x*").status == 2)
    }

    @Test func force() throws {
        let session = try makeSession(ran: true)
        let plan = try PlanJSON(session.saturn("plan", "--force", "--only", "b", "--json"))
        #expect(plan.tasks.map(\.reason) == ["forced"])
        let run = try session.saturn("run", "-f", "--only", "b")
        #expect(run.err.hasPrefix("choose: 1 to run: forced\n"), "\(run.err)")
        #expect(try ran(session) == "b ")
        #expect(try session.saturn("run", "--force").status == 1)
        #expect(try ran(session).split(separator: " ").sorted() == ["a", "b", "b", "c", "e"])
    }

    @Test func failFast() throws {
        let session = try makeSession(ran: false)
        let run = try session.saturn("run", "--fail-fast", "-j", "1")
        #expect(run.status == 1)
        #expect(run.out.hasPrefix("choose: 2 succeeded, 1 failed, 1 blocked, 1 not started (T)\n"), "\(run.out)")
        #expect(try ran(session) == "a b c ")
        #expect(!session.exists("results/choose/e"))

        let second = try session.saturn("run", "--max-failures", "1", "--jobs", "1")
        #expect(second.status == 1)
        #expect(try ran(session) == "a b c c ")
        // Going on is what happens without.
        #expect(try session.saturn("run", "-k").status == 1)
        #expect(try ran(session).split(separator: " ").sorted() == ["a", "b", "c", "c", "c", "e"])
    }

    @Test func set() throws {
        let session = try makeSession(ran: false)
        let run = try session.saturn(
            "run", "--set", "executor.jobs=1", "--set", "tasks.c.command=echo c >> $RAN", "--set", "tasks.a.env.LR=3")
        #expect(run.status == 0, "\(run.err)")
        #expect(try ran(session).hasPrefix("a b c "), "one at a time, in the order of the file")
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.tasks.first?.reason == "env LR: 3 → 0.1")
        let wrong = try session.saturn("run", "--set", "executor.jbs=1")
        #expect(wrong.status == 2)
        #expect(
            wrong.err == """
                --set:1:10: error: unknown key 'jbs'; did you mean 'jobs'?
                  1 | executor.jbs=1
                    |          ^~~

                """)
    }

    @Test func tasksInASecondFile() throws {
        let session = try makeSession(ran: false)
        try session.write("more.yaml", "- {name: x, command: echo x >> $RAN, code: none}\n")
        let run = try session.saturn("run", "run.yaml", "more.yaml", "--name", "both", "--only", "[ax]")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out == "both: 2 succeeded, 4 left out (T)\nresults: ~/results/both\n")
        try session.append("more.yaml", "- {nam: y, command: echo y}\n")
        let wrong = try session.saturn("plan", "run.yaml", "more.yaml")
        #expect(wrong.status == 2)
        #expect(wrong.err.hasPrefix("more.yaml:2:4: error: unknown key 'nam'; did you mean 'name'?\n"), "\(wrong.err)")
    }
}

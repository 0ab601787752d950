import Testing

/// What counts, seen from outside: each change runs exactly the tasks that it is about.
@Suite(.ownThread) struct KeyTests {
    private func makeSession(_ tasks: String) throws -> Session {
        let session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try session.space.write("ran", "")
        try session.write("run.yaml", "name: keys\ntasks:\n\(tasks)")
        return session
    }

    /// Plans and runs; returns the reasons of what ran and checks that it was planned.
    private func run(_ session: Session, env: [String: String] = [:]) throws -> [String: String] {
        try session.space.write("ran", "")
        let plan = try PlanJSON(session.saturn("plan", "--json", env: env))
        let run = try session.saturn("run", env: env)
        #expect(run.status == 0, "\(run.err)")
        let ran = try session.read(session.space.path("ran")).split(separator: "\n").map(String.init).sorted()
        #expect(plan.names("run").sorted() == ran)
        let planned = plan.tasks.filter { $0.action == "run" }
        return Dictionary(planned.map { ($0.name, $0.reason) }, uniquingKeysWith: { first, _ in first })
    }

    @Test func variables() throws {
        let session = try makeSession(
            """
              - {name: env, code: none, command: echo env >> $RAN, env: {A: 1, B: 2}}
              - {name: pass, code: none, command: echo pass >> $RAN, pass_env: [MODE]}
              - {name: inherits, code: none, command: echo inherits >> $RAN}

            """)
        #expect(try run(session) == ["env": "new", "pass": "new", "inherits": "new"])
        #expect(try run(session, env: ["OTHER": "1"]) == [:], "what is only inherited does not count")
        #expect(try run(session, env: ["MODE": "fast"]) == ["pass": "pass_env MODE: not set → fast"])
        #expect(try run(session, env: ["MODE": "slow"]) == ["pass": "pass_env MODE: fast → slow"])
        #expect(try run(session) == [:], "unset as at first: restored")
        try session.replace("{A: 1, B: 2}", "{B: 2, A: 1}", in: "run.yaml")
        #expect(try run(session) == [:], "the order is nothing")
        try session.replace("A: 1", "A: 1.0", in: "run.yaml")
        #expect(try run(session) == ["env": "env A: 1 → 1.0"])
        try session.replace(", A: 1.0", "", in: "run.yaml")
        #expect(try run(session) == ["env": "env A: 1.0 → not set"])
    }

    @Test func inputs() throws {
        let session = try makeSession(
            """
              - {name: file, code: none, command: echo file >> $RAN, inputs: [data/a.csv]}
              - {name: glob, code: none, command: echo glob >> $RAN, inputs: ["data/**/*.csv"]}
              - {name: folder, code: none, command: echo folder >> $RAN, inputs: [data]}

            """)
        try session.write("data/a.csv", "1\n")
        try session.write("data/deep/b.csv", "1\n")
        #expect(try run(session).count == 3)
        // The same bytes, written again: nothing changed.
        try session.write("data/a.csv", "1\n")
        #expect(try run(session) == [:])
        // As many bytes, at once: times alone would not tell.
        try session.write("data/a.csv", "2\n")
        #expect(
            try run(session) == [
                "file": "inputs: data/a.csv changed", "glob": "inputs: data/a.csv changed",
                "folder": "inputs: data/a.csv changed",
            ])
        try session.write("data/deep/c.csv", "1\n")
        #expect(
            try run(session) == ["glob": "inputs: data/deep/c.csv added", "folder": "inputs: data/deep/c.csv added"])
        try session.remove("data/deep/c.csv")
        #expect(try run(session) == [:])
        try session.write("data/notes.txt", "1\n")
        #expect(try run(session) == ["folder": "inputs: data/notes.txt added"])
        try session.remove("data/a.csv")
        let missing = try session.saturn("run")
        #expect(missing.status == 2)
        #expect(missing.err.contains("error: the input 'data/a.csv' does not exist in ~\n"), "\(missing.err)")
    }

    @Test func code() throws {
        let session = try makeSession(
            """
              - {name: tree, command: echo tree >> $RAN}
              - {name: id, command: echo id >> $RAN, code: commit-id}
              - {name: none, command: echo none >> $RAN, code: none}

            """)
        try session.write("lib.py", "1\n")
        try session.write(".gitignore", "junk\n")
        try session.makeRepository()
        #expect(try run(session).count == 3)
        try session.write("lib.py", "2\n")
        let edited = "code: lib.py changed (uncommitted)"
        #expect(try run(session) == ["tree": edited, "id": edited])
        try session.commit("the same")
        let moved = try run(session)
        #expect(Array(moved.keys) == ["id"])
        #expect(moved["id"]?.hasPrefix("code: commit ") == true, "\(moved)")
        try session.write("untracked.py", "1\n")
        try session.write("junk", "1\n")
        #expect(try run(session) == [:], "untracked and ignored files are not the code")
        try session.shell("chmod +x lib.py")
        #expect(try run(session) == ["tree": edited, "id": edited], "that it can be executed is content")
    }

    /// Results and the run file are not the code, even when somebody commits them.
    @Test func resultsThatAreTracked() throws {
        let session = try makeSession("  - {name: a, command: echo a >> $RAN; date > $RESULTS_DIR/x}\n")
        try session.makeRepository()
        #expect(try run(session).count == 1)
        try session.git("add", "--force", "results", "run.yaml")
        try session.commit("with results")
        #expect(try run(session) == [:])
        try session.append("run.yaml", "  - {name: b, command: echo b >> $RAN}\n")
        #expect(try run(session) == ["b": "new"])
        #expect(try run(session) == [:])
    }

    @Test func whatDoesNotCount() throws {
        let session = try makeSession("  - {name: a, code: none, command: echo a >> $RAN}\n")
        #expect(try run(session) == ["a": "new"])
        try session.replace("code: none,", "code: none, timeout: 5m, retries: 2, priority: 3,", in: "run.yaml")
        #expect(try run(session) == [:])
        try session.replace("code: none,", "code: none, resources: {cpus: 1, memory: 1MiB},", in: "run.yaml")
        #expect(try run(session) == [:])
        try session.append("run.yaml", "executor: {class_spec: MultiprocessingBackend, jobs: 3}\n")
        #expect(try run(session) == [:])
        try session.replace("echo a >> $RAN", "\"echo a >> $RAN\"", in: "run.yaml")
        #expect(try run(session) == [:], "quotes of the file are not the command's")
    }

    @Test func shellAndWorkdir() throws {
        let session = try makeSession("  - {name: a, code: none, command: echo a >> $RAN}\n")
        #expect(try run(session).count == 1)
        try session.replace("code: none,", "code: none, shell: [/bin/sh, -c],", in: "run.yaml")
        #expect(try run(session)["a"]?.hasPrefix("command: ") == true)
        session.makeFolder("sub")
        try session.replace("code: none,", "code: none, workdir: sub,", in: "run.yaml")
        #expect(try run(session)["a"]?.hasPrefix("workdir: ") == true)
    }

    /// Names count where the command uses them, and nowhere else.
    @Test func namesThatTheCommandMentions() throws {
        let session = try makeSession(
            """
              - {name: says, code: none, command: "echo says >> $RAN; echo $SATURN_TASK > $RESULTS_DIR/x"}
              - {name: silent, code: none, command: echo silent >> $RAN}

            """)
        #expect(try run(session).count == 2)
        try session.replace("name: says", "name: tells", in: "run.yaml")
        try session.replace("name: silent", "name: quiet", in: "run.yaml")
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.names("run") == ["tells"])
        #expect(plan.names("restore") == ["quiet"])
    }
}

import Testing

/// `code: [lib, "!lib/notes"]`, what is untracked, and `--require-clean`.
@Suite(.ownThread) struct CodePathsTests {
    private func makeSession(_ tasks: String) throws -> Session {
        let session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try session.space.write("ran", "")
        try session.write("run.yaml", "name: paths\ntasks:\n\(tasks)")
        for name in ["lib/model.py", "lib/notes/todo.md", "docs/index.md"] { try session.write(name, "1\n") }
        try session.makeRepository()
        return session
    }

    /// What was executed.
    private func run(_ session: Session) throws -> String {
        try session.space.write("ran", "")
        let run = try session.saturn("run", "-j1")
        #expect(run.status == 0, "\(run.err)")
        return try session.read(session.space.path("ran")).replacing("\n", with: " ")
    }

    @Test func onlyWhatTheyCoverCounts() throws {
        let session = try makeSession(
            """
              - {name: lib, command: echo lib >> $RAN, code: [lib, "!lib/notes"]}
              - {name: glob, command: echo glob >> $RAN, code: ["*.md"]}
              - {name: other, command: echo other >> $RAN, code: [.], workdir: docs}

            """)
        #expect(try run(session) == "lib glob other ")
        try session.write("lib/notes/todo.md", "2\n")
        #expect(try run(session) == "glob ")
        try session.write("docs/index.md", "2\n")
        #expect(try run(session) == "glob other ")
        try session.commit("edits")
        #expect(try run(session) == "")
        try session.write("lib/model.py", "2\n")
        #expect(try run(session) == "lib ")
        // However it is written, it is the same code.
        try session.replace(#"[lib, "!lib/notes"]"#, with: #"["./docs/../lib/*.py"]"#)
        #expect(try run(session) == "")
    }

    @Test func whatIsShippedAndDoesNotCount() throws {
        let session = try makeSession("  - {name: a, command: cat lib/*}\n")
        try session.write(".gitignore", "*.bin\nbig\n")
        for name in ["lib/x.bin", "big/y", "lib/big/z"] { try session.write(name, "1\n") }
        try session.append("run.yaml", "file_syncs: [{src: lib, dest: lib}, {src: big, dest: big}]\n")
        let note = "note: shipped by file_syncs and not counted: "
        #expect(
            try session.saturn("plan").out.contains("\(note)big, lib/big, lib/x.bin; list them under inputs\n"))
        try session.replace("cat lib/*", with: "cat lib/*, inputs: [big, \"lib/*.bin\"]")
        #expect(try session.saturn("plan").out.contains("\(note)lib/big; list it under inputs\n"))
        try session.replace("cat lib/*", with: "cat lib/*, code: none")
        #expect(try !session.saturn("plan").out.contains(note))
    }

    @Test func mistakesAreShownWhereTheyAre() throws {
        let session = try makeSession(
            """
              - {name: a, command: "true", code: [lib, libs, new.py]}
              - {name: b, command: "true", code: ["../x"], workdir: .}

            """)
        try session.write("new.py", "1\n")
        let plan = try session.saturn("plan")
        #expect(plan.status == 2)
        #expect(
            plan.err == """
                run.yaml:3:44: error: 'libs' covers no tracked file in ~
                  3 |   - {name: a, command: "true", code: [lib, libs, new.py]}
                    |                                            ^~~~
                run.yaml:3:50: error: 'new.py' covers no tracked file in ~; git does not track it: git add it, or list it under inputs
                  3 |   - {name: a, command: "true", code: [lib, libs, new.py]}
                    |                                                  ^~~~~~
                run.yaml:4:39: error: '../x' leads out of the repository ~
                  4 |   - {name: b, command: "true", code: ["../x"], workdir: .}
                    |                                       ^~~~~~

                """)
        session.space.remove("work/.git")
        #expect(
            try session.saturn("plan").err.contains(
                "error: paths under 'code' need git, and ~ is in no repository; list the files under inputs\n"))
    }

    @Test func whatIsUntrackedIsSaid() throws {
        let session = try makeSession("  - {name: a, command: cat lib/model.py data/x >> $RAN, inputs: [data/x]}\n")
        try session.write("data/x", "1\n")
        #expect(try !session.saturn("plan").out.contains("note:"))
        for name in ["lib/new.py", "notes/1", "notes/2", "x", "y"] { try session.write(name, "1\n") }
        let note = """
            note: untracked and not counted: lib/new.py, notes/, x and 1 more; git add them, or list them under inputs

            """
        #expect(try session.saturn("plan").out.hasSuffix(note))
        #expect(try session.saturn("run").err.contains(note))
        #expect(try !session.saturn("run").err.contains("note:"), "nothing runs")
    }

    // MARK: While tasks run

    @Test func onlyAnEditOfWhatCountsMakesAResultStale() throws {
        let session = try makeSession("")
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        (session.environment["HERE"], session.environment["GO"]) = (here.path, go.path)
        try session.write(
            "run.yaml",
            """
            name: paths
            tasks:
              - {name: docs, command: echo here > $HERE; read line < $GO, code: [docs]}
              - {name: lib, command: echo lib, code: [lib], needs: [docs]}

            """)
        let run = try session.background("run")
        #expect(try here.line() == "here")
        for name in ["docs/index.md", "run.yaml"] { try session.append(name, "# edited\n") }
        go.send()
        let ended = try run.ended()
        #expect(ended.status == 0)
        #expect(
            ended.err.contains(
                "saturn: warning: docs/index.md changed while tasks ran: "
                    + "their results are kept, and not reused by the next run\n"), "\(ended.err)")
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.names("run") == ["docs"])
        #expect(plan.names("maybe") == ["lib"])
    }

    // MARK: --require-clean

    @Test func uncommittedChangesAreRefused() throws {
        let session = try makeSession(
            "  - {name: a, command: \"true\"}\n  - {name: free, command: \"true\", code: none}\n")
        try session.write("untracked", "1\n")
        #expect(try session.saturn("plan", "--require-clean").status == 0)
        for name in ["lib/model.py", "docs/index.md", "lib/notes/todo.md"] { try session.append(name, "2\n") }
        try session.write("lib/new.py", "1\n")
        try session.git("add", "lib/new.py")
        for arguments in [["run"], ["run", "--detach"], ["plan"], ["run", "-n"]] {
            let refused = try session.shell("saturn \(arguments.joined(separator: " ")) --require-clean")
            #expect(refused.status == 2)
            #expect(
                refused.err == """
                    saturn: error: uncommitted changes in ~: docs/index.md, lib/model.py, lib/new.py and 1 more
                      hint: commit them, or leave out --require-clean

                    """)
        }
        #expect(!session.exists(".saturn") && !session.exists("results"))
        #expect(try session.saturn("run", "--require-clean", "--only", "free").status == 0)
        try session.commit("clean")
        #expect(try session.saturn("run", "--require-clean").status == 0)
    }

    /// What no commit has, and yet it is what runs: the run file, and a script that counts by content.
    @Test func whatRunsIsWhatTheCommitSays() throws {
        let session = try makeSession("  - {name: a, command: sh new.sh}\n")
        try session.write("new.sh", "true\n")
        let untracked = try session.saturn("run", "--require-clean")
        #expect(untracked.status == 2)
        #expect(untracked.err.hasPrefix("saturn: error: uncommitted changes in ~: new.sh\n"), "\(untracked.err)")
        try session.git("add", "new.sh")
        try session.commit("more")
        #expect(try session.saturn("run", "--require-clean").status == 0)
        try session.append("run.yaml", "# edited\n")
        let edited = try session.saturn("run", "--require-clean")
        #expect(edited.status == 2)
        #expect(edited.err.hasPrefix("saturn: error: uncommitted changes in ~: run.yaml\n"), "\(edited.err)")
    }
}

extension Session {
    /// In the run file.
    fileprivate func replace(_ old: String, with new: String) throws { try replace(old, new, in: "run.yaml") }
}

import Glibc
import Testing

/// With the default layout every run has a results folder of its own: what one has, another gets by copy.
@Suite(.ownThread) struct ElsewhereTests {
    private func makeStage() throws -> Stage {
        let stage = try Stage()
        let tasks = ["a", "b"].map { ($0, "mkdir $RESULTS_DIR/deep; echo \($0) | tee $RESULTS_DIR/deep/x") }
        try stage.write(tasks)
        #expect(try stage.session.saturn("run", "--name", "first").status == 0)
        return stage
    }

    @Test func everythingIsCopied() throws {
        let stage = try makeStage()
        let session = stage.session
        let plan = try session.saturn("plan", "--name", "second")
        #expect(
            plan.out == """
                second: 2 tasks
                  restore  2  from ~/results/first (a, b)

                """)
        let run = try session.saturn("run", "--name", "second")
        #expect(run.status == 0)
        #expect(run.out == "second: 2 restored (T)\nresults: ~/results/second\n")
        #expect(try stage.ran() == ["a", "b"])
        for task in ["a", "b"] {
            let (here, there) = ("results/second/\(task)", "results/first/\(task)")
            #expect(try session.names(here) == session.names(there))
            for file in ["status", "log", "results/deep/x"] {
                #expect(try session.read("\(here)/\(file)") == session.read("\(there)/\(file)"))
                #expect(try session.inode("\(here)/\(file)") != session.inode("\(there)/\(file)"))
            }
            try checkEvents(session.read("\(here)/events"), origin: session.read("\(there)/events"))
        }
        // What one changes the other does not see.
        try session.append("results/second/a/results/deep/x", "more\n")
        #expect(try session.read("results/first/a/results/deep/x") == "a\n")
        for name in ["first", "second"] {
            #expect(try session.saturn("plan", "--name", name, "--exit-code").status == 0)
        }
    }

    private func checkEvents(_ copy: String, origin: String) throws {
        let key = try #require(origin.firstMatch(of: /\n    key: ([0-9a-f]{64})\n/)?.output.1)
        let attempt = try #require(origin.firstMatch(of: /\n    attempt: (\S+)\n/)?.output.1)
        let own = try #require(copy.firstMatch(of: /\n    attempt: (\S+)\n/)?.output.1)
        #expect(copy.contains("    key: \(key)\n"))
        #expect(own != attempt)
        #expect(copy.contains("    run: second\n"))
        #expect(copy.contains(/\n  - type: restored\n    utctimestamp: \S+\n    from: .+\n/))
        #expect(copy.contains("    from: \(attempt)\n"))
        #expect(copy.contains(/\n  - type: complete\n    utctimestamp: \S+\n$/))
    }

    /// Equal tasks each want a result of their own, and one and its copy are not two.
    @Test func aCopyIsNoSecondResult() throws {
        let stage = try Stage()
        let session = stage.session
        let random = "    command: \"echo ran >> $RAN; cat /proc/sys/kernel/random/uuid > $RESULTS_DIR/x\"\n"
        let head = "name: stage\ndefaults: {code: none}\ntasks:\n"
        try session.write("run.yaml", head + "  - name: a\n\(random)")
        #expect(try session.saturn("run", "--name", "first").status == 0)
        #expect(try session.saturn("run", "--name", "second").out.hasPrefix("second: 1 restored (T)\n"))
        #expect(try stage.ran() == ["ran"])
        try session.write("run.yaml", head + "  - name: a\n\(random)  - name: b\n\(random)")
        let run = try session.saturn("run", "--name", "third")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out == "third: 1 succeeded, 1 restored (T)\nresults: ~/results/third\n")
        #expect(try stage.ran() == ["ran", "ran"])
        #expect(try session.read("results/third/a/results/x") == session.read("results/first/a/results/x"))
        #expect(try session.read("results/third/a/results/x") != session.read("results/third/b/results/x"))
        // Of two that were executed, a fourth gets both.
        #expect(try session.saturn("run", "--name", "fourth").out.hasPrefix("fourth: 2 restored (T)\n"))
        #expect(try session.read("results/fourth/a/results/x") != session.read("results/fourth/b/results/x"))
        #expect(try stage.ran() == ["ran", "ran"])
    }

    @Test(arguments: ["folder", "status", "everything"]) func theSourceIsGone(_ what: String) throws {
        let stage = try makeStage()
        let session = stage.session
        try session.remove(["folder": "results/first/a", "status": "results/first/a/status"][what] ?? "results/first")
        let run = try session.saturn("run", "--name", "second")
        #expect(run.status == 0, "\(run.err)")
        if what == "everything" {
            #expect(run.out == "second: 2 succeeded (T)\nresults: ~/results/second\n")
            #expect(try stage.ran() == ["a", "a", "b", "b"])
        } else {
            #expect(run.out == "second: 1 succeeded, 1 restored (T)\nresults: ~/results/second\n")
            #expect(try stage.ran() == ["a", "a", "b"])
        }
        #expect(try session.read("results/second/a/results/deep/x") == "a\n")
    }

    @Test func fromTheAtticOfAnother() throws {
        let stage = try makeStage()
        let session = stage.session
        let before = try session.read("run.yaml")
        try session.replace("echo a | tee", "echo A | tee", in: "run.yaml")
        #expect(try session.saturn("run", "--name", "first").status == 0)
        #expect(try stage.ran() == ["a", "a", "b"])
        try session.write("run.yaml", before)
        let run = try session.saturn("run", "--name", "second")
        #expect(run.out == "second: 2 restored (T)\nresults: ~/results/second\n")
        #expect(try session.read("results/second/a/results/deep/x") == "a\n")
        #expect(try session.read("results/first/a/results/deep/x") == "A\n")
        #expect(try stage.ran() == ["a", "a", "b"])
    }

    /// A dependent is told of the copy, and is reused with it.
    @Test func withDependents() throws {
        let stage = try Stage(["a": "echo a > $RESULTS_DIR/x"])
        let session = stage.session
        try session.append(
            "run.yaml",
            "  - {name: after, needs: [a], command: echo after >> $RAN; cat $SATURN_NEEDS_A/x > $RESULTS_DIR/y}\n")
        #expect(try session.saturn("run", "--name", "first").status == 0)
        #expect(try session.saturn("run", "--name", "second").out.hasPrefix("second: 2 restored (T)\n"))
        try session.replace("cat $SATURN", "pwd; cat $SATURN", in: "run.yaml")
        #expect(try session.saturn("run", "--name", "second").out.hasPrefix("second: 1 succeeded, 1 up to date (T)\n"))
        #expect(try session.read("results/second/after/results/y") == "a\n")
        #expect(try stage.ran() == ["a", "after", "after"])
    }
}

import Glibc
import Testing

/// Row 20 of faults.md: a run or a results folder that somebody uses, or that is not saturn's.
@Suite(.ownThread) struct InUseTests {
    private func makeSession() throws -> (session: Session, here: Meeting, go: Meeting) {
        let session = try Session()
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        session.environment["HERE"] = here.path
        session.environment["GO"] = go.path
        try session.write(
            "run.yaml",
            """
            name: busy
            defaults: {code: none}
            tasks:
              - {name: a, command: echo $$ > $HERE; read line < $GO}
            results: {class_spec: LocalDir, directory: results}

            """)
        return (session, here, go)
    }

    /// Each of them wants to make the ledger.
    @Test func firstRunsOfAProject() throws {
        for _ in 0..<12 {
            let session = try Session()
            try session.write("run.yaml", "defaults: {code: none}\ntasks: [\"true\"]\n")
            let runs = try ["a", "b", "c", "d", "e", "f"].map { try session.background("run", "--name", $0) }
            for run in runs {
                let end = try run.ended()
                #expect(end.status == 0, "\(end.err)")
            }
        }
    }

    @Test func sameName() throws {
        let (session, here, go) = try makeSession()
        let run = try session.background("run")
        _ = try here.line()
        let second = try session.saturn("run")
        #expect(second.status == 4)
        #expect(
            second.err == """
                saturn: error: run 'busy' is in use by process PID on HOST (saturn run ~/run.yaml)
                  hint: --wait waits for it, saturn terminate --name busy stops it, another --name is another run

                """)
        #expect(String(decoding: second.rawErr, as: UTF8.self).contains("by process \(run.pid) on "))
        go.send()
        #expect(try run.ended().status == 0)
        #expect(try session.saturn("run").status == 0)
    }

    @Test func sameFolder() throws {
        let (session, here, go) = try makeSession()
        let run = try session.background("run")
        _ = try here.line()
        let second = try session.saturn("run", "--name", "other")
        #expect(second.status == 4)
        #expect(
            second.err == """
                saturn: error: the results folder ~/results is in use by process PID on HOST (saturn run ~/run.yaml)
                  hint: --wait waits for it, or choose another directory

                """)
        go.send()
        #expect(try run.ended().status == 0)
    }

    /// Other runs of the project may go on at the same time, and looking is always allowed.
    @Test func otherRunsGoOn() throws {
        let (session, here, go) = try makeSession()
        let run = try session.background("run")
        _ = try here.line()
        try session.write("other.yaml", "name: other\ntasks: [{name: x, code: none, command: echo x}]\n")
        let other = try session.saturn("run", "other.yaml")
        #expect(other.status == 0, "\(other.err)")
        #expect(try session.saturn("plan").status == 0)
        #expect(
            try session.saturn("status", "--name", "busy").out
                .hasPrefix("busy: running (process PID on HOST (saturn run ~/run.yaml)), started TIME\n"))
        go.send()
        #expect(try run.ended().status == 0)
    }

    /// A task that outlives a killed saturn writes to a folder that is the next attempt's: it is ended before.
    @Test func aTaskThatOutlivedItsRun() throws {
        let (session, here, go) = try makeSession()
        try session.replace("read line < $GO", "read line < $GO; echo old > $RESULTS_DIR/x", in: "run.yaml")
        let run = try session.background("run")
        let pid = try #require(pid_t(here.line()))
        run.signal(SIGKILL)
        #expect(try run.ended().status == 137)
        #expect(kill(pid, 0) == 0, "the task went with its saturn: there is nothing to show here")
        try session.replace("echo $$ > $HERE; read line < $GO; echo old", "echo new", in: "run.yaml")
        let second = try session.saturn("run")
        #expect(second.status == 0, "\(second.err)")
        #expect(second.err.contains("warning: ended a process that a killed saturn had left running\n"))
        #expect(try session.read("results/a/results/x") == "new\n")
        let left = try session.shell("cat /proc/\(pid)/stat 2>/dev/null").out
        #expect(left.isEmpty || left.contains(") Z "), "it still runs: \(left)")
        withExtendedLifetime(go) {}
    }

    @Test func theLockOfAKilledRunIsGone() throws {
        let (session, here, go) = try makeSession()
        let run = try session.background("run")
        let pid = try #require(pid_t(here.line()))
        run.signal(SIGKILL)
        #expect(try run.ended().status == 137)
        kill(pid, SIGKILL)
        let second = try session.background("run")
        _ = try here.line()
        go.send()
        let ended = try second.ended()
        #expect(ended.status == 0, "\(ended.err)")
    }

    @Test(arguments: ["a file in it", "a status", "a file"])
    func aFolderOfAnotherMaker(_ what: String) throws {
        let (session, _, _) = try makeSession()
        switch what {
        case "a file in it": try session.write("results/a/thesis.txt", "all my work")
        case "a status": try session.write("results/a/status", "success")
        case "a file": try session.write("results/a", "all my work")
        default: throw SessionProblem("no such case: \(what)")
        }
        let before = try session.inode("results/a")
        for command in ["plan", "run"] {
            let transcript = try session.saturn(command)
            #expect(transcript.status == 4)
            #expect(
                transcript.err == """
                    saturn: error: the folder of task 'a' exists and was not made by saturn
                      hint: move it away, or choose another results directory

                    """)
        }
        #expect(try session.inode("results/a") == before)
        #expect(
            try session.shell("find results -type f -size +0 ! -path '*/.saturn/*' | wc -l").out
                == "1\n")
    }

    /// What a kill leaves while the folder is made is no obstacle, and neither is a folder in which nothing is.
    @Test(arguments: ["", "events:\n  - type: subm"])
    func aFolderBarelyBegun(_ events: String) throws {
        let (session, _, _) = try makeSession()
        session.makeFolder("results/a")
        if !events.isEmpty { try session.write("results/a/events", events) }
        let plan = try session.saturn("plan")
        #expect(plan.status == 0, "\(plan.err)")
        #expect(plan.out.contains("  run      1  new (a)\n"))
    }

    /// Another project's result is used under its own key, and refused under any other.
    @Test func aFolderOfAnotherProject() throws {
        let session = try Session()
        let file = """
            name: shared
            defaults: {code: none}
            tasks: [{name: a, command: echo one}]
            results: {class_spec: LocalDir, directory: ../results}

            """
        try session.write("first/run.yaml", file)
        try session.write("second/run.yaml", file)
        #expect(try session.saturn("run", in: "first").status == 0)
        let inode = try session.inode("results/a/log")

        let same = try session.saturn("run", in: "second")
        #expect(same.status == 0, "\(same.err)")
        #expect(same.out == "shared: 1 up to date (T)\nresults: ~/results\n")

        try session.write("second/run.yaml", file.replacing("echo one", with: "echo two"))
        let other = try session.saturn("run", in: "second")
        #expect(other.status == 4)
        let project = try session.read("first/.saturn/project").dropLast()
        #expect(
            other.err == """
                saturn: error: the folder of task 'a' belongs to another project (\(project))
                  hint: move it away, or choose another results directory

                """)
        #expect(try session.inode("results/a/log") == inode)
        #expect(try session.read("results/a/log") == "one\n")
        #expect(try session.saturn("plan", "--exit-code", in: "first").status == 0)
    }
}

import Testing

/// `status`, `list`, `logs` and `collect`: of runs that have ended, and of one that goes on.
@Suite(.ownThread) struct LookingTests {
    private func makeSession() throws -> Session {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: look
            defaults: {code: none}
            tasks:
              - {name: good, command: echo good}
              - {name: bad, command: echo bad; exit 3}
              - {name: after, command: echo after, needs: [bad]}

            """)
        return session
    }

    @Test func status() throws {
        let session = try makeSession()
        let run = try session.saturn("run", "--json")
        #expect(run.status == 1)
        let status = try session.saturn("status")
        #expect(status.status == 0)
        #expect(
            status.out == """
                look: failed, started TIME
                  good   succeeded
                  bad    failed  exit code 3
                  after  blocked  needs bad
                1 succeeded, 1 failed, 1 blocked
                results: ~/results/look

                """)
        let json = try session.saturn("status", "--json")
        #expect(json.out == run.out, "one document for both")
        let document = try RunJSON(json)
        #expect(document.version == 1)
        #expect(document.run == "look")
        #expect(document.state == "failed")
        #expect(document.exitCode == 1)
        #expect(document.results == session.path("results/look"))
        #expect(document.counts == ["succeeded": 1, "failed": 1, "blocked": 1])
        #expect(document.states() == ["good succeeded", "bad failed", "after blocked"])
        let bad = try #require(document.tasks.first { $0.name == "bad" })
        #expect(bad.cause == "exit code 3" && bad.exitCode == 3 && bad.attempt?.count == 36)
        #expect(bad.folder == session.path("results/look/bad"))
        #expect(try session.read("results/look/bad/events").contains(bad.attempt ?? "none"))
    }

    @Test func list() throws {
        let session = try makeSession()
        try session.write("other.yaml", "tasks: [{command: echo 0, code: none}]\n")
        #expect(try session.saturn("run").status == 1)
        #expect(try session.saturn("run", "other.yaml", "--name", "second").status == 0)
        let list = try session.saturn("list")
        #expect(list.status == 0)
        #expect(
            list.out == """
                second  TIME  succeeded    1 succeeded
                look    TIME  failed       1 succeeded, 1 failed, 1 blocked

                """)
        #expect(try session.saturn("status").out.hasPrefix("second: "), "without a name, the newest")
        #expect(try session.saturn("status", "--name", "look").out.hasPrefix("look: failed"))
    }

    @Test func unknownNames() throws {
        let session = try makeSession()
        #expect(try session.saturn("run").status == 1)
        for command in ["status", "collect", "terminate"] {
            let transcript = try session.saturn(command, "--name", "lok")
            #expect(transcript.status == 2)
            #expect(transcript.out == "")
            #expect(transcript.err == "saturn: error: there is no run named 'lok'\n  hint: did you mean 'look'?\n")
        }
        let far = try session.saturn("collect", "--name", "elephant")
        #expect(
            far.err
                == "saturn: error: there is no run named 'elephant'\n  hint: saturn list shows the runs there are\n")
        let log = try session.saturn("logs", "goood")
        #expect(log.status == 2)
        #expect(log.err == "saturn: error: run 'look' has no task 'goood'\n  hint: did you mean 'good'?\n")
    }

    @Test func logs() throws {
        let session = try makeSession()
        #expect(try session.saturn("run").status == 1)
        #expect(try session.saturn("logs", "good").out == "good\n")
        #expect(try session.saturn("logs", "bad", "--name", "look").out == "bad\n")
        #expect(try session.saturn("logs", "-f", "good").out == "good\n", "it has ended")
        let none = try session.saturn("logs", "after")
        #expect(none.status == 2)
        #expect(none.err == "saturn: error: task 'after' has no log\n  hint: saturn status shows how it stands\n")
    }

    @Test func collectAfterwards() throws {
        let session = try makeSession()
        #expect(try session.saturn("run", "--name", "once").status == 1)
        let summary = """
            once: 1 succeeded, 1 failed, 1 blocked
            failed: bad (exit code 3)
            results: ~/results/once

            """
        for arguments in [["--name", "once"], ["--name", "look"], [], ["run.yaml", "--name", "once"]] {
            let collect = try session.shell("saturn collect \(arguments.joined(separator: " "))")
            #expect(collect.status == 1)
            #expect(collect.out == summary)
            #expect(collect.err == "")
        }
        try session.replace("; exit 3", "", in: "run.yaml")
        #expect(try session.saturn("run", "--name", "once").status == 0)
        let good = try session.saturn("collect", "--name", "once")
        #expect(good.status == 0)
        #expect(good.out == "once: 2 succeeded, 1 up to date\nresults: ~/results/once\n")
    }

    @Test func whileItRuns() throws {
        let session = try Session()
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        session.environment["HERE"] = here.path
        session.environment["GO"] = go.path
        try session.write(
            "run.yaml",
            """
            name: live
            defaults: {code: none}
            tasks:
              - {name: a, command: echo one; echo here > $HERE; read line < $GO; echo two; exit 5}
              - {name: b, command: echo b, needs: [a]}

            """)
        let run = try session.background("run")
        #expect(try here.line() == "here")

        let logs = try session.background("logs", "-f", "a")
        try logs.waitForOutput("one\n")
        let collect = try session.background("collect", "--name", "live")
        try collect.waitForErrors("leaves it running\n")
        let status = try session.saturn("status")
        #expect(status.status == 0)
        #expect(
            status.out.hasPrefix("live: running (process PID on HOST (saturn run ~/run.yaml)), started TIME\n"),
            "\(status.out)")
        #expect(try RunJSON(session.saturn("status", "--json")).state == "running")
        #expect(try session.saturn("logs", "a").out == "one\n")

        go.send()
        #expect(try run.ended().status == 1)
        let followed = try logs.ended()
        #expect(followed.status == 0)
        #expect(followed.out == "one\ntwo\n")
        let collected = try collect.ended()
        #expect(collected.status == 1)
        #expect(
            collected.err == """
                live is running: process PID on HOST (saturn run ~/run.yaml); Ctrl-C leaves it running
                [2/2] a failed: exit code 5
                [2/2] b blocked: needs a

                """)
        #expect(
            collected.out == """
                live: 1 failed, 1 blocked
                failed: a (exit code 5)
                results: ~/results/live

                """)
    }
}

import Glibc
import Testing

/// Retries and timeouts.
@Suite(.ownThread) struct AttemptTests {
    @Test func retries() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: again
            defaults: {code: none}
            tasks:
              - name: third-time
                retries: 3
                command: |
                  echo attempt $SATURN_ATTEMPT
                  ls -A $RESULTS_DIR
                  echo $SATURN_ATTEMPT > $RESULTS_DIR/x
                  test $SATURN_ATTEMPT -eq 3
              - {name: never, retries: 1, command: echo no; exit 9}

            """)
        let run = try session.saturn("run", "-j1")
        #expect(run.status == 1)
        #expect(
            run.out == """
                again: 1 succeeded, 1 failed (T)
                failed: never (exit code 9)
                results: ~/results/again

                """)
        for words in [
            "third-time failed (exit code 1); attempt 2 follows\n",
            "third-time failed (exit code 1); attempt 3 follows\n",
            "never failed (exit code 9); attempt 2 follows\n", "never failed: exit code 9 (T)\n  | no\n",
        ] {
            #expect(run.err.contains(words), "\(run.err)")
        }
        let folder = "results/again/third-time"
        #expect(try session.names(folder) == ["events", "log", "log.1", "log.2", "results", "status"])
        #expect(try session.read("\(folder)/log") == "attempt 3\n", "its results folder is empty again")
        #expect(try session.read("\(folder)/log.1") == "attempt 1\n")
        #expect(try session.read("\(folder)/log.2") == "attempt 2\n")
        #expect(try session.read("\(folder)/results/x") == "3\n")
        let types = try session.read("\(folder)/events").split(separator: "\n").filter { $0.contains("- type: ") }
            .map { String($0.dropFirst("  - type: ".count)) }
        #expect(types.first == "submitted" && types.last == "complete")
        #expect(types.count { $0 == "retried" } == 2)
        #expect(try session.names("results/again/never") == ["error", "events", "log", "log.1", "status"])
        #expect(try session.read("results/again/never/error") == "9")

        // retries do not count in the key.
        try session.replace("retries: 3", "retries: 5", in: "run.yaml")
        #expect(try PlanJSON(session.saturn("plan", "--json")).names("reuse") == ["third-time"])
    }

    @Test func timeout() throws {
        let session = try Session()
        let never = try Meeting(session.space.path("never"))
        session.environment["NEVER"] = never.path
        try session.write(
            "run.yaml",
            """
            name: late
            defaults: {code: none}
            tasks:
              - {name: waits, timeout: 0.3s, command: echo begun; read line < $NEVER}
              - {name: quick, timeout: 1h, command: echo quick}
              - {name: twice, timeout: 0.2s, retries: 1, command: read line < $NEVER}

            """)
        let run = try session.saturn("run")
        #expect(run.status == 1)
        #expect(
            run.out == """
                late: 1 succeeded, 2 failed (T)
                failed: waits (timed out after 0.3 s)
                failed: twice (timed out after 0.2 s)
                results: ~/results/late

                """)
        for task in ["waits", "twice"] {
            #expect(try session.read("results/late/\(task)/error") == "124")
            #expect(try session.read("results/late/\(task)/status") == "failure")
            #expect(try session.read("results/late/\(task)/events").contains("  - type: timeout\n"))
        }
        #expect(try session.read("results/late/waits/log") == "begun\n")
        #expect(session.exists("results/late/twice/log.1"))
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.tasks.first?.reason == "failed before (exit code 124)")
    }

    /// The time of grace is for those that use it; whoever ignores SIGTERM is killed when it is over.
    @Test func timeoutOfATaskThatDoesNotListen() throws {
        let session = try Session()
        let never = try Meeting(session.space.path("never"))
        session.environment["NEVER"] = never.path
        try session.write(
            "run.yaml",
            """
            name: deaf
            defaults: {code: none}
            tasks: [{name: a, timeout: 0.2s, command: "trap '' TERM; read line < $NEVER"}]

            """)
        let run = try session.saturn("run")
        #expect(run.status == 1)
        #expect(try session.read("results/deaf/a/error") == "124")
    }

    /// The second attempt is as visible as the first, and so is the pause between them.
    @Test func lookingAtRetries() throws {
        let stage = try Stage(["a": "echo $SATURN_ATTEMPT begins; \(Stage.wait); exit 3"], jobs: 1)
        try stage.session.append("run.yaml", "    retries: 1\n    retry_delay: 3s\n")
        let (run, _) = try stage.start(waiting: 1)
        let follower = try stage.session.background("logs", "-f", "a")
        try follower.waitForOutput("1 begins\n")
        stage.release()
        try waitUntil("it waits to be tried again") {
            try stage.session.saturn("status").out.contains("a  waiting  exit code 3; attempt 2 follows at ")
        }
        let table = try stage.session.saturn("table", "--csv").out
        #expect(table.contains("a,waiting,exit code 3; attempt 2 follows at "), "\(table)")
        #expect(try stage.session.saturn("logs", "--grep", "begins").out == "a:1:1 begins\n")
        try stage.arrived()
        try waitUntil("it runs") { try stage.session.saturn("status").out.contains("a  running\n") }
        try follower.waitForOutput("2 begins\n")
        stage.release()
        let end = try run.ended()
        #expect(end.status == 1)
        #expect(try follower.ended().status == 0)
        let status = try stage.session.saturn("status").out
        #expect(status.contains("a  failed  exit code 3\n"), "\(status)")
    }

    /// Who stops the run does not wait for another attempt.
    @Test func stoppedInAPause() throws {
        let stage = try Stage(["a": "\(Stage.wait); exit 3"], jobs: 1)
        try stage.session.append("run.yaml", "    retries: 1\n    retry_delay: 1h\n")
        let (run, _) = try stage.start(waiting: 1)
        stage.release()
        try run.waitForErrors("attempt 2 follows in 1 h 0 min")
        run.signal(SIGTERM)
        let end = try run.ended()
        #expect(end.status == 143)
        #expect(end.out.contains("failed: a (exit code 3)"), "\(end.out)")
        #expect(try stage.session.read("results/stage/a/status") == "failure")
    }

    /// As it is told by a shell, and without one.
    @Test func signals() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: signals
            defaults: {code: none, retries: {signal: 1}}
            tasks:
              - {name: shell, command: "sh -c 'kill -11 $$'; exit $?"}
              - {name: direct, command: [sh, -c, "kill -11 $$"]}
              - {name: other, command: exit 3}

            """)
        let run = try session.saturn("run")
        for words in [
            "shell failed (exit code 139); attempt 2 follows", "direct failed (signal 11); attempt 2 follows",
        ] {
            #expect(run.err.contains(words), "\(run.err)")
        }
        #expect(!run.err.contains("other failed (exit code 3); attempt"))
    }
}

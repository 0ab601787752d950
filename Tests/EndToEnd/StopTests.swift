import Glibc
import Testing

/// Row 19 of faults.md: stopping a run that runs, by signal or by `terminate`.
@Suite struct StopTests {
    /// `a` succeeds at once, `b` and then `c` wait to be let go, and `d` waits for a slot.
    private struct Stage {
        let session: Session
        let here: Meeting
        let go: Meeting

        init(trap: String = "") throws {
            session = try Session()
            here = try Meeting(session.space.path("here"))
            go = try Meeting(session.space.path("go"))
            session.environment["HERE"] = here.path
            session.environment["GO"] = go.path
            session.environment["RAN"] = session.space.path("ran")
            let wait = "\(trap)echo here $$ > $HERE; read line < $GO"
            try session.write(
                "run.yaml",
                """
                name: stop
                executor: {class_spec: MultiprocessingExecutor, jobs: 2}
                defaults: {code: none}
                tasks:
                  - {name: a, command: "echo a >> $RAN"}
                  - {name: b, command: "echo b >> $RAN; \(wait)"}
                  - {name: c, command: "echo c >> $RAN; \(wait)"}
                  - {name: d, command: "echo d >> $RAN"}

                """)
        }

        /// Starts the run; returns when `b` and `c` wait, with their process numbers.
        func start() throws -> (run: RunningProgram, pids: [pid_t]) {
            let run = try session.background("run")
            let pids = try (0..<2).compactMap { _ in try pid_t(here.line().dropFirst("here ".count)) }
            guard pids.count == 2 else { throw SessionProblem("a task did not say its process number") }
            return (run, pids)
        }

        func ran() throws -> [String] {
            try session.read(session.space.path("ran")).split(separator: "\n").map(String.init).sorted()
        }

        func finish(with command: String = "run") throws -> Transcript {
            let run = try session.background(command)
            for _ in 0..<2 {
                _ = try here.line()
                go.send()
            }
            return try run.ended()
        }
    }

    @Test(arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)] as [(Int32, Int32)])
    func once(_ signal: Int32, _ status: Int32) throws {
        let stage = try Stage()
        let session = stage.session
        let (run, pids) = try stage.start()
        run.signal(signal)
        let ended = try run.ended()
        #expect(ended.status == status)
        #expect(ended.out == "stop: 1 succeeded, 2 terminated, 1 not started (T)\nresults: ~/results/stop\n")
        // A task that has only just begun may not be counted yet.
        let words = /saturn: stopping after signal \d+: [12] running tasks? (is|are) asked to end; once more kills\n/
        #expect(ended.err.contains(words), "\(ended.err)")
        #expect(ended.err.contains("after signal \(signal): "), "\(ended.err)")
        for pid in pids { #expect(kill(pid, 0) == -1 && errno == ESRCH, "process \(pid) is still there") }
        for task in ["b", "c"] {
            #expect(try session.names("results/stop/\(task)") == ["events", "log"])
            #expect(try session.read("results/stop/\(task)/events").contains("  - type: terminated\n"))
        }
        #expect(!session.exists("results/stop/d"))

        let status = try RunJSON(session.saturn("status", "--json"))
        #expect(status.state == "stopped")
        #expect(status.exitCode == Int(ended.status))
        #expect(status.states() == ["a succeeded", "b terminated", "c terminated", "d skipped"])
        #expect(try session.saturn("collect").status == ended.status)

        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.names("reuse") == ["a"])
        #expect(
            plan.tasks.dropFirst().map(\.reason) == ["was terminated", "was terminated", "new"])

        let rerun = try stage.finish()
        #expect(rerun.status == 0, "\(rerun.err)")
        #expect(try stage.ran() == ["a", "b", "b", "c", "c", "d"])
        #expect(rerun.out == "stop: 3 succeeded, 1 up to date (T)\nresults: ~/results/stop\n")
    }

    /// `nohup saturn run` outlives its terminal.
    @Test func hangUpThatIsIgnored() throws {
        let stage = try Stage()
        let run = try stage.session.background(shell: "trap '' HUP; exec \"$0\" run")
        _ = try stage.here.line()
        run.signal(SIGHUP)
        stage.go.send()
        _ = try stage.here.line()
        stage.go.send()
        #expect(try run.ended().status == 0)
        #expect(try stage.ran() == ["a", "b", "c", "d"])
    }

    /// Commands that only look end at once, and the run that they looked at goes on.
    @Test(arguments: ["logs", "collect"]) func ofACommandThatLooks(_ command: String) throws {
        let stage = try Stage()
        let (run, _) = try stage.start()
        try stage.session.write("results/stop/b/log", "written\n")
        let looking =
            try command == "logs" ? stage.session.background("logs", "-f", "b") : stage.session.background("collect")
        if command == "logs" { try looking.waitForOutput("written\n") } else { try looking.waitForErrors("running\n") }
        looking.signal(SIGINT)
        #expect(try looking.ended().status == 130)
        stage.go.send()
        stage.go.send()
        #expect(try run.ended().status == 0)
    }

    /// Tasks that do not listen are killed by the second signal, without the time of grace.
    @Test func twice() throws {
        let stage = try Stage(trap: "trap '' INT TERM HUP; ")
        let (run, pids) = try stage.start()
        run.signal(SIGINT)
        try run.waitForErrors("once more kills\n")
        run.signal(SIGINT)
        let ended = try run.ended()
        #expect(ended.status == 130)
        #expect(ended.err.contains("saturn: killing what still runs\n"))
        #expect(ended.out.hasPrefix("stop: 1 succeeded, 2 terminated, 1 not started (T)\n"), "\(ended.out)")
        for pid in pids { #expect(kill(pid, 0) == -1 && errno == ESRCH, "process \(pid) is still there") }
        #expect(!stage.session.exists("results/stop/b/status"))
    }

    /// A task that ends well when it is asked to has succeeded.
    @Test func aTaskThatFinishes() throws {
        let stage = try Stage(trap: "trap 'exit 0' TERM; ")
        let (run, _) = try stage.start()
        run.signal(SIGINT)
        #expect(try run.ended().out.hasPrefix("stop: 3 succeeded, 1 not started (T)\n"))
        #expect(try stage.session.read("results/stop/b/status") == "success")
    }

    @Test func terminate() throws {
        let stage = try Stage()
        let session = stage.session
        let (run, pids) = try stage.start()
        let terminate = try session.saturn("terminate", "--name", "stop")
        #expect(terminate.status == 0)
        #expect(terminate.out == "stop: stopped 2 running tasks (b, c); 1 not started; nothing is left running\n")
        for pid in pids { #expect(kill(pid, 0) == -1 && errno == ESRCH, "process \(pid) is still there") }
        #expect(try run.ended().status == 143)
        #expect(try RunJSON(session.saturn("status", "--json")).state == "stopped")
        let again = try session.saturn("terminate", "--name", "stop")
        #expect(again.status == 0)
        #expect(again.out == "stop: nothing is running\n")
    }

    /// `terminate` also ends what outlived its saturn.
    @Test func terminateAfterAKill() throws {
        let stage = try Stage()
        let (run, pids) = try stage.start()
        run.signal(SIGKILL)
        #expect(try run.ended().status == 137)
        #expect(pids.allSatisfy { kill($0, 0) == 0 }, "the tasks went with their saturn: there is nothing to show here")
        let terminate = try stage.session.saturn("terminate", "--name", "stop")
        #expect(terminate.status == 0)
        #expect(terminate.out.hasPrefix("stop: ended "), "\(terminate.out)")
        for pid in pids {
            let left = try stage.session.shell("cat /proc/\(pid)/stat 2>/dev/null").out
            #expect(left.isEmpty || left.contains(") Z "), "it still runs: \(left)")
        }
        #expect(try stage.session.saturn("terminate", "--name", "stop").out == "stop: nothing is running\n")
    }

    /// Row 13, its simplest form: saturn itself is killed.
    @Test(arguments: ["run", "collect"]) func killed(finishedBy command: String) throws {
        let stage = try Stage()
        let session = stage.session
        let (run, pids) = try stage.start()
        run.signal(SIGKILL)
        #expect(try run.ended().status == 137)
        // What a killed saturn leaves behind is not this test's subject: it ends them itself.
        for pid in pids { kill(pid, SIGKILL) }

        let status = try RunJSON(session.saturn("status", "--json"))
        #expect(status.state == "interrupted")
        let before = try session.listing()
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        let changed = difference(before, try session.listing())
        #expect(changed == [], "planning repairs nothing")
        #expect(plan.names("reuse") == ["a"], "its success is in the layout, though no ledger heard of it")
        #expect(
            plan.tasks.dropFirst().map(\.reason)
                == [
                    "has not finished", "has not finished", "new",
                ])
        let finished = try stage.finish(with: command)
        #expect(finished.status == 0, "\(finished.err)")
        #expect(try stage.ran() == ["a", "b", "b", "c", "c", "d"])
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }
}

import Glibc
import Testing

/// Row 19 of faults.md: stopping a run that runs, by signal. `terminate` is TerminateTests'.
@Suite(.ownThread) struct StopTests {
    @Test(arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)] as [(Int32, Int32)])
    func once(_ signal: Int32, _ status: Int32) throws {
        let stage = try Stage.four()
        let session = stage.session
        let (run, pids) = try stage.start()
        run.signal(signal)
        let ended = try run.ended()
        #expect(ended.status == status)
        #expect(ended.out == "stage: 1 succeeded, 2 terminated, 1 not started (T)\nresults: ~/results/stage\n")
        // A task that has only just begun may not be counted yet.
        let words = /saturn: stopping after signal \d+: [12] running tasks? (is|are) asked to end; once more kills\n/
        #expect(ended.err.contains(words), "\(ended.err)")
        #expect(ended.err.contains("after signal \(signal): "), "\(ended.err)")
        for pid in pids { #expect(kill(pid, 0) == -1 && errno == ESRCH, "process \(pid) is still there") }
        for task in ["b", "c"] {
            #expect(try session.names("results/stage/\(task)") == ["events", "log"])
            #expect(try session.read("results/stage/\(task)/events").contains("  - type: terminated\n"))
        }
        #expect(!session.exists("results/stage/d"))

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
        #expect(rerun.out == "stage: 3 succeeded, 1 up to date (T)\nresults: ~/results/stage\n")
    }

    /// `nohup saturn run` outlives its terminal.
    @Test func hangUpThatIsIgnored() throws {
        let stage = try Stage.four()
        let run = try stage.session.background(shell: "trap '' HUP; exec \"$0\" run")
        try stage.arrived()
        run.signal(SIGHUP)
        stage.release()
        try stage.arrived()
        stage.release()
        #expect(try run.ended().status == 0)
        #expect(try stage.ran() == ["a", "b", "c", "d"])
    }

    /// Commands that only look end at once, and the run that they looked at goes on.
    @Test(arguments: ["logs", "collect"]) func ofACommandThatLooks(_ command: String) throws {
        let stage = try Stage.four()
        let (run, _) = try stage.start()
        try stage.session.write("results/stage/b/log", "written\n")
        let looking =
            try command == "logs" ? stage.session.background("logs", "-f", "b") : stage.session.background("collect")
        if command == "logs" { try looking.waitForOutput("written\n") } else { try looking.waitForErrors("running\n") }
        looking.signal(SIGINT)
        #expect(try looking.ended().status == 130)
        stage.release(2)
        #expect(try run.ended().status == 0)
    }

    /// Tasks that do not listen are killed by the second signal, without the time of grace.
    @Test func twice() throws {
        let stage = try Stage.four(trap: "trap '' INT TERM HUP; ")
        let (run, pids) = try stage.start()
        run.signal(SIGINT)
        try run.waitForErrors("once more kills\n")
        run.signal(SIGINT)
        let ended = try run.ended()
        #expect(ended.status == 130)
        #expect(ended.err.contains("saturn: killing what still runs\n"))
        #expect(ended.out.hasPrefix("stage: 1 succeeded, 2 terminated, 1 not started (T)\n"), "\(ended.out)")
        for pid in pids { #expect(kill(pid, 0) == -1 && errno == ESRCH, "process \(pid) is still there") }
        #expect(!stage.session.exists("results/stage/b/status"))
    }

    /// It may have kept a checkpoint and no more: called a success, that would be its result for ever.
    @Test func aTaskThatEndsWithoutAnError() throws {
        let stage = try Stage.four(trap: "trap 'exit 0' TERM; ")
        let (run, _) = try stage.start()
        run.signal(SIGINT)
        #expect(try run.ended().out.hasPrefix("stage: 1 succeeded, 2 terminated, 1 not started (T)\n"))
        #expect(!stage.session.exists("results/stage/b/status"))
        #expect(try stage.finish(with: "run").status == 0)
        #expect(try stage.ran() == ["a", "b", "b", "c", "c", "d"])
    }

    /// Row 13, its simplest form: saturn itself is killed.
    @Test(arguments: ["run", "collect"]) func killed(finishedBy command: String) throws {
        let stage = try Stage.four()
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

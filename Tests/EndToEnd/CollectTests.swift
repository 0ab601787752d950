import Glibc
import Testing

/// `collect` finishes a run whose saturn was killed, and does nothing where nothing is outstanding.
@Suite(.ownThread) struct CollectTests {
    /// Sixteen tasks that succeed at once, and then four that wait.
    private static func twenty() throws -> Stage {
        let stage = try Stage()
        let quick = (1...16).map { ("quick-\($0)", "true") }
        try stage.write(quick + (1...4).map { ("slow-\($0)", Stage.wait) }, jobs: 4)
        return stage
    }

    @Test(arguments: ["run", "run --detach", "run --json"]) func finishes(_ command: String) throws {
        let stage = try Self.twenty()
        let session = stage.session
        let survivors: [pid_t]
        if command == "run --detach" {
            let run = try session.detach()
            survivors = try stage.arrived(4)
            kill(run.pid, SIGKILL)
            try session.waitUntilFree("stage")
        } else {
            let (run, pids) = try stage.start(command.hasSuffix("--json") ? "--json" : "", waiting: 4)
            survivors = pids
            try stage.kill(run)
        }
        #expect(survivors.allSatisfy(isRunning), "the tasks went with their saturn: there is nothing to show here")
        let status = try session.saturn("status")
        #expect(status.out.contains(", started TIME\n  saturn collect --name stage finishes it\n"), "\(status.out)")
        #expect(try RunJSON(session.saturn("status", "--json")).state == "interrupted")

        let collect = try session.background("collect")
        try stage.arrived(4)
        #expect(!survivors.contains(where: isRunning), "they would write to the same folders")
        stage.release(4)
        let ended = try collect.ended()
        #expect(ended.status == 0)
        #expect(ended.out == "stage: 20 succeeded (T)\nresults: ~/results/stage\n")
        #expect(ended.err.contains(/^stage was interrupted: going on with \d+ unfinished tasks\n/), "\(ended.err)")
        #expect(
            ended.err.contains("warning: ended 4 processes that a killed saturn had left running\n"), "\(ended.err)")
        let quick = (1...16).map { "quick-\($0)" }
        #expect(try stage.ran() == (quick + (1...4).flatMap { ["slow-\($0)", "slow-\($0)"] }).sorted())
        let again = try RunJSON(session.saturn("collect", "--json"))
        #expect(again.counts == ["succeeded": 20])
        #expect(again.state == "succeeded" && again.exitCode == 0)
    }

    /// What was up to date before the run that was killed stays so in the count.
    @Test func countsWhatTheRunFound() throws {
        let stage = try Stage(["a": "true", "b": "true"])
        #expect(try stage.session.saturn("run").status == 0)
        try stage.write([("a", "true"), ("b", "true"), ("c", "true"), ("d", Stage.wait)], jobs: 1)
        try stage.kill(stage.start(waiting: 1).run)
        let collect = try stage.session.background("collect")
        try stage.arrived()
        stage.release()
        #expect(try collect.ended().out.hasPrefix("stage: 2 succeeded, 2 up to date (T)\n"))
        #expect(try stage.ran() == ["a", "b", "c", "d", "d"])
    }

    /// Killed once more, by the one that collects this time.
    @Test func killedTwice() throws {
        let stage = try Stage.four()
        try stage.kill(stage.start().run)
        let collect = try stage.session.background("collect")
        try stage.arrived(2)
        try stage.kill(collect)
        let again = try stage.session.background("collect")
        try stage.arrived(2)
        stage.release(2)
        let ended = try again.ended()
        #expect(ended.status == 0)
        #expect(ended.out.hasPrefix("stage: 4 succeeded (T)\n"), "\(ended.out)")
        #expect(try stage.ran() == ["a", "b", "b", "b", "c", "c", "c", "d"])
    }

    // MARK: Failures

    /// Kills a run, and has `collect` finish what waits on the stage.
    ///
    /// - Parameter line: what the ledger is to have heard of before; `nil` when that does not matter.
    private func collectAfterKill(_ run: RunningProgram, of stage: Stage, recorded line: String?) throws -> Transcript {
        if let line {
            let follower = try stage.session.background("collect")
            try follower.waitForErrors(line + "\n")
            follower.signal(SIGINT)
            try follower.ended()
        }
        try stage.kill(run)
        let collect = try stage.session.background("collect")
        try stage.arrived()
        stage.release()
        return try collect.ended()
    }

    /// - Parameter isRecorded: the ledger has heard of the failure when saturn is killed, as it has after a second or so.
    @Test(arguments: [true, false]) func failuresAreNotTriedAgain(_ isRecorded: Bool) throws {
        let stage = try Stage()
        let session = stage.session
        try stage.write(
            [("bad", "exit 3"), ("slow", Stage.wait)], jobs: 1)
        try session.append("run.yaml", "  - {name: after, command: true, needs: [bad]}\n")
        let (run, _) = try stage.start(waiting: 1)
        let ended = try collectAfterKill(run, of: stage, recorded: isRecorded ? "bad failed: exit code 3" : nil)
        #expect(ended.status == 1)
        #expect(
            ended.out == """
                stage: 1 succeeded, 1 failed, 1 blocked (T)
                failed: bad (exit code 3)
                results: ~/results/stage

                """)
        #expect(try stage.ran() == ["bad", "slow", "slow"])
        let status = try RunJSON(session.saturn("status", "--json"))
        #expect(status.states() == ["bad failed", "slow succeeded", "after blocked"])
        #expect(status.tasks.first?.cause == "exit code 3")
    }

    // MARK: The options of the run

    @Test func keepsJobsOnlyAndTheSecondFile() throws {
        let stage = try Stage()
        let session = stage.session
        try stage.write([("a", "true"), ("b", Stage.wait), ("x", "true")], jobs: 4)
        try session.write(
            "more/tasks.yaml",
            "tasks:\n  - {name: c, command: \"echo c >> $RAN; \(Stage.wait)\"}\n"
                + "  - {name: y, command: echo y >> $RAN}\n")
        session.makeFolder("elsewhere")
        let run = try session.background(
            shell: "cd elsewhere && exec \"$0\" run ../run.yaml ../more/tasks.yaml --name kept -j1 --only '[a-c]'")
        try stage.arrived()
        try stage.kill(run)

        // From a third folder, by the file.
        session.makeFolder("third")
        let collect = try session.background("collect", "../run.yaml", "--name", "kept", in: "third")
        try stage.arrived()
        #expect(try stage.ran() == ["a", "b", "b"], "one at a time")
        stage.release()
        try stage.arrived()
        stage.release()
        let ended = try collect.ended()
        #expect(ended.status == 0, "\(ended.err)")
        #expect(ended.out == "kept: 3 succeeded, 2 left out (T)\nresults: ~/results/kept\n")
        #expect(try stage.ran() == ["a", "b", "b", "c"])
    }

    @Test func keepsOverridesAndTheState() throws {
        let stage = try Stage(["a": "echo $WORD > $RESULTS_DIR/word; \(Stage.wait)"])
        let session = stage.session
        try session.replace("defaults: {code: none}", "defaults: {code: none, env: {WORD: file}}", in: "run.yaml")
        let (run, _) = try stage.start(
            "--set defaults.env.WORD=set --set results.directory=here --state elsewhere", waiting: 1)
        try stage.kill(run)
        let collect = try session.background("collect", "--state", session.path("elsewhere"), in: "/")
        try stage.arrived()
        stage.release()
        let ended = try collect.ended()
        #expect(ended.status == 0, "\(ended.err)")
        #expect(ended.out == "stage: 1 succeeded (T)\nresults: ~/here\n")
        #expect(try session.read("here/a/results/word") == "set\n")
        #expect(!session.exists(".saturn"))
    }

    @Test func keepsTheLimitOfFailures() throws {
        let stage = try Stage(["slow": Stage.wait, "bad": "exit 3", "never": "true"], jobs: 1)
        try stage.kill(stage.start("--fail-fast", waiting: 1).run)
        let collect = try stage.session.background("collect")
        try stage.arrived()
        stage.release()
        let ended = try collect.ended()
        #expect(ended.status == 1)
        #expect(ended.out.hasPrefix("stage: 1 succeeded, 1 failed, 1 not started (T)\n"), "\(ended.out)")
        #expect(try stage.ran() == ["bad", "slow", "slow"])
    }

    /// Forced are those that the run had not finished, and no others.
    @Test(arguments: [true, false]) func keepsForce(_ isRecorded: Bool) throws {
        let stage = try Stage(["quick": "true", "slow": Stage.wait], jobs: 1)
        let first = try stage.start(waiting: 1).run
        stage.release()
        #expect(try first.ended().status == 0)

        let (run, _) = try stage.start("--force", waiting: 1)
        let ended = try collectAfterKill(run, of: stage, recorded: isRecorded ? "quick succeeded" : nil)
        #expect(ended.status == 0)
        #expect(ended.out.hasPrefix("stage: 2 succeeded (T)\n"), "\(ended.out)")
        #expect(try stage.ran() == ["quick", "quick", "slow", "slow", "slow"])
    }

    // MARK: Nothing to do

    @Test(arguments: [0, 1] as [Int32]) func nothingIsOutstanding(_ status: Int32) throws {
        let stage = try Stage(["a": "exit \(status)"])
        #expect(try stage.session.saturn("run").status == status)
        let before = try stage.session.listing()
        for _ in 0..<2 { #expect(try stage.session.saturn("collect").status == status) }
        #expect(try difference(before, stage.session.listing()) == [])
        #expect(try stage.ran() == ["a"])
    }

    /// Whoever stopped a run did not want it to go on.
    @Test(arguments: ["signal", "terminate", "killed, then terminate"]) func afterAStop(_ how: String) throws {
        let stage = try Stage.four()
        let session = stage.session
        let (run, _) = try stage.start()
        switch how {
        case "signal":
            run.signal(SIGINT)
            #expect(try run.ended().status == 130)
        case "terminate": #expect(try session.saturn("terminate").status == 0)
        default:
            try stage.kill(run)
            #expect(try session.saturn("terminate").status == 0)
        }
        let before = try session.listing()
        let collect = try session.saturn("collect")
        #expect(collect.status == (how == "signal" ? 130 : 143))
        // Of a killed run, its ledger may not have heard what had begun.
        if how != "killed, then terminate" {
            #expect(collect.out == "stage: 1 succeeded, 2 terminated, 1 not started\nresults: ~/results/stage\n")
        }
        #expect(collect.err == "")
        #expect(try difference(before, session.listing()) == [])
        #expect(try stage.ran() == ["a", "b", "c"])
    }

    // MARK: Two at once

    @Test func whileAnotherFinishesIt() throws {
        let stage = try Stage.four()
        try stage.kill(stage.start().run)
        let first = try stage.session.background("collect")
        try stage.arrived(2)
        let second = try stage.session.background("collect")
        try second.waitForErrors(" (saturn collect ")
        stage.release(2)
        for collect in [first, second] {
            let ended = try collect.ended()
            #expect(ended.status == 0)
            #expect(ended.out.hasPrefix("stage: 4 succeeded"), "\(ended.out)")
        }
        #expect(try stage.ran() == ["a", "b", "b", "c", "c", "d"])
    }

    @Test func manyBeginAtOnce() throws {
        let stage = try Stage.four()
        try stage.kill(stage.start().run)
        let collecting = try (0..<4).map { _ in try stage.session.background("collect") }
        try stage.arrived(2)
        stage.release(2)
        for collect in collecting {
            let ended = try collect.ended()
            #expect(ended.status == 0, "\(ended.err)")
            #expect(ended.out.hasPrefix("stage: 4 succeeded"), "\(ended.out)")
        }
        #expect(try stage.ran() == ["a", "b", "b", "c", "c", "d"])
    }

    /// Ctrl-C on the one that runs the tasks stops the run, as it does for `run`.
    @Test func stopped() throws {
        let stage = try Stage.four()
        try stage.kill(stage.start().run)
        let collect = try stage.session.background("collect")
        let pids = try stage.arrived(2)
        collect.signal(SIGINT)
        #expect(try collect.ended().status == 130)
        #expect(!pids.contains(where: isRunning))
        #expect(try stage.session.saturn("collect").status == 130)
    }

    // MARK: The run file has changed

    @Test func theRunFileIsGone() throws {
        let stage = try Stage.four()
        let session = stage.session
        try stage.kill(stage.start().run)
        try session.remove("run.yaml")
        let collect = try session.saturn("collect")
        #expect(collect.status == 2)
        #expect(collect.out == "")
        #expect(collect.err.contains("saturn: error: cannot read ~/run.yaml: No such file or directory\n"))
        #expect(try session.saturn("terminate").status == 0, "it ends what runs, without the file")
    }

    @Test func theRunFileIsBroken() throws {
        let stage = try Stage.four()
        let session = stage.session
        try stage.kill(stage.start().run)
        try session.append("run.yaml", "nonsense: 1\n")
        let collect = try session.saturn("collect")
        #expect(collect.status == 2)
        #expect(collect.err.contains("error: unknown key 'nonsense'\n"), "\(collect.err)")
        #expect(try stage.ran() == ["a", "b", "c"])
    }

    /// What is outstanding and still in the file is run as the file has it now; what is new there is not this run's.
    @Test func theRunFileIsAnother() throws {
        let stage = try Stage.four()
        let session = stage.session
        try stage.kill(stage.start().run)
        try stage.write([("a", "true"), ("b", "echo new > $RESULTS_DIR/x"), ("d", "true"), ("e", "true")])
        let collect = try session.saturn("collect")
        #expect(collect.status == 0, "\(collect.err)")
        #expect(collect.out.hasPrefix("stage: 3 succeeded, 1 left out (T)\n"), "\(collect.out)")
        #expect(try session.read("results/stage/b/results/x") == "new\n")
        #expect(try stage.ran() == ["a", "b", "b", "c", "d"])
    }

    /// Nothing that is outstanding is in the file any more: that is no success.
    @Test func nothingOfItIsLeft() throws {
        let stage = try Stage(["slow": Stage.wait])
        let session = stage.session
        try stage.kill(stage.start(waiting: 1).run)
        try stage.write([("other", "true")])
        let collect = try session.saturn("collect")
        #expect(try stage.ran() == ["slow"])
        #expect(collect.status == 0)
        #expect(collect.out.hasPrefix("stage: 1 left out (T)\n"), "\(collect.out)")
    }
}

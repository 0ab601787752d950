import Foundation
import Glibc
import Testing

/// `terminate`: a run in any state, tasks of any kind, and nothing that is left.
@Suite(.ownThread) struct TerminateTests {
    @Test(arguments: ["run", "run --detach"]) func running(_ command: String) throws {
        let stage = try Stage.four()
        let session = stage.session
        let run = command == "run" ? try session.background("run") : nil
        let detached = command == "run" ? nil : try session.detach()
        let pids = try stage.arrived(2)
        let terminate = try session.saturn("terminate")
        #expect(terminate.status == 0)
        #expect(terminate.out == "stage: stopped 2 running tasks (b, c); 1 not started; nothing is left running\n")
        #expect(terminate.err == "")
        #expect(!pids.contains(where: isRunning))
        #expect(try run?.ended().status ?? 143 == 143)
        if let detached { try waitForEnd(of: detached.pid) }
        let again = try session.saturn("terminate", "--name", "stage")
        #expect(again.status == 0)
        #expect(again.out == "stage: nothing is running\n")
        let status = try RunJSON(session.saturn("status", "--json"))
        #expect(status.state == "stopped" && status.exitCode == 143)
        #expect(status.states() == ["a succeeded", "b terminated", "c terminated", "d skipped"])
    }

    @Test func ofAnInterruptedRun() throws {
        let stage = try Stage.four()
        let session = stage.session
        let (run, pids) = try stage.start()
        try stage.kill(run)
        #expect(pids.allSatisfy(isRunning), "the tasks went with their saturn: there is nothing to show here")
        let terminate = try session.saturn("terminate", in: "/", env: ["SATURN_STATE": session.path(".saturn")])
        #expect(terminate.status == 0)
        #expect(terminate.out == "stage: ended 2 processes that a killed saturn had left running\n")
        #expect(!pids.contains(where: isRunning))
        #expect(try session.saturn("terminate").out == "stage: nothing is running\n")
        #expect(try RunJSON(session.saturn("status", "--json")).state == "stopped")
        let drain = try session.saturn("terminate", "--drain")
        #expect(drain.status == 0)
        #expect(drain.out == "stage: nothing is running\n")
        // What was finished is still finished, and the next run does the rest.
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.names("reuse") == ["a"])
        #expect(plan.names("run") == ["b", "c", "d"])
    }

    /// The lock says who is at work, when the ledger cannot.
    @Test(arguments: ["rm .saturn/ledger.sqlite", "echo garbage > .saturn/ledger.sqlite"])
    func withoutALedger(_ damage: String) throws {
        let stage = try Stage.four()
        let session = stage.session
        let detached = try session.detach()
        let pids = try stage.arrived(2)
        try session.shell(damage)
        #expect(try session.saturn("terminate", "--name", "other").status != 0)
        let terminate = try session.saturn("terminate", "--name", "stage")
        #expect(terminate.status == 0, "\(terminate.err)")
        #expect(terminate.out == "stage: stopped\n")
        #expect(!pids.contains(where: isRunning))
        try waitForEnd(of: detached.pid)
    }

    /// Whatever runs in a results folder that nobody is at work in was left there, whichever tasks are asked for.
    @Test func onlyOneOfThemIsRunAgain() throws {
        let stage = try Stage.four()
        let (run, pids) = try stage.start()
        try stage.kill(run)
        #expect(pids.allSatisfy(isRunning))
        #expect(try stage.session.saturn("run", "--only", "d").status == 0)
        #expect(!pids.contains(where: isRunning))
    }

    // MARK: Tasks that are hard to stop

    /// They have 5 s to end, and then are killed.
    @Test func tasksThatDoNotListen() throws {
        let stage = try Stage([
            "deaf": "trap '' TERM INT HUP; echo $$ > $HERE; while :; do read line < $GO || exit; done"
        ])
        let (run, pids) = try stage.start(waiting: 1)
        let terminate = try stage.session.saturn("terminate")
        #expect(terminate.status == 0)
        #expect(terminate.out == "stage: stopped 1 running task (deaf); nothing is left running\n")
        #expect(!pids.contains(where: isRunning))
        #expect(try run.ended().status == 143)
    }

    private static let runaways: KeyValuePairs<String, String> = [
        // In a session and a group of its own.
        "session": "setsid sh -c 'echo $$ > $HERE; exec sleep 1000' & wait",
        // A daemon: its parent is gone, it has a session of its own and no open file of the task.
        "daemon": """
        setsid sh -c 'sh -c "echo \\$\\$ > $HERE; exec sleep 1000" &' < /dev/null > /dev/null 2>&1; \(Stage.wait)
        """,
        "child": "sh -c 'echo $$ > $HERE; exec sleep 1000' & wait",
    ]

    @Test(arguments: [false, true]) func tasksThatRunAway(afterAKill: Bool) throws {
        let stage = try Stage(Self.runaways, jobs: 3)
        let (run, pids) = try stage.start(waiting: 4)
        if afterAKill { try stage.kill(run) }
        let terminate = try stage.session.saturn("terminate")
        #expect(terminate.status == 0)
        let left = pids.filter(isRunning)
        #expect(left == [])
        if afterAKill {
            #expect(terminate.out.contains(/^stage: ended \d processes that a killed saturn had left running\n$/))
        } else {
            #expect(
                terminate.out.contains(
                    /^stage: stopped 3 running tasks \(session, daemon, child\); (.*; )?nothing is left running\n$/
                ), "\(terminate.out)")
            #expect(try run.ended().status == 143)
        }
    }

    /// Of a saturn in a task, everything goes too.
    @Test func aRunInATask() throws {
        let stage = try Stage()
        let session = stage.session
        try stage.write([("inner", Stage.wait)], file: "inner/run.yaml")
        try stage.write([("outer", "'\(try Session.binary())' run --detach -C \(session.path("inner")); sleep 1000")])
        let (run, pids) = try stage.start(waiting: 1)
        let inner = try #require(pid_t(session.shell("sed -n '2s/ .*//p' inner/.saturn/locks/stage").out.dropLast()))
        defer { kill(inner, SIGKILL) }
        #expect(try session.saturn("terminate").status == 0)
        #expect(!isRunning(inner))
        #expect(!pids.contains(where: isRunning))
        #expect(try run.ended().status == 143)
    }

    // MARK: A saturn that does not hear

    @Test(arguments: ["", "--drain"]) func stopped(_ option: String) throws {
        let stage = try Stage(["a": Stage.wait, "b": "true"], jobs: 1)
        let (run, _) = try stage.start(waiting: 1)
        run.signal(SIGSTOP)
        let terminate = try stage.session.background(shell: "exec \"$0\" terminate \(option)")
        if !option.isEmpty {
            try run.waitForErrors("saturn: draining: ")
            stage.release()
        }
        #expect(try terminate.ended().status == 0)
        #expect(try run.ended().status == 143)
        #expect(try stage.ran() == ["a"])
    }

    // MARK: Draining

    @Test func drain() throws {
        let stage = try Stage.four()
        let session = stage.session
        let (run, _) = try stage.start()
        let drains = try (0..<2).map { _ in try session.background("terminate", "--drain") }
        for drain in drains { try drain.waitForErrors("stage: waiting for what runs\n") }
        try run.waitForErrors("saturn: draining: ")
        stage.release(2)
        for drain in drains {
            let ended = try drain.ended()
            #expect(ended.status == 0)
            #expect(ended.out == "stage: drained; 1 not started; nothing is left running\n")
        }
        let ended = try run.ended()
        #expect(ended.status == 143)
        #expect(ended.out.hasPrefix("stage: 3 succeeded, 1 not started (T)\n"), "\(ended.out)")
        #expect(ended.err.components("saturn: draining: ") == 1, "\(ended.err)")
        #expect(try stage.ran() == ["a", "b", "c"])
        #expect(try session.saturn("collect").status == 143, "what was drained does not go on")
        #expect(try session.saturn("terminate", "--drain").out == "stage: nothing is running\n")
    }

    /// With nothing left to start, a drained run is like any other.
    @Test func drainAtTheEnd() throws {
        let stage = try Stage(["a": "true", "b": Stage.wait])
        let run = try stage.session.detach()
        try stage.arrived()
        let drain = try stage.session.background("terminate", "--drain")
        try drain.waitForErrors("waiting for what runs\n")
        stage.release()
        let ended = try drain.ended()
        #expect(ended.status == 0)
        #expect(ended.out == "stage: drained; nothing is left running\n")
        #expect(try stage.session.saturn("collect").status == 0)
        try waitForEnd(of: run.pid)
    }

    @Test(arguments: ["terminate", "signal"]) func stoppedWhileItDrains(_ how: String) throws {
        let stage = try Stage.four()
        let session = stage.session
        let (run, pids) = try stage.start()
        let drain = try session.background("terminate", "--drain")
        try run.waitForErrors("saturn: draining: ")
        if how == "signal" { run.signal(SIGINT) } else { #expect(try session.saturn("terminate").status == 0) }
        #expect(try drain.ended().status == 0)
        #expect(!pids.contains(where: isRunning))
        #expect(try run.ended().status == (how == "signal" ? 130 : 143))
        #expect(try stage.ran() == ["a", "b", "c"])
    }

    /// Whoever no longer wants to wait for a drain leaves the run draining.
    @Test func nobodyWaitsForTheDrain() throws {
        let stage = try Stage.four()
        let (run, _) = try stage.start()
        let drain = try stage.session.background("terminate", "--drain")
        try run.waitForErrors("saturn: draining: ")
        drain.signal(SIGINT)
        #expect(try drain.ended().status == 130)
        stage.release(2)
        #expect(try run.ended().status == 143)
        #expect(try stage.ran() == ["a", "b", "c"])
    }

    // MARK: Which run

    @Test func nothingEverRan() throws {
        let stage = try Stage(["a": "true"])
        let session = stage.session
        let before = try session.listing()
        let nowhere = try session.saturn("terminate")
        #expect(nowhere.status == 2)
        #expect(
            nowhere.err == """
                saturn: error: there is no saturn project here or in a folder above
                  hint: go to the run file's folder, or use -C or --state

                """)
        let byFile = try session.saturn("terminate", "run.yaml")
        #expect(byFile.status == 2)
        #expect(byFile.err == "saturn: error: there is no run yet\n  hint: saturn run FILE\n")
        #expect(try difference(before, session.listing()) == [])
    }

    @Test func twoOfOneFile() throws {
        let stage = try Stage(["a": Stage.wait])
        let session = stage.session
        let runs = try ["two", "one"].map { try stage.start("--name \($0)", waiting: 1) }
        let both = try session.saturn("terminate", "--name", "stage")
        #expect(both.status == 2)
        #expect(
            both.err == """
                saturn: error: 2 runs of 'stage' are going on: one, two
                  hint: name one of them

                """)
        #expect(runs.flatMap(\.pids).allSatisfy(isRunning))
        let one = try session.saturn("terminate", "--name", "one")
        #expect(one.out == "one: stopped 1 running task (a); nothing is left running\n")
        #expect(try runs[1].run.ended().status == 143)
        #expect(runs[0].pids.allSatisfy(isRunning))
        // Now the name of the file is enough, though the other is the newer one.
        let two = try session.saturn("terminate", "--name", "stage")
        #expect(two.out == "two: stopped 1 running task (a); nothing is left running\n")
        #expect(try runs[0].run.ended().status == 143)
    }
}

extension String {
    /// How often it has `part`.
    fileprivate func components(_ part: String) -> Int { components(separatedBy: part).count - 1 }
}

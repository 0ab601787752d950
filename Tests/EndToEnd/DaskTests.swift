import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// Runs on a real scheduler with two workers, each a process of its own.
@Suite(.enabled(if: DaskStage.isInstalled, DaskStage.reason), .timeLimit(.minutes(25)))
struct DaskTests {
    @Test func aRunAndItsRerun() throws {
        let stage = try DaskStage(
            tasks: """
                [{name: a, command: "echo out; echo err >&2; echo 1 > $RESULTS_DIR/v"}, {name: b, command: exit 3},
                 {name: c, command: "cat $SATURN_NEEDS_A/v; cut -f1 $SATURN_NEEDS; pwd; echo $SATURN_TASK", needs: [a]},
                 {name: d, command: "true", needs: [b]}, {name: e, command: no-such-program}]
                """)
        let run = try stage.session.saturn("run")
        #expect(run.status == 1)
        #expect(
            run.out == """
                stage: 2 succeeded, 2 failed, 1 blocked (T)
                failed: b (exit code 3)
                failed: e (cannot execute 'no-such-program': command not found)
                results: ~/results

                """)
        let names = try stage.session.names("results/a").sorted()
        #expect(names == ["events", "log", "results", "status"])
        #expect(try stage.session.read("results/a/log") == "out\nerr\n")
        #expect(try stage.session.read("results/a/results/v") == "1\n")
        #expect(try stage.session.read("results/c/log") == "1\na\n\(stage.session.folder)\nc\n")
        #expect(try stage.session.read("results/b/error") == "3")
        #expect(try stage.plugins() == "", "nothing is left on the cluster")
        let again = try stage.session.saturn("run", "--only", "a", "--only", "c")
        #expect(again.status == 0 && again.out.hasPrefix("stage: 2 up to date"), "\(again.out)\(again.err)")
    }

    /// One line per execution; nothing runs on beside the second.
    @Test(arguments: [0, 1]) func aWorkerDiesInTheMiddle(_ retries: Int) throws {
        let stage = try DaskStage(
            tasks: "[{name: a, command: \"echo a >> $RAN; sleep 1000 & \(DaskStage.wait)\", retries: \(retries)}]")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        let children = try stage.session.read("/proc/\(pid)/task/\(pid)/children").split(separator: " ")
        #expect(children.count == 1, "\(children)")
        stage.cluster.kill(worker: try stage.worker(of: pid))
        for process in [pid] + children.compactMap({ pid_t($0) }) { try waitForEnd(of: process) }
        if retries == 1 {
            try stage.arrived()
            stage.release()
        }
        let end = try run.ended()
        #expect(end.status == (retries == 1 ? 0 : 1), "\(end.err)")
        #expect(try stage.ran() == Array(repeating: "a", count: 1 + retries))
        guard retries == 0 else { return }
        #expect(end.out.contains("failed: a (lost: worker tcp://"), "\(end.out)")
        #expect(try stage.session.read("results/a/error") == "125")
        #expect(try stage.session.read("results/a/events").contains("type: lost"))
    }

    /// The process beside the worker that starts the commands: there is another one after it.
    @Test func aSpawnerDies() throws {
        let stage = try DaskStage(
            tasks: "[{name: a, command: \"echo a >> $RAN; \(DaskStage.wait)\", retries: 1}]", workers: 1)
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        let spawners = try stage.session.shell("ps -o ppid= -p \(pid)").out.split(separator: "\n")
        let spawner = try #require(spawners.first.flatMap { pid_t($0.trimmingCharacters(in: .whitespaces)) })
        kill(spawner, SIGKILL)
        try waitForEnd(of: pid)
        try stage.arrived()
        stage.release()
        let end = try run.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(try stage.ran() == ["a", "a"])
        #expect(stage.cluster.workers.allSatisfy { isRunning($0.pid) })
    }

    @Test func aWorkerDiesAfterItsTasksHaveEnded() throws {
        let stage = try DaskStage(tasks: "[]")
        try stage.write(
            """
            [{name: "t{i}", command: "echo t{i} >> $RAN; echo {i} > $RESULTS_DIR/v", sweep: {grid: {i: {range: [1, 10]}}}},
             {name: last, command: "echo last >> $RAN; \(DaskStage.wait)", needs: ["t*"]}]
            """)
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        // The other one: `last` goes on.
        stage.cluster.kill(worker: 1 - (try stage.worker(of: pid)))
        stage.release()
        #expect(try run.ended().status == 0)
        #expect(try stage.ran() == ((1...10).map { "t\($0)" } + ["last"]).sorted())
        let again = try stage.session.saturn("run")
        #expect(again.out.hasPrefix("stage: 11 up to date"), "\(again.out)")
    }

    @Test func theSchedulerDies() throws {
        let stage = try DaskStage(
            tasks: """
                [{name: a, command: "echo a >> $RAN"}, {name: b, command: "echo b >> $RAN; \(DaskStage.wait)", needs: [a]},
                 {name: c, command: "echo c >> $RAN", needs: [b]}]
                """, more: "connect_timeout: 2")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        stage.cluster.killScheduler()
        let end = try run.ended()
        #expect(end.status == 3, "\(end.out)\(end.err)")
        #expect(end.err.contains("error: the scheduler at \(stage.cluster.address) is gone"), "\(end.err)")
        // Its workers go when there is no scheduler, and with them what they run.
        try waitForEnd(of: pid)
        try stage.cluster.startScheduler()
        for _ in 0..<2 { try stage.cluster.addWorker() }
        let again = try stage.session.background("run")
        try stage.arrived()
        stage.release()
        let ended = try again.ended()
        #expect(ended.status == 0, "\(ended.err)")
        #expect(try stage.ran() == ["a", "b", "b", "c"])
    }

    @Test func saturnIsKilled() throws {
        let stage = try DaskStage(tasks: "[]")
        try stage.write(
            """
            [{name: "t{i}", command: "echo t{i} >> $RAN; echo begin; \(DaskStage.wait); echo {i} > $RESULTS_DIR/v; echo end",
              sweep: {grid: {i: {range: [1, 6]}}}},
             {name: last, command: "echo last >> $RAN; cat $SATURN_NEEDS_T6/v", needs: ["t*"]}]
            """)
        let run = try stage.session.background("run")
        let pids = try stage.arrived(4)
        run.signal(SIGKILL)
        #expect(try run.ended().status == 137)
        // Two end while nobody looks, and the two that waited for their places begin.
        stage.release(2)
        try stage.arrived(2)
        #expect(pids.count { isRunning($0) } == 2)
        #expect(try stage.session.saturn("list").out.contains("interrupted"))
        let collect = try stage.session.background("collect")
        try collect.waitForErrors("succeeded")
        stage.release(4)
        let end = try collect.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(end.out.hasPrefix("stage: 7 succeeded"), "\(end.out)")
        #expect(try stage.ran() == ["last", "t1", "t2", "t3", "t4", "t5", "t6"])
        for task in 1...6 { #expect(try stage.session.read("results/t\(task)/log") == "begin\nend\n") }
        #expect(try stage.session.read("results/last/log") == "6\n")
        #expect(try stage.plugins() == "")
        #expect(try stage.session.saturn("collect").status == 0)
    }

    @Test func controlC() throws {
        let stage = try DaskStage(
            tasks: """
                [{name: a, command: "echo a >> $RAN; \(DaskStage.wait)"}, {name: b, command: "echo b >> $RAN", needs: [a]}]
                """)
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        run.signal(SIGINT)
        let end = try run.ended()
        #expect(end.status == 130, "\(end.out)\(end.err)")
        #expect(end.out.hasPrefix("stage: goes on in the background (process "), "\(end.out)\(end.err)")
        #expect(end.out.contains("saturn collect --name stage"))
        #expect(isRunning(pid))
        stage.release()
        let collect = try stage.session.saturn("collect", "--name", "stage")
        #expect(collect.status == 0 && collect.out.hasPrefix("stage: 2 succeeded"), "\(collect.out)\(collect.err)")
        #expect(try stage.ran() == ["a", "b"])
        #expect(try stage.plugins() == "")
    }

    /// Whatever was just about to begin on a worker holds no place there any more.
    @Test(arguments: [0, 200, 500]) func terminateRightAfterControlC(_ pause: Int32) throws {
        let stage = try DaskStage()
        try stage.write("[{name: t, command: \"echo $$ > $HERE; sleep 1000\", sweep: {repeats: 12}}]")
        let run = try stage.session.background("run")
        try stage.arrived(4)
        run.signal(SIGINT)
        try run.ended()
        // The supervisor has the run at any of its first steps.
        poll(nil, 0, pause)
        let terminate = try stage.session.saturn("terminate")
        #expect(terminate.status == 0, "\(terminate.out)\(terminate.err)")
        #expect(try stage.plugins() == "")
    }

    @Test func detached() throws {
        let stage = try DaskStage(
            tasks: """
                [{name: a, command: "echo a >> $RAN; \(DaskStage.wait)"}, {name: b, command: "echo b >> $RAN", needs: [a]}]
                """)
        let detached = try stage.session.detach()
        try stage.arrived()
        stage.release()
        let collect = try stage.session.saturn("collect")
        #expect(collect.status == 0 && collect.out.hasPrefix("stage: 2 succeeded"), "\(collect.out)\(collect.err)")
        #expect(try stage.ran() == ["a", "b"])
        try waitForEnd(of: detached.pid)
    }

    /// Of a run that goes on, and of one whose saturn was killed.
    @Test(arguments: [false, true]) func terminate(_ isKilled: Bool) throws {
        let stage = try DaskStage(
            tasks: """
                [{name: t, command: "echo t >> $RAN; trap '' TERM; sleep 1000 & \(DaskStage.wait)", sweep: {repeats: 6}}]
                """)
        let run = try stage.session.background("run")
        let pids = try stage.arrived(4)
        let children = try pids.flatMap {
            try stage.session.read("/proc/\($0)/task/\($0)/children").split(separator: " ").compactMap { pid_t($0) }
        }
        #expect(children.count == 4)
        if isKilled {
            run.signal(SIGKILL)
            try run.ended()
        }
        let terminate = try stage.session.saturn("terminate", "--name", "stage")
        #expect(terminate.status == 0, "\(terminate.out)\(terminate.err)")
        for pid in pids + children { #expect(!isRunning(pid)) }
        #expect(try stage.plugins() == "")
        #expect(try stage.ran().count == 4, "what waited was not begun to be ended")
        #expect(try stage.session.saturn("status").out.contains("stopped"))
        #expect(try run.ended().status == (isKilled ? 137 : 143))
        #expect(stage.cluster.workers.allSatisfy { isRunning($0.pid) })
        let shutDown = try stage.session.saturn("terminate", "--name", "stage", "--cluster")
        #expect(shutDown.status == 0, "\(shutDown.out)\(shutDown.err)")
        for worker in stage.cluster.workers { try waitForEnd(of: worker.pid) }
    }

    // MARK: What was edited while no saturn was there

    /// A run whose saturn was killed while its one task waits, in a repository.
    private func interrupted() throws -> (stage: DaskStage, pid: pid_t) {
        let stage = try DaskStage()
        try stage.session.write("value.txt", "one\n")
        try stage.write("[{name: a, code: commit, command: \"echo a >> $RAN; cat value.txt; \(DaskStage.wait)\"}]")
        try stage.session.write(".gitignore", "results\n")
        try stage.session.makeRepository()
        // Files count as changed until they are older than the kernel's clock may be behind.
        usleep(100_000)
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        run.signal(SIGKILL)
        try run.ended()
        return (stage, pid)
    }

    @Test func aRunAfterAnEditBeginsAnew() throws {
        let (stage, pid) = try interrupted()
        try stage.session.write("value.txt", "two\n")
        let run = try stage.session.background("run")
        let second = try stage.arrived()[0]
        #expect(!isRunning(pid), "the earlier one has ended before")
        #expect(second != pid)
        stage.release()
        #expect(try run.ended().status == 0)
        #expect(try stage.ran() == ["a", "a"])
        #expect(try stage.session.read("results/a/log") == "two\n")
        #expect(try stage.session.saturn("run").out.hasPrefix("stage: 1 up to date"))
        #expect(try stage.plugins() == "")
    }

    /// What it saw cannot be told: the result is kept, and not taken for one of either.
    @Test(arguments: ["two\n", "one\n"]) func aCollectAfterAnEditBringsWhatThereIs(_ value: String) throws {
        let (stage, pid) = try interrupted()
        try stage.session.write("value.txt", "two\n")
        try stage.session.write("value.txt", value)
        let collect = try stage.session.background("collect")
        try collect.waitForErrors("was interrupted")
        #expect(isRunning(pid))
        stage.release()
        let end = try collect.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(try stage.session.read("results/a/log") == "one\n")
        #expect(try stage.ran() == ["a"])
        #expect(try stage.session.read("results/a/events").contains("type: changed"))
        #expect(try stage.session.saturn("plan").out.contains("run      1"))
        try stage.session.write("value.txt", "one\n")
        #expect(try stage.session.saturn("plan").out.contains("run      1"))
    }

    /// The file alone: the result is one of the command that was.
    @Test func aCollectAfterAnEditOfTheCommand() throws {
        let (stage, _) = try interrupted()
        try stage.session.replace("cat value.txt; ", "", in: "run.yaml")
        let collect = try stage.session.background("collect")
        try collect.waitForErrors("was interrupted")
        stage.release()
        let end = try collect.ended()
        #expect(end.status == 0)
        let plan = try stage.session.saturn("plan").out
        // What changed, only a ledger could tell that had heard of the first one in time.
        #expect(plan.contains("run      1"), "\(plan)\(end.err)")
        try stage.session.replace("echo a >> $RAN; ", "echo a >> $RAN; cat value.txt; ", in: "run.yaml")
        #expect(try stage.session.saturn("run").out.hasPrefix("stage: 1 up to date"))
        #expect(try stage.ran() == ["a"])
    }

    /// What was there of its log and its results is not there twice, nor with what comes.
    @Test(arguments: ["false", "true"]) func anAttemptThatNobodyKnowsBeginsAnew(_ isShared: String) throws {
        let stage = try DaskStage(more: "connect_timeout: 2")
        let command = "echo a >> $RAN; echo begin $$; echo $$ > $RESULTS_DIR/$$; \(DaskStage.wait); echo end"
        try stage.write("[{name: a, command: \"\(command)\"}]", more: "shared: \(isShared)")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        let log = stage.session.path("results/a/log")
        while (try? stage.session.read(log)) != "begin \(pid)\n" { poll(nil, 0, 10) }
        run.signal(SIGKILL)
        try run.ended()
        stage.cluster.killScheduler()
        try waitForEnd(of: pid)
        try stage.cluster.startScheduler()
        try stage.cluster.addWorker()
        let collect = try stage.session.background("collect")
        let second = try stage.arrived()[0]
        stage.release()
        let end = try collect.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(try stage.session.read(log) == "begin \(second)\nend\n")
        #expect(try stage.session.names("results/a/results") == ["\(second)"])
        #expect(try stage.ran() == ["a", "a"])
    }

    /// The workspace is on this machine, though the results are not.
    @Test func saturnIsKilledAndResultsAreInABucket() throws {
        let stage = try DaskStage()
        let server = try S3Server(.rclone, in: stage.session.space)
        defer { server.stop() }
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", S3Server.accessKey), ("AWS_SECRET_ACCESS_KEY", S3Server.secretKey),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ] { stage.session.environment[name] = value }
        try stage.write(
            "[{name: a, command: \"echo a >> $RAN; echo begin; \(DaskStage.wait); echo end | tee $RESULTS_DIR/v\"}]")
        try stage.session.replace(
            "{class_spec: DaskBackend, directory: results}",
            "{class_spec: S3, s3_url: \"s3://bucket/x\", region: us-east-1, endpoint_url: \"\(server.url)\"}",
            in: "run.yaml")
        let run = try stage.session.background("run")
        try stage.arrived()
        run.signal(SIGKILL)
        try run.ended()
        let collect = try stage.session.background("collect")
        try collect.waitForErrors("was interrupted")
        stage.release()
        let end = try collect.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(try stage.ran() == ["a"])
        let fetched = try stage.session.saturn("collect", "--to", "here")
        #expect(fetched.status == 0, "\(fetched.err)")
        #expect(try stage.session.read("here/a/log") == "begin\nend\n")
        #expect(try stage.session.read("here/a/results/v") == "end\n")
    }

    /// It counts from when the task began, not from when somebody asked again.
    @Test func aTimeoutGoesOnWithoutSaturn() throws {
        let stage = try DaskStage()
        try stage.write("[{name: a, timeout: 3, command: \"echo a >> $RAN; date +%s.%N; \(DaskStage.wait)\"}]")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        run.signal(SIGKILL)
        try run.ended()
        let began =
            Double(try stage.session.shell("stat -c %Y.0 \(stage.session.space.path("ran"))").out.dropLast()) ?? 0
        // No event to wait for: it is the time that is to pass.
        poll(nil, 0, 2000)
        let collect = try stage.session.saturn("collect")
        let took = Date().timeIntervalSince1970 - began
        #expect(collect.status == 1 && collect.out.contains("timed out after 3 s"), "\(collect.out)\(collect.err)")
        #expect(!isRunning(pid))
        #expect(took < 3 + 2 + 2, "\(took) s")
    }
}

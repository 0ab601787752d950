import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// What holds for a run on any engine.
@Suite(
    .ownThread, .enabled(if: TestEngine.missing.isEmpty, Comment(rawValue: TestEngine.missing.joined(separator: "; "))),
    .timeLimit(.minutes(25)))
struct EngineTests {
    @Test(arguments: TestEngine.allCases) func aRunAndItsRerun(_ engine: TestEngine) throws {
        let stage = try engine.stage(
            """
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
        #expect(try stage.left().isEmpty, "nothing is left on the cluster")
        let again = try stage.session.saturn("run", "--only", "a", "--only", "c")
        #expect(again.status == 0 && again.out.hasPrefix("stage: 2 up to date"), "\(again.out)\(again.err)")
    }

    /// A log can be read while its task runs.
    @Test(arguments: TestEngine.allCases) func logsAreLive(_ engine: TestEngine) throws {
        let stage = try engine.stage("[{name: a, command: \"echo first; \(EngineStage.wait); echo second\"}]")
        let run = try stage.session.background("run")
        try stage.arrived()
        while (try? stage.session.read("results/a/log")) != "first\n" { poll(nil, 0, 10) }
        stage.release()
        #expect(try run.ended().status == 0)
        #expect(try stage.session.read("results/a/log") == "first\nsecond\n")
    }

    @Test(arguments: TestEngine.allCases) func saturnIsKilled(_ engine: TestEngine) throws {
        let stage = try engine.stage()
        try stage.write(
            """
            [{name: "t{i}", command: "echo t{i} >> $RAN; echo begin; \(EngineStage.wait); echo {i} > $RESULTS_DIR/v; echo end",
              sweep: {grid: {i: {range: [1, 6]}}}},
             {name: last, command: "echo last >> $RAN; cat $SATURN_NEEDS_T6/v", needs: ["t*"]}]
            """, more: engine.fourAtOnce)
        let run = try stage.session.background("run")
        let pids = try stage.arrived(2)
        run.signal(SIGKILL)
        #expect(try run.ended().status == 137)
        // One ends while nobody looks, and another one begins in its place.
        stage.release()
        try stage.arrived()
        #expect(pids.contains { isRunning($0) })
        #expect(try stage.session.saturn("list").out.contains("interrupted"))
        let collect = try stage.session.background("collect")
        try collect.waitForErrors("succeeded")
        stage.release(5)
        let end = try collect.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(end.out.hasPrefix("stage: 7 succeeded"), "\(end.out)")
        #expect(try stage.ran() == ["last", "t1", "t2", "t3", "t4", "t5", "t6"])
        for task in 1...6 { #expect(try stage.session.read("results/t\(task)/log") == "begin\nend\n") }
        #expect(try stage.session.read("results/last/log") == "6\n")
        #expect(try stage.left().isEmpty)
    }

    /// One line per execution; nothing runs on beside the second.
    @Test(arguments: TestEngine.withWorkers, [0, 1])
    func aWorkerDiesInTheMiddle(_ engine: TestEngine, _ retries: Int) throws {
        let command = "echo a >> $RAN; setsid sleep 1000 & sleep 1000 & \(EngineStage.wait)"
        let stage = try engine.stage("[{name: a, command: \"\(command)\", retries: \(retries)}]")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        let children = try stage.children(of: [pid])
        #expect(children.count == 2, "\(children)")
        try stage.killWorker(of: pid)
        for process in [pid] + children { try waitForEnd(of: process) }
        if retries == 1 {
            try stage.arrived()
            stage.release()
        }
        let end = try run.ended()
        #expect(end.status == (retries == 1 ? 0 : 1), "\(end.err)")
        #expect(try stage.ran() == Array(repeating: "a", count: 1 + retries))
        #expect(try stage.left().isEmpty)
        guard retries == 0 else { return }
        #expect(end.out.contains("failed: a (\(engine.lostWorker)"), "\(end.out)")
        #expect(try stage.session.read("results/a/error") == "125")
        #expect(try stage.session.read("results/a/events").contains("type: lost"))
    }

    /// What ran dies with it and is run again, what has ended is not; what waited goes on.
    @Test(arguments: [TestEngine.ray, .r]) func whoeverKnowsOfTheAttemptsDies(_ engine: TestEngine) throws {
        let stage = try engine.stage(
            """
            [{name: a, command: "echo a >> $RAN; echo 1 > $RESULTS_DIR/v"},
             {name: "b{i}", command: "echo b{i} >> $RAN; \(EngineStage.wait)", needs: [a], retries: 1,
              sweep: {grid: {i: [1, 2]}}},
             {name: c, command: "echo c >> $RAN; cat $SATURN_NEEDS_A/v", needs: [a, "b*"]}]
            """)
        let run = try stage.session.background("run")
        let pids = try stage.arrived(2)
        try stage.killHolder()
        for pid in pids { try waitForEnd(of: pid) }
        try stage.arrived(2)
        stage.release(2)
        let end = try run.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(end.err.contains(" died, and another one goes on"), "\(end.err)")
        #expect(try stage.ran() == ["a", "b1", "b1", "b2", "b2", "c"])
        #expect(try stage.session.read("results/c/log") == "1\n")
        #expect(try stage.left().isEmpty)
    }

    @Test(arguments: TestEngine.allCases) func controlC(_ engine: TestEngine) throws {
        let stage = try engine.stage(
            """
            [{name: a, command: "echo a >> $RAN; \(EngineStage.wait)"}, {name: b, command: "echo b >> $RAN", needs: [a]}]
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
        #expect(try stage.left().isEmpty)
    }

    @Test(arguments: TestEngine.allCases) func detached(_ engine: TestEngine) throws {
        let stage = try engine.stage(
            """
            [{name: a, command: "echo a >> $RAN; \(EngineStage.wait)"}, {name: b, command: "echo b >> $RAN", needs: [a]}]
            """)
        let detached = try stage.session.detach()
        try stage.arrived()
        stage.release()
        let collect = try stage.session.saturn("collect")
        #expect(collect.status == 0 && collect.out.hasPrefix("stage: 2 succeeded"), "\(collect.out)\(collect.err)")
        #expect(try stage.ran() == ["a", "b"])
        try waitForEnd(of: detached.pid)
    }

    /// It counts from when the task began, not from when somebody asked again.
    @Test(arguments: TestEngine.allCases) func aTimeoutGoesOnWithoutSaturn(_ engine: TestEngine) throws {
        let stage = try engine.stage()
        try stage.write("[{name: a, timeout: 6, command: \"echo a >> $RAN; \(EngineStage.wait)\"}]")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        let began = Date()
        run.signal(SIGKILL)
        try run.ended()
        // No event to wait for: it is the time that is to pass.
        poll(nil, 0, 6000)
        let collect = try stage.session.saturn("collect")
        let took = Date().timeIntervalSince(began)
        #expect(collect.status == 1 && collect.out.contains("timed out after 6 s"), "\(collect.out)\(collect.err)")
        #expect(!isRunning(pid))
        // Once more from its beginning it would be twelve at least.
        #expect(took < 12, "\(took) s")
    }

    /// The workspace is on this machine, though the results are not.
    @Test(arguments: TestEngine.allCases) func saturnIsKilledAndResultsAreInABucket(_ engine: TestEngine) throws {
        let stage = try engine.stage()
        let server = try S3Server(.rclone, in: stage.session.space)
        defer { server.stop() }
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", S3Server.accessKey), ("AWS_SECRET_ACCESS_KEY", S3Server.secretKey),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ] { stage.session.environment[name] = value }
        try stage.write(
            "[{name: a, command: \"echo a >> $RAN; echo begin; \(EngineStage.wait); echo end | tee $RESULTS_DIR/v\"}]")
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
}

import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// Runs on a real scheduler with two workers, each a process of its own.
@Suite(.ownThread, .enabled(if: DaskStage.isInstalled, DaskStage.reason), .timeLimit(.minutes(25)))
struct DaskTests {
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
        #expect(try stage.left() == "")
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
        try stage.expectTerminate(run, isKilled, ends: pids + children, begun: 4)
        #expect(stage.cluster.workers.allSatisfy { isRunning($0.pid) })
        let shutDown = try stage.session.saturn("terminate", "--name", "stage", "--cluster")
        #expect(shutDown.status == 0, "\(shutDown.out)\(shutDown.err)")
        for worker in stage.cluster.workers { try waitForEnd(of: worker.pid) }
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
}

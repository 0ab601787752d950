import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// What a saturn that was killed has left on a cluster, and what its user does next.
@Suite(.ownThread, .enabled(if: DaskStage.isInstalled, DaskStage.reason), .timeLimit(.minutes(25)))
struct DaskLeftoverTests {
    private static let task = "[{name: a, command: \"echo a >> $RAN; \(DaskStage.wait); echo 1 > $RESULTS_DIR/v\"}]"

    /// A run whose task waits on a worker; the task's process number.
    private static func killed(_ stage: DaskStage, in folder: String? = nil) throws -> pid_t {
        let run = try stage.session.background("run", in: folder ?? "")
        let pid = try stage.arrived()[0]
        run.signal(SIGKILL)
        try run.ended()
        return pid
    }

    /// Of a run that goes on, and of one whose saturn was killed.
    @Test(arguments: [true, false]) func aWorkerThatStandsStill(_ isKilled: Bool) throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        if isKilled {
            run.signal(SIGKILL)
            try run.ended()
        }
        let worker = stage.cluster.workers[0].pid
        kill(worker, SIGSTOP)
        defer { kill(worker, SIGCONT) }
        let terminate = try stage.session.saturn("terminate")
        #expect(terminate.status == 3, "\(terminate.out)\(terminate.err)")
        #expect(
            terminate.err.contains("error: a task on Dask did not end: no answer from tcp://127.0.0.1:"),
            "\(terminate.err)")
        #expect(!terminate.out.contains("nothing is left"), "\(terminate.out)")
        #expect(isRunning(pid))
        if !isKilled {
            let end = try run.ended()
            #expect(end.status == 3 && end.err.contains("a task on Dask did not end"), "\(end.status): \(end.err)")
        }
        kill(worker, SIGCONT)
        try waitForEnd(of: pid)
        let again = try stage.session.saturn("terminate")
        #expect(again.status == 0, "\(again.err)")
        #expect(try stage.left() == "")
    }

    /// What runs ends where it is before it runs on this machine.
    @Test func runWithAnotherExecutor() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        let pid = try Self.killed(stage)
        try stage.setExecutor("class_spec: MultiprocessingExecutor")
        let run = try stage.session.background("run")
        try stage.arrived()
        #expect(!isRunning(pid))
        stage.release()
        let end = try run.ended()
        #expect(end.status == 0, "\(end.err)")
        #expect(
            end.err.contains(
                "warning: what ran on Dask (\(stage.cluster.address)) is ended: the run file names another executor now"
            ), "\(end.err)")
        #expect(try stage.ran() == ["a", "a"])
        #expect(try stage.left() == "")
    }

    @Test func collectWithAnotherExecutor() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        _ = try Self.killed(stage)
        try stage.setExecutor("class_spec: MultiprocessingExecutor")
        stage.release()
        let collect = try stage.session.saturn("collect")
        #expect(collect.status == 0, "\(collect.err)")
        #expect(try stage.ran() == ["a"])
        #expect(try stage.session.read("results/a/results/v") == "1\n")
        #expect(try stage.left() == "")
    }

    /// Also with no run file at all.
    @Test(arguments: [true, false]) func terminateWithAnotherExecutor(_ hasFile: Bool) throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        let pid = try Self.killed(stage)
        if hasFile {
            try stage.setExecutor("class_spec: MultiprocessingExecutor")
        } else {
            try stage.session.remove("run.yaml")
        }
        let terminate = try stage.session.saturn("terminate")
        #expect(terminate.status == 0, "\(terminate.err)")
        let what =
            hasFile
            ? "stopped 1 running task (a); nothing is left running"
            : "what ran on the cluster is ended; without its run file nothing is kept of it"
        #expect(terminate.out == "stage: \(what)\n")
        #expect(!isRunning(pid))
        #expect(try stage.left() == "")
    }

    /// Agents of a run that the scheduler knows nothing of any more: the next one has its own.
    @Test func onlyTheAgentsAreLeft() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        let pid = try Self.killed(stage)
        let forget = try stage.session.space.run([
            DaskCluster.python, "-c",
            """
            from distributed import Client
            def forget(dask_scheduler):
                for name in [name for name in dask_scheduler.plugins if name.startswith("saturn-")]:
                    dask_scheduler.plugins[name].forget()
                    dask_scheduler.remove_plugin(name)
            Client("\(stage.cluster.address)").run_on_scheduler(forget)
            """,
        ])
        #expect(forget.status == 0, "\(forget.stderr)")
        let run = try stage.session.background("run")
        try stage.arrived()
        #expect(!isRunning(pid))
        stage.release()
        let end = try run.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(try stage.left().isEmpty)
    }

    @Test func terminateWithTheCluster() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        let pid = try Self.killed(stage)
        let terminate = try stage.session.saturn("terminate", "--cluster")
        #expect(terminate.status == 0, "\(terminate.err)")
        #expect(terminate.out == "stage: stopped 1 running task (a); nothing is left running\n")
        for process in [pid] + stage.cluster.workers.map(\.pid) { try waitForEnd(of: process) }
    }

    @Test func theOtherClusterIsGone() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        let pid = try Self.killed(stage)
        stage.cluster.killScheduler()
        try waitForEnd(of: pid)
        try stage.setExecutor("class_spec: MultiprocessingExecutor")
        let run = try stage.session.saturn("run")
        #expect(run.status == 3)
        #expect(
            run.err.hasSuffix(
                """
                saturn: error: tasks of this run may be on Dask (\(stage.cluster.address)), which the run file does not \
                name any more: nothing listens at \(stage.cluster.address): Connection refused
                  hint: if that is gone for good, remove ~/.saturn/bridges/stage

                """), "\(run.err)")
        try stage.session.remove(".saturn/bridges/stage")
        let again = try stage.session.background("run")
        try stage.arrived()
        stage.release()
        #expect(try again.ended().status == 0)
    }

    @Test func theStateIsLost() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        _ = try Self.killed(stage)
        try stage.session.remove(".saturn")
        stage.release()
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(try stage.ran() == ["a"])
        #expect(try stage.left() == "")
    }

    @Test func theStateIsLostAndTheRunUnwanted() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        let pid = try Self.killed(stage)
        try stage.session.remove(".saturn")
        let terminate = try stage.session.saturn("terminate", "run.yaml")
        #expect(terminate.status == 0, "\(terminate.err)")
        #expect(!isRunning(pid))
        #expect(try stage.left() == "")
    }

    /// Nothing on this side tells of it any more; what is on the cluster does.
    @Test func stateAndResultsAreLost() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        let pid = try Self.killed(stage)
        for name in [".saturn", "results"] { try stage.session.remove(name) }
        let run = try stage.session.background("run")
        try stage.arrived()
        #expect(!isRunning(pid))
        stage.release()
        let end = try run.ended()
        #expect(end.status == 0, "\(end.err)")
        #expect(end.err.contains("warning: ended what an earlier run had left on the cluster"), "\(end.err)")
        #expect(try stage.left() == "")
    }

    @Test func stateAndResultsAreLostAndTheRunUnwanted() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        let pid = try Self.killed(stage)
        for name in [".saturn", "results"] { try stage.session.remove(name) }
        let terminate = try stage.session.saturn("terminate", "run.yaml")
        #expect(terminate.status == 0, "\(terminate.err)")
        #expect(!isRunning(pid))
        #expect(try stage.left() == "")
    }

    @Test func theProjectIsMoved() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        try stage.session.shell("mkdir old; mv run.yaml old")
        _ = try Self.killed(stage, in: "old")
        try stage.session.shell("mv old new")
        stage.release()
        let collect = try stage.session.saturn("collect", in: "new")
        #expect(collect.status == 0, "\(collect.out)\(collect.err)")
        #expect(!collect.err.contains("warning"), "\(collect.err)")
        #expect(try stage.session.read("new/results/a/results/v") == "1\n")
        #expect(try stage.ran() == ["a"])
        #expect(try !stage.session.names(".").contains("old"))
    }

    /// What is on the cluster is the original's, whatever the copy does.
    @Test func theProjectIsCopied() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1)
        try stage.session.shell("mkdir old; mv run.yaml old")
        let pid = try Self.killed(stage, in: "old")
        try stage.session.shell("cp -a old new")
        let terminate = try stage.session.saturn("terminate", in: "new")
        #expect(terminate.status == 4, "\(terminate.out)\(terminate.err)")
        let copy = try stage.session.background("run", in: "new")
        try stage.arrived()
        #expect(isRunning(pid))
        stage.release(2)
        #expect(try copy.ended().status == 0)
        let collect = try stage.session.saturn("collect", in: "old")
        #expect(collect.status == 0, "\(collect.out)\(collect.err)")
        #expect(try stage.ran() == ["a", "a"])
        #expect(try stage.left() == "")
    }

    @Test func aSchedulerThatStandsStill() throws {
        let stage = try DaskStage(tasks: Self.task, workers: 1, more: "connect_timeout: 2")
        let scheduler = try #require(stage.cluster.scheduler?.pid)
        kill(scheduler, SIGSTOP)
        defer { kill(scheduler, SIGCONT) }
        let run = try stage.session.saturn("run")
        #expect(run.status == 3)
        #expect(run.err.contains("error: the scheduler at \(stage.cluster.address) does not answer\n"), "\(run.err)")
        // A user who knows better does not have to wait for the time that the file allows.
        let patient = try stage.session.background("run", "--set", "executor.connect_timeout=1000")
        try patient.waitForErrors("to run: ")
        patient.signal(SIGTERM)
        #expect(try patient.ended().status == 143)
    }

    @Test func aTaskRemovesItsResults() throws {
        let stage = try DaskStage(
            tasks: """
                [{name: a, command: rm -r $RESULTS_DIR}, {name: b, command: rmdir $RESULTS_DIR; exit 3},
                 {name: c, command: "rmdir $RESULTS_DIR; ln -s /etc $RESULTS_DIR"}]
                """)
        let run = try stage.session.saturn("run")
        #expect(run.status == 1)
        for task in ["a", "c"] {
            #expect(run.out.contains("failed: \(task) (its result could not be kept: "), "\(run.out)")
        }
        #expect(run.out.contains("failed: b (exit code 3)"), "\(run.out)")
    }

    @Test func aPipeAmongTheResults() throws {
        let stage = try DaskStage(
            tasks: "[{name: a, command: \"mkfifo $RESULTS_DIR/p; echo 1 > $RESULTS_DIR/v\"}]", workers: 1)
        let run = try stage.session.saturn("run")
        #expect(run.status == 0)
        #expect(
            run.err.contains("warning: 'a': p is no file, folder or link, and not among its results\n"), "\(run.err)")
        #expect(try stage.session.names("results/a/results") == ["v"])
    }
}

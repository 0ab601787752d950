import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// Runs on a real Ray head, which they share.
@Suite(.ownThread, .enabled(if: RayStage.isInstalled, RayStage.reason), .timeLimit(.minutes(25)))
struct RayTests {
    /// Before anybody has heard that it has begun: it is not begun again.
    @Test func theSupervisorDiesAsATaskBegins() throws {
        let stage = try RayStage(
            tasks: """
                [{name: a, command: "echo a >> $RAN; \(RayStage.wait)"},
                 {name: b, command: "echo b >> $RAN; \(RayStage.wait)", needs: [a]}]
                """)
        let run = try stage.session.background("run")
        try stage.arrived()
        let supervisor = try stage.supervisor()
        stage.release()
        let pid = try stage.arrived()[0]
        kill(supervisor, SIGKILL)
        try waitForEnd(of: pid)
        let end = try run.ended()
        #expect(end.status == 1, "\(end.out)\(end.err)")
        #expect(
            end.out.contains("failed: b (lost: the run's supervisor on Ray died, and what it ran with it)"),
            "\(end.out)")
        #expect(try stage.ran() == ["a", "b"])
    }

    /// Nobody is there to take it, nor when its supervisor dies: what had ended is on its disk all the same.
    @Test func theSupervisorDiesAndNobodyIsThere() throws {
        let stage = try RayStage()
        try stage.write(
            """
            [{name: a, command: "echo a >> $RAN; \(RayStage.wait); echo 1 | tee $RESULTS_DIR/v"},
             {name: b, command: "echo b >> $RAN; \(RayStage.wait)"}]
            """)
        let run = try stage.session.background("run")
        let pids = try stage.arrived(2)
        run.signal(SIGKILL)
        try run.ended()
        let supervisor = try stage.supervisor()
        stage.release()
        while pids.allSatisfy({ isRunning($0) }) { poll(nil, 0, 10) }
        // Until it has heard of that.
        let ends = try stage.cluster.folder(of: stage.id()) + "/supervisor/ends"
        while try !stage.session.exists(ends) || stage.session.read(ends).isEmpty { poll(nil, 0, 10) }
        kill(supervisor, SIGKILL)
        for pid in pids { try waitForEnd(of: pid) }
        let collect = try stage.session.background("collect")
        try stage.arrived()
        stage.release()
        let end = try collect.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        let ran = try stage.ran()
        #expect(ran.count == 3 && Set(ran) == ["a", "b"], "\(ran)")
    }

    /// Of a run that goes on, and of one whose saturn was killed.
    @Test(arguments: [false, true]) func terminate(_ isKilled: Bool) throws {
        let stage = try RayStage()
        let command = "echo t >> $RAN; trap '' TERM; sleep 1000 & \(RayStage.wait)"
        try stage.write(
            """
            [{name: t, command: "\(command)", sweep: {repeats: 3}},
             {name: w, command: "\(command)", resources: {cpus: 1000}, sweep: {repeats: 2}}]
            """)
        let run = try stage.session.background("run")
        let pids = try stage.arrived(3)
        let processes = try pids + stage.children(of: pids) + pids.map(stage.spawner)
        #expect(processes.count == 9)
        let folder = try stage.cluster.folder(of: stage.id())
        #expect(stage.session.exists(folder))
        try stage.expectTerminate(run, isKilled, ends: processes, begun: 3)
        #expect(!stage.session.exists(folder))
    }

    /// It is ended when it answers again, though nobody is there to ask.
    @Test func aWorkerThatStandsStill() throws {
        let stage = try RayStage(tasks: "[{name: a, command: \"echo a >> $RAN; \(RayStage.wait)\"}]")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        run.signal(SIGKILL)
        try run.ended()
        let worker = try stage.worker(of: pid)
        let folder = try stage.cluster.folder(of: stage.id())
        kill(worker, SIGSTOP)
        defer { kill(worker, SIGCONT) }
        let terminate = try stage.session.saturn("terminate")
        #expect(terminate.status == 3)
        #expect(
            terminate.err.contains(
                "error: a task on Ray did not end: no answer from 127.0.0.1 (process \(worker))\n  hint: "),
            "\(terminate.out)\(terminate.err)")
        #expect(isRunning(pid))
        kill(worker, SIGCONT)
        try waitForEnd(of: pid)
        while try !stage.left().isEmpty { poll(nil, 0, 100) }
        #expect(!stage.session.exists(folder))
    }

    /// 100 MB of each, byte for byte.
    @Test func resultsAndLog() throws {
        let stage = try RayStage(
            tasks: """
                [{name: a, command: "head -c 100000000 /dev/urandom | tee $RESULTS_DIR/data; sha256sum < $RESULTS_DIR/data > $RESULTS_DIR/sum"}]
                """)
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        let sums = try stage.session.shell(
            "cat results/a/results/sum; sha256sum < results/a/log; sha256sum < results/a/results/data")
        #expect(Set(sums.out.split(separator: "\n")).count == 1 && sums.out.split(separator: "\n").count == 3)
        #expect(try stage.session.names(".saturn/bridges/stage") == ["bridge.log"])
    }
}

import Engines
import Foundation
import SaturnTesting
import Testing

/// Much from one task, past a scheduler that must not hold it.
@Suite(.ownThread, .enabled(if: DaskStage.isInstalled, DaskStage.reason), .timeLimit(.minutes(25)))
struct DaskVolumeTests {
    /// 200 MB of each.
    @Test func resultsAndLog() throws {
        let stage = try DaskStage(workers: 2, threads: 1)
        try stage.write(
            """
            [{name: a, command: "head -c 200000000 /dev/urandom | tee $RESULTS_DIR/data; sha256sum < $RESULTS_DIR/data > $RESULTS_DIR/sum"}]
            """)
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        let sums = try stage.session.shell(
            "cat results/a/results/sum; sha256sum < results/a/log; sha256sum < results/a/results/data")
        #expect(Set(sums.out.split(separator: "\n")).count == 1 && sums.out.split(separator: "\n").count == 3)
        let peak = try #require(stage.cluster.schedulerPeak)
        #expect(peak < 150_000_000, "\(peak) bytes")
        // Spool files are gone, and the workers' too.
        #expect(try stage.session.names(".saturn/bridges/stage") == ["bridge.log"])
    }

    /// Nobody is there to take it, and the worker goes on all the same.
    @Test func nobodyCollects() throws {
        let stage = try DaskStage(workers: 1, threads: 1)
        try stage.write(
            """
            [{name: "t{i}", command: "echo t{i} >> $RAN; \(DaskStage.wait); head -c 30000000 /dev/zero | tee $RESULTS_DIR/data",
              sweep: {grid: {i: {range: [1, 4]}}}}]
            """)
        let run = try stage.session.background("run")
        try stage.arrived()
        try stage.waitForAttempts(4)
        run.signal(SIGKILL)
        try run.ended()
        stage.release(4)
        try stage.arrived(3)
        let collect = try stage.session.saturn("collect")
        #expect(collect.status == 0, "\(collect.out)\(collect.err)")
        #expect(try stage.ran() == ["t1", "t2", "t3", "t4"])
        for task in 1...4 {
            #expect(
                try stage.session.shell("stat -c %s results/t\(task)/results/data results/t\(task)/log").out
                    == "30000000\n30000000\n")
        }
    }

    /// What a worker has kept goes with it.
    @Test func whatNobodyCollectedIsLost() throws {
        let stage = try DaskStage(workers: 1, threads: 1)
        try stage.write(
            "[{name: a, command: \"echo a >> $RAN; \(DaskStage.wait)\"}, {name: b, command: \"echo b >> $RAN; \(DaskStage.wait)\"}]"
        )
        let run = try stage.session.background("run")
        try stage.arrived()
        try stage.waitForAttempts(2)
        run.signal(SIGKILL)
        try run.ended()
        stage.release()
        let pid = try stage.arrived()[0]
        stage.cluster.kill(worker: 0)
        try waitForEnd(of: pid)
        try stage.cluster.addWorker()
        let collect = try stage.session.saturn("collect")
        #expect(collect.status == 1, "\(collect.out)\(collect.err)")
        #expect(collect.out.contains("failed: a (lost: worker tcp://127.0.0.1:"), "\(collect.out)")
        #expect(collect.out.contains("died, with the results that nobody had collected)"), "\(collect.out)")
        #expect(try stage.ran() == ["a", "b"])
    }
}

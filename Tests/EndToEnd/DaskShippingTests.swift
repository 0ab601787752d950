import Engines
import Foundation
import SaturnTesting
import Testing

/// Workers that do not see the disk of the machine that the run comes from.
@Suite(.ownThread, .enabled(if: DaskStage.isInstalled, DaskStage.reason), .timeLimit(.minutes(25)))
struct DaskShippingTests {
    private static func stage() throws -> DaskStage {
        let stage = try DaskStage(workers: 0, threads: 4)
        for _ in 0..<2 { try stage.cluster.addWorker(hiding: stage.session.space.path("work")) }
        return stage
    }

    @Test func withoutItThereIsNoFolder() throws {
        let stage = try Self.stage()
        stage.session.makeFolder("inside")
        try stage.write("[{name: a, command: \"true\", workdir: inside}]")
        let run = try stage.session.saturn("run")
        #expect(run.status == 1)
        #expect(run.out.contains("failed: a (cannot enter ~/inside: No such file or directory)"), "\(run.out)")
    }

    @Test func folders() throws {
        let stage = try Self.stage()
        let session = stage.session
        try session.write("code/lib/value.txt", "from the code\n")
        try session.write("code/go.sh", "#!/bin/sh\ncat lib/value.txt ../data/input.txt\n", executable: true)
        try session.write("data/input.txt", "from the data\n")
        try session.write("work/placeholder", "")
        let destination = session.space.path("elsewhere")
        try stage.write(
            """
            [{name: "a{i}", command: "./go.sh; cat \(destination)/input.txt; pwd >> $RAN", workdir: code,
              sweep: {grid: {i: {range: [1, 8]}}}}]
            """,
            top: "file_syncs: [{src: code, dest: code}, {src: data, dest: data}, {src: data, dest: \(destination)}]")
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.out)\(run.err)")
        for task in 1...8 {
            #expect(try session.read("results/a\(task)/log") == "from the code\nfrom the data\nfrom the data\n")
        }
        // A copy a worker, not a task.
        #expect(Set(try stage.ran()).count <= 2)
        try session.write("data/input.txt", "changed\n")
        #expect(try session.saturn("run", "--force").status == 0)
        #expect(try session.read("results/a1/log") == "from the code\nchanged\nchanged\n")
    }

    /// What the run itself makes is no code.
    @Test func resultsStayAtHome() throws {
        let stage = try Self.stage()
        try stage.session.write("results/earlier/file", "")
        try stage.session.write("code.txt", "")
        try stage.write("[{name: a, command: ls}]", top: "file_syncs: [{src: ., dest: .}]")
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        let log = try stage.session.read("results/a/log").split(separator: "\n")
        #expect(log.contains("code.txt") && log.contains("run.yaml") && !log.contains("results"), "\(log)")
    }

    @Test func snapshots() throws {
        let stage = try Self.stage()
        let session = stage.session
        try session.write("lib/value.txt", "committed\n")
        try stage.write(
            """
            [{name: a, command: "cat value.txt; \(DaskStage.wait); cat value.txt", workdir: lib, snapshot: true, code: commit}]
            """)
        try session.makeRepository()
        let run = try session.background("run")
        try stage.arrived()
        stage.release()
        #expect(try run.ended().status == 0)
        #expect(try session.read("results/a/log") == "committed\ncommitted\n")
    }

    @Test func needs() throws {
        let stage = try Self.stage()
        let session = stage.session
        try stage.write(
            """
            [{name: "p{i}", command: "mkdir $RESULTS_DIR/sub; head -c 3000000 /dev/urandom > $RESULTS_DIR/sub/data",
              sweep: {grid: {i: [1, 2]}}},
             {name: "u{j}", command: "cat $SATURN_NEEDS_P1/sub/data $SATURN_NEEDS_P2/sub/data | sha256sum;
                cut -f1 $SATURN_NEEDS", needs: ["p*"], sweep: {grid: {j: {range: [1, 4]}}}}]
            """)
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.out)\(run.err)")
        let sum = try session.shell(
            "cat results/p1/results/sub/data results/p2/results/sub/data | sha256sum; printf 'p1\\np2\\n'")
        for task in 1...4 { #expect(try session.read("results/u\(task)/log") == sum.out) }
    }

    /// What only an attempt before has written, on the worker where it ran.
    @Test func passedVariablesAndSecrets() throws {
        let stage = try Self.stage()
        let session = stage.session
        session.environment["MODEL"] = "large"
        session.environment["TOKEN"] = "hunter2"
        try stage.write(
            """
            [{name: a, command: "echo $MODEL $TOKEN; env | grep -c OTHER; exit 0", pass_env: [MODEL], secrets: [TOKEN]}]
            """)
        session.environment["OTHER"] = "not for it"
        let run = try session.saturn("run")
        #expect(run.status == 1, "grep finds nothing")
        #expect(try session.read("results/a/log") == "large ***\n0\n")
    }
}

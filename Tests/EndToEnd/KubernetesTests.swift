import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// Runs on a real Kubernetes cluster, of pods that share nothing with this machine.
@Suite(.ownThread, .enabled(if: KubernetesStage.isInstalled, KubernetesStage.reason), .timeLimit(.minutes(25)))
struct KubernetesTests {
    /// An image of nothing but busybox.
    private func alone(_ tasks: String, more: String = "", top: String = "") throws -> KubernetesStage {
        let stage = try KubernetesStage(seesFolder: false)
        try stage.write(tasks, more: more, top: top)
        return stage
    }

    // MARK: How tasks end

    @Test func twentyJobsOfWhichThreeFail() throws {
        let stage = try alone(
            """
            [{name: "ok-{i}", command: "echo {i}; echo {i} > $RESULTS_DIR/v", sweep: {grid: {i: {range: [1, 17]}}}},
             {name: three, command: "echo before; exit 3"},
             {name: hungry, command: "x=a; while :; do x=$x$x; done", resources: {memory: 32MiB, cpus: 0.1}},
             {name: unknown, command: "true", image: "local/no-such-image:1"}]
            """)
        let run = try stage.session.saturn("run")
        #expect(run.status == 1, "\(run.err)")
        #expect(run.out.hasPrefix("stage: 17 succeeded, 3 failed (T)\n"), "\(run.out)\(run.err)")
        #expect(run.out.contains("failed: three (exit code 3)\n"))
        #expect(run.out.contains("failed: hungry (out of memory: its limit is 32 MiB)\n"), "\(run.out)")
        #expect(run.out.contains("failed: unknown (its image cannot be pulled: ErrImageNeverPull: "), "\(run.out)")
        for task in 1...17 {
            #expect(try stage.session.read("results/ok-\(task)/log") == "\(task)\n")
            #expect(try stage.session.read("results/ok-\(task)/results/v") == "\(task)\n")
        }
        #expect(try stage.session.read("results/three/log") == "before\n")
        let codes = try ["three", "hungry", "unknown"].map { try stage.session.read("results/\($0)/error") }
        #expect(codes == ["3", "137", "126"])
        #expect(try stage.session.read("results/hungry/events").contains("type: oom"))
        #expect(try stage.session.read("results/ok-1/events").contains("image_id: \"sha256:"))
        #expect(try stage.left().isEmpty)
        #expect(try stage.session.saturn("run", "--only", "ok-*").out.hasPrefix("stage: 17 up to date"))
    }

    /// The kubelet takes away what writes more than its volume may have.
    @Test func itIsEvicted() throws {
        let stage = try alone(
            "[{name: a, command: \"head -c 3000000 /dev/zero > $RESULTS_DIR/v; sleep 1000\"}]",
            more: "pod: {volumes: [{name: saturn, emptyDir: {sizeLimit: 1Mi}}]}")
        let run = try stage.session.background("run")
        try run.waitForErrors("Evicted")
        run.signal(SIGTERM)
        #expect(try run.ended().status == 143)
        #expect(try stage.left().isEmpty)
    }

    @Test func nothingHasRoomForIt() throws {
        let stage = try alone(
            "[{name: a, command: \"true\", resources: {cpus: 1000}}]", more: "schedule_timeout: 4s")
        let run = try stage.session.saturn("run")
        #expect(run.status == 1)
        let words =
            "failed: a (its pod found no place in 4 s: Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.)\n"
        #expect(run.out.contains(words), "\(run.out)\(run.err)")
        #expect(try stage.left().isEmpty)
    }

    /// Without a limit it waits, and people are told for what.
    @Test func itWaitsForRoom() throws {
        let stage = try alone("[{name: a, command: \"true\", resources: {cpus: 1000}}]")
        let run = try stage.session.background("run")
        try run.waitForErrors("'a' waits for a place: Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.")
        run.signal(SIGTERM)
        #expect(try run.ended().status == 143)
        #expect(try stage.left().isEmpty)
    }

    /// By the container's own first process: nobody else is there.
    @Test func aTimeoutIsKeptWhenNobodyLooks() throws {
        let stage = try KubernetesStage()
        try stage.write("[{name: a, timeout: 3, command: \"echo a >> $RAN; \(EngineStage.wait)\"}]")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        run.signal(SIGKILL)
        try run.ended()
        try waitForEnd(of: pid)
        let collect = try stage.session.saturn("collect")
        #expect(collect.status == 1 && collect.out.contains("failed: a (timed out after 3 s)"), "\(collect.out)")
        #expect(try stage.session.read("results/a/error") == "124")
        #expect(try stage.ran() == ["a"])
    }

    // MARK: What comes and goes

    @Test func followedWhileItRuns() throws {
        let stage = try KubernetesStage()
        try stage.write("[{name: a, command: \"echo first; \(EngineStage.wait); echo second\"}]")
        let run = try stage.session.background("run")
        try stage.arrived()
        let logs = try stage.session.background("logs", "-f", "a")
        try logs.waitForOutput("first\n")
        stage.release()
        #expect(try logs.ended().out == "first\nsecond\n")
        #expect(try run.ended().status == 0)
    }

    @Test func fiftyMegabytesAndOddNames() throws {
        let make = """
            cd $RESULTS_DIR; mkdir -p 'a b/é'; printf 1 > 'a b/é/-n'; printf 2 > "$(printf 'new\\nline')"; ln -s 'a b' link; \
            printf 3 > "$(printf '\\377')"; : > empty; mkdir none; seq 1 6600000 > big; chmod 640 big; ln big other
            """
        let stage = try alone(
            "[{name: \"lr 0.5 (é)\", command: '\(make.replacingOccurrences(of: "'", with: "''")); mkfifo pipe'}]")
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.out)\(run.err)")
        #expect(
            run.err.contains("'lr 0.5 (é)': pipe is no file, folder or link, and not among its results\n"), "\(run.err)"
        )
        try stage.session.write("make.sh", make)
        #expect(try stage.session.shell("mkdir reference && RESULTS_DIR=$PWD/reference sh -e make.sh").status == 0)
        let results = "results/lr 0.5 (é)/results"
        let difference = try stage.session.shell("diff -r --no-dereference reference '\(results)'")
        #expect(difference.status == 0, "\(difference.out)\(difference.err)")
        let list = "find . -printf '%y %m %s %P %l\\0' | LC_ALL=C sort -z | grep -zv ^d | cksum"
        let sums = try ["reference", results].map { try stage.session.shell("cd '\($0)' && \(list)").out }
        #expect(sums[0] == sums[1])
        let events = try stage.session.read("results/lr 0.5 (é)/events")
        #expect(events.contains("pod: saturn-stage-lr-0-5-"), "\(events)")
    }

    /// Neither the working folder nor what is needed is in the image.
    @Test func whatIsShipped() throws {
        let stage = try KubernetesStage(seesFolder: false)
        let session = stage.session
        try session.write("lib/value.txt", "shipped\n")
        try session.write("lib/run.sh", "cat value.txt\n")
        try session.write("work/here.txt", "here\n")
        try stage.write(
            """
            [{name: first, command: "mkdir \\"$RESULTS_DIR/a b\\"; echo one > \\"$RESULTS_DIR/a b/é\\""},
             {name: synced, command: "cat lib/value.txt; cd lib; sh run.sh"},
             {name: below, workdir: work, command: "cat here.txt", needs: [first]},
             {name: needing, command: "cat \\"$SATURN_NEEDS_FIRST/a b/é\\"; cut -f1 $SATURN_NEEDS; cat \\"$(cut -f2 $SATURN_NEEDS)/a b/é\\"",
              needs: [first]}]
            """, top: "file_syncs: [{src: lib, dest: lib}, {src: work, dest: work}]")
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.out)\(run.err)")
        #expect(try session.read("results/synced/log") == "shipped\nshipped\n")
        #expect(try session.read("results/below/log") == "here\n")
        #expect(try session.read("results/needing/log") == "one\nfirst\none\n")
    }

    @Test func aSnapshotIsShipped() throws {
        let stage = try KubernetesStage(seesFolder: false)
        try stage.session.write("exp/value.txt", "one\n")
        try stage.session.write(".gitignore", "results\n.saturn\n")
        try stage.write("[{name: a, command: cat value.txt, workdir: exp, code: commit, snapshot: true}]")
        try stage.session.makeRepository()
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.out)\(run.err)")
        #expect(try stage.session.read("results/a/log") == "one\n")
    }

    @Test func secretsAndVariables() throws {
        let stage = try alone(
            """
            [{name: a, command: "echo $TOKEN $GIVEN $PLAIN '$(HOME)' $$; echo $TOKEN > $RESULTS_DIR/v", secrets: [TOKEN],
              pass_env: [GIVEN], env: {PLAIN: "$(TOKEN) $$ $HOME"}}]
            """)
        stage.session.environment["TOKEN"] = "hunter2"
        stage.session.environment["GIVEN"] = "given"
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.out)\(run.err)")
        let log = try stage.session.read("results/a/log")
        #expect(log.hasPrefix("*** given $(TOKEN) $$ $HOME $(HOME) "), "\(log)")
        #expect(try stage.session.read("results/a/results/v") == "hunter2\n")
        #expect(try stage.left().isEmpty, "nor is the Secret")
    }

    // MARK: While nobody is there

    /// The mask is the one that the task was given.
    @Test func aSecretIsMaskedAfterwards() throws {
        let stage = try KubernetesStage()
        try stage.write(
            "[{name: a, secrets: [TOKEN], command: \"echo $TOKEN; echo a >> $RAN; \(EngineStage.wait); echo $TOKEN\"}]")
        stage.session.environment["TOKEN"] = "hunter2"
        let run = try stage.session.background("run")
        try stage.arrived()
        run.signal(SIGKILL)
        try run.ended()
        #expect(
            !(try stage.cluster.kubectl("get", "jobs", "-l", "stage=\(stage.label)", "-o", "yaml")).contains("hunter2"))
        stage.release()
        let collect = try stage.session.saturn("collect", env: ["TOKEN": "another"])
        #expect(collect.status == 0, "\(collect.out)\(collect.err)")
        #expect(try stage.session.read("results/a/log") == "***\n***\n")
        #expect(try stage.ran() == ["a"])
    }

    /// What nobody fetched in time is gone, and that is what is said.
    @Test func itIsCollectedTooLate() throws {
        let stage = try KubernetesStage()
        try stage.write(
            "[{name: a, command: \"echo a >> $RAN; echo begun; \(EngineStage.wait)\"}]", more: "keep_for: 3s")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        try waitUntil("its log is here") { (try? stage.session.read("results/a/log")) == "begun\n" }
        run.signal(SIGKILL)
        try run.ended()
        stage.release()
        try waitForEnd(of: pid)
        try waitUntil("nothing is left", every: 200) { try stage.left().isEmpty }
        let collect = try stage.session.background("collect")
        try collect.waitForErrors("what it ran on knows nothing of 'a', which had begun, any more: it is run again")
        try stage.arrived()
        stage.release()
        #expect(try collect.ended().status == 0)
        #expect(try stage.ran() == ["a", "a"])
    }

    @Test(arguments: [false, true]) func terminate(_ isKilled: Bool) throws {
        let stage = try KubernetesStage()
        let command = "echo t >> $RAN; setsid sleep 1000 & \(EngineStage.wait)"
        try stage.write(
            "[{name: t, command: \"\(command)\", sweep: {repeats: 5}}]", more: "max_in_flight: 3")
        let run = try stage.session.background("run")
        let pids = try stage.arrived(3)
        try stage.expectTerminate(run, isKilled, ends: pids + (try stage.children(of: pids)), begun: 3)
    }

    // MARK: Keys

    @Test func theImageIsInTheKey() throws {
        let stage = try alone("[{name: a, command: \"true\"}]")
        #expect(try stage.session.saturn("run").status == 0)
        let plan = try stage.session.saturn("plan", "--set", "executor.image=\(KubernetesCluster.tools)")
        #expect(plan.out.contains("image"), "\(plan.out)")
        #expect(plan.out.contains("run      1"), "\(plan.out)")
        let note = "note: \(KubernetesCluster.image) may become another image under the same name"
        #expect(try stage.session.saturn("plan", "--force").out.contains(note))
    }

    @Test func codeThatNothingShips() throws {
        let stage = try alone("[{name: a, command: \"true\", code: commit}]")
        let words = "keys count the code of 'a' here, and nothing ships it to pods"
        #expect(try !stage.session.saturn("plan").out.contains(words), "outside git no code counts")
        try stage.session.makeRepository()
        #expect(try stage.session.saturn("plan").out.contains(words))
        try stage.write("[{name: a, command: \"true\", code: commit}]", top: "file_syncs: [{src: ., dest: .}]")
        #expect(try !stage.session.saturn("plan").out.contains(words))
    }
}

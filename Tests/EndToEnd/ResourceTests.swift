import Foundation
import Glibc
import Testing

/// What tasks share of one machine: GPUs, cpus, limits.
@Suite(.ownThread) struct ResourceTests {
    /// A task that takes the lock of its GPU as long as one of its processes runs, and tells when somebody else has it.
    /// Every fifth fails at first, every seventh is killed, every eleventh leaves a process behind.
    private static let tasks = """
        name: gpus
        executor: {class_spec: Multiprocessing, gpus: 8}
        defaults: {code: none}
        tasks:
          - name: "t{i}"
            command: |
              exec 9> "$LOCKS/$CUDA_VISIBLE_DEVICES"
              flock -n 9 || echo "{i} on $CUDA_VISIBLE_DEVICES" >> "$CLASHES"
              echo "{i} $CUDA_VISIBLE_DEVICES $SATURN_SLOT" >> "$RAN"
              if test {i} -le 8; then
                n=0
                until test $(ls "$LOCKS" | wc -l) -eq 8 || test $n = 1000; do n=$((n + 1)); sleep 0.01; done
                test $n -lt 1000 || echo "not all are busy" >> "$CLASHES"
              fi
              if test $(({i} % 11)) = 0; then (sleep 1000 &); fi
              sleep 0.03
              if test $SATURN_ATTEMPT = 1 && test $(({i} % 5)) = 0; then exit 1; fi
              if test $SATURN_ATTEMPT = 1 && test $(({i} % 7)) = 0; then kill -9 $$; fi
            resources: {gpus: 1}
            retries: {exit: 1, signal: 1}
            sweep: {grid: {i: {range: [1, 400]}}}

        """

    private func session() throws -> Session {
        let session = try Session()
        session.makeFolder("locks")
        try session.write("ran", "")
        try session.write("clashes", "")
        for (name, file) in [("LOCKS", "locks"), ("RAN", "ran"), ("CLASHES", "clashes")] {
            session.environment[name] = session.path(file)
        }
        try session.write("run.yaml", Self.tasks)
        return session
    }

    @Test func neverTwoTasksOnOneGPU() throws {
        let session = try session()
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err.suffix(2000))")
        #expect(try session.read("clashes") == "")
        let ran = try session.read("ran").split(separator: "\n").map { $0.split(separator: " ") }
        let again = (1...400).count { $0 % 5 == 0 || $0 % 7 == 0 }
        #expect(ran.count == 400 + again)
        #expect(Set(ran.map { $0[1] }) == Set((0..<8).map { "\($0)" }))
        #expect(Set(ran.map { $0[2] }) == Set((0..<8).map { "\($0)" }))
    }

    /// What the one that is killed has left running goes before anything gets its GPU.
    @Test func saturnIsKilledInTheMiddle() throws {
        let session = try session()
        let first = try session.background("run")
        try waitUntil("a hundred have begun") { try session.read("ran").split(separator: "\n").count >= 100 }
        first.signal(SIGKILL)
        _ = try first.ended()
        let second = try session.saturn("run")
        #expect(second.status == 0, "\(second.err.suffix(2000))")
        #expect(try session.read("clashes") == "")
        #expect(try session.names("results/gpus").filter { $0.hasPrefix("t") }.count == 400)
        #expect(try session.attemptsThatRun() == [])
    }

    @Test func partsLimitsAndOrder() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: parts
            executor: {class_spec: Multiprocessing, jobs: 8, gpus: 2, limits: {license: 1}}
            defaults: {code: none, command: 'echo "$SATURN_TASK ${CUDA_VISIBLE_DEVICES-none}" >> $RAN; sleep 0.2'}
            tasks:
              - {name: half1, resources: {gpus: 0.5}}
              - {name: half2, resources: {gpus: 0.5}}
              - {name: whole, resources: {gpus: 1}}
              - {name: both, resources: {gpus: 2}}
              - {name: l1, resources: {license: 1}}
              - {name: l2, resources: {license: 1}}
              - {name: urgent, priority: 1}

            """)
        try session.write("ran", "")
        session.environment["RAN"] = session.path("ran")
        let run = try session.saturn("run", env: ["CUDA_VISIBLE_DEVICES": "4, 4,GPU-5,-1,6"])
        #expect(run.status == 0, "\(run.err)")
        let ran = try session.read("ran").split(separator: "\n").map(String.init)
        #expect(
            ran.sorted() == [
                "both 4,GPU-5", "half1 4", "half2 4", "l1 4, 4,GPU-5,-1,6", "l2 4, 4,GPU-5,-1,6",
                "urgent 4, 4,GPU-5,-1,6",
                "whole GPU-5",
            ])
        // Those two had to wait for others to end.
        #expect(Set(ran.suffix(2)) == ["both 4,GPU-5", "l2 4, 4,GPU-5,-1,6"])
    }

    /// By a program that answers as nvidia-smi does, and is asked only when a task needs to know.
    @Test func gpusAreFound() throws {
        let session = try Session()
        try session.write(
            "bin/nvidia-smi", "#!/bin/sh\necho \"$@\" >> \"$CALLS\"\nprintf '0\\n1\\n'\n", executable: true)
        session.environment["CALLS"] = session.path("calls")
        session.environment["PATH"] = session.path("bin") + ":" + (session.environment["PATH"] ?? "/usr/bin:/bin")
        let task = "code: none, command: 'echo $CUDA_VISIBLE_DEVICES > $RESULTS_DIR/gpu; sleep 0.3'"
        try session.write("run.yaml", "name: found\ntasks: [{name: a, \(task)}]\n")
        #expect(try session.saturn("run").status == 0)
        #expect(!session.exists("calls"))
        try session.write(
            "run.yaml",
            "name: found\ntasks: [{name: 'g{i}', \(task), resources: {gpus: 1}, sweep: {grid: {i: [1, 2]}}}]\n")
        let run = try session.saturn("run", "-j2")
        #expect(run.status == 0, "\(run.err)")
        #expect(try session.read("calls") == "--query-gpu=index --format=csv,noheader\n")
        let gpus = try ["g1", "g2"].map { try session.read("results/found/\($0)/results/gpu") }
        #expect(gpus == ["0\n", "1\n"])
        let more = try session.saturn("plan", "--set", "tasks.0.resources.gpus=3")
        #expect(more.status == 2)
    }
}

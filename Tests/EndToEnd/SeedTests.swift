import Engines
import Glibc
import Testing

/// The sequence of commands that the project was asked for, and the file it was asked for with.
@Suite(.ownThread) struct SeedTests {
    private static let header = """
        name: lr-sweep
        tasks:
          - name: lr-0.5
            command: python train.py --lr 0.5
          - name: lr-0.6
            command: python train.py --lr 0.6
          - name: lr-0.7
            command: python train.py --lr 0.7
          - name: lr-0.8
            command: python train.py --lr 0.8
        executor:

        """

    /// Word for word, but for the results folder, which other users of the machine may have too.
    private static let seedFile =
        header + """
              class_spec: DaskExecutor
              scheduler_address: "tcp://127.0.0.1:8886"
            results:
              class_spec: LocalDir
              directory: /tmp/results

            """

    private static func localFile(_ directory: String) -> String {
        header + """
              class_spec: MultiprocessingExecutor
            results:
              class_spec: LocalDir
              directory: \(directory)

            """
    }

    /// 0.7 fails, having written nothing; 0.8 fails, having written something.
    private static let training = """
        import argparse, os, sys
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float)
        lr = parser.parse_args().lr
        print("training with", lr, flush=True)
        results = os.environ["RESULTS_DIR"]
        if lr == 0.7:
            sys.exit("loss is nan")
        with open(os.path.join(results, "loss.txt"), "w") as file:
            file.write(f"{1 - lr:.1f}\\n")
        if lr == 0.8:
            print("no space for the model", file=sys.stderr)
            sys.exit(5)

        """

    /// `python` is there on every machine of the user; on this one it may be called `python3`.
    private func makeSession() throws -> Session {
        let session = try Session()
        try session.write("bin/python", "#!/bin/sh\nexec python3 \"$@\"\n", executable: true)
        session.environment["PATH"] = session.path("bin") + ":" + (session.environment["PATH"] ?? "")
        try session.write("train.py", Self.training)
        return session
    }

    @Test func runCollectTerminate() throws {
        let session = try makeSession()
        try session.write("run.yaml", Self.localFile(session.path("results")))

        let run = try session.saturn("run", "run.yaml", "--name", "run1")
        let summary = """
            run1: 2 succeeded, 2 failed
            failed: lr-0.7 (exit code 1)
            failed: lr-0.8 (exit code 5)
            results: ~/results

            """
        #expect(run.status == 1)
        #expect(run.out == summary.replacing("2 failed", with: "2 failed (T)", maxReplacements: 1))
        #expect(run.err.hasPrefix("run1: 4 to run: new\n"), "\(run.err)")
        for words in [
            "lr-0.7 failed: exit code 1 (T)\n  | training with 0.7\n  | loss is nan\n  log: ~/results/lr-0.7/log\n",
            "lr-0.8 failed: exit code 5 (T)\n  | training with 0.8\n  | no space for the model\n",
            " lr-0.5 succeeded (T)\n", " lr-0.6 succeeded (T)\n",
        ] {
            #expect(run.err.contains(words), "\(run.err)")
        }

        let collect = try session.saturn("collect", "--name", "lr-sweep")
        #expect(collect.status == 1)
        #expect(collect.out == summary)
        #expect(collect.err == "")

        let terminate = try session.saturn("terminate", "--name", "lr-sweep")
        #expect(terminate.status == 0)
        #expect(terminate.out == "run1: nothing is running\n")

        try checkLayout(session)
    }

    private func checkLayout(_ session: Session) throws {
        #expect(try session.names("results") == [".saturn", "lr-0.5", "lr-0.6", "lr-0.7", "lr-0.8"])
        for name in ["lr-0.5", "lr-0.6"] {
            #expect(try session.names("results/\(name)") == ["events", "log", "results", "status"])
            #expect(try session.read("results/\(name)/status") == "success")
            #expect(try session.read("results/\(name)/log") == "training with \(name.dropFirst(3))\n")
        }
        #expect(try session.read("results/lr-0.5/results/loss.txt") == "0.5\n")
        #expect(try session.names("results/lr-0.7") == ["error", "events", "log", "status"])
        #expect(try session.names("results/lr-0.8") == ["error", "events", "log", "results", "status"])
        #expect(try session.read("results/lr-0.8/results/loss.txt") == "0.2\n")
        for (name, code) in [("lr-0.7", "1"), ("lr-0.8", "5")] {
            #expect(try session.read("results/\(name)/status") == "failure")
            #expect(try session.read("results/\(name)/error") == code)
        }
        let events = try session.read("results/lr-0.5/events")
        let time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00/
        let shown = events.replacing(time, with: "TIME")
            .replacing(/key: [0-9a-f]{64}\n/, with: "key: KEY\n")
            .replacing(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, with: "UUID")
            .replacing(/sources: [0-9a-f]{64}\n/, with: "sources: DIGEST\n")
            .replacing(/host: .+\n/, with: "host: HOST\n")
        #expect(
            shown == """
                events:
                  - type: submitted
                    utctimestamp: TIME
                    key: KEY
                    attempt: UUID
                    run: run1
                    task: lr-0.5
                    project: UUID
                    sources: DIGEST
                    host: HOST
                    boot: UUID
                  - type: started
                    utctimestamp: TIME
                  - type: complete
                    utctimestamp: TIME

                """)
        #expect(try session.read("results/lr-0.8/events").contains("    exit_code: 5\n"))
    }

    @Test func theFileAsItStands() throws {
        let session = try makeSession()
        try session.write("run.yaml", Self.seedFile)
        let elsewhere = "results.directory=" + session.path("results")

        let plan = try session.saturn("plan", "run.yaml", "--set", elsewhere)
        #expect(plan.status == 0)
        #expect(
            plan.out == """
                lr-sweep: 4 tasks
                  run      4  new (lr-0.5, lr-0.6, lr-0.7 and 1 more)
                note: outside git train.py counts by content, and nothing that it reads; list such files under inputs

                """)

        try #require(DaskCluster.missing == nil, "\(DaskCluster.missing ?? "")")
        // As when its environment is active.
        session.environment["PATH"] = DaskCluster.programs + ":" + (session.environment["PATH"] ?? "")
        let alone = try session.saturn("run", "run.yaml", "--name", "run1", "--set", elsewhere)
        #expect(alone.status == 3)
        #expect(alone.err.contains("error: nothing listens at tcp://127.0.0.1:8886: "), "\(alone.err)")

        let cluster = try DaskCluster(port: 8886, in: session.space)
        let run = try session.saturn("run", "run.yaml", "--name", "run1", "--set", elsewhere)
        #expect(run.status == 1)
        #expect(run.out.hasPrefix("run1: 2 succeeded, 2 failed (T)\nfailed: lr-0.7"), "\(run.out)\(run.err)")
        #expect(try session.read("results/lr-0.5/results/loss.txt") == "0.5\n")
        #expect(try session.read("results/lr-0.7/log") == "training with 0.7\nloss is nan\n")
        #expect(try session.names("results/lr-0.6").sorted() == ["events", "log", "results", "status"])
        #expect(try session.names("results/lr-0.7").sorted() == ["error", "events", "log", "status"])
        let collect = try session.saturn("collect", "--name", "lr-sweep")
        #expect(collect.status == 1 && collect.out.hasPrefix("run1: 2 succeeded, 2 failed"), "\(collect.out)")
        let terminate = try session.saturn("terminate", "--name", "lr-sweep", "--cluster")
        #expect(terminate.status == 0, "\(terminate.err)")
        for worker in cluster.workers { try waitForEnd(of: worker.pid) }

        let local = try session.saturn(
            "run", "--set", elsewhere, "--set", "executor=MultiprocessingExecutor", "--only", "lr-0.5", "--force")
        #expect(local.status == 0, "\(local.err)")
        #expect(try session.read("results/lr-0.5/status") == "success")
    }
}

import Engines
import Foundation
import SaturnTesting
import Testing

/// What cannot be reached, and what comes later.
@Suite(.ownThread, .enabled(if: DaskStage.isInstalled, DaskStage.reason), .timeLimit(.minutes(25)))
struct DaskProblemTests {
    private static func session(_ executor: String) throws -> Session {
        let session = try Session()
        try session.write(
            "run.yaml",
            "name: stage\ndefaults: {code: none}\ntasks: [{name: a, command: \"true\"}]\nexecutor: {\(executor)}\n")
        return session
    }

    @Test func nothingListens() throws {
        let session = try Self.session(
            "class_spec: DaskExecutor, scheduler_address: \"tcp://127.0.0.1:1\", python: \(DaskCluster.python)")
        let run = try session.saturn("run")
        #expect(run.status == 3)
        #expect(
            run.err.hasSuffix(
                """
                saturn: error: nothing listens at tcp://127.0.0.1:1: Connection refused
                  hint: is the scheduler running? dask scheduler

                """), "\(run.err)")
        #expect(try session.saturn("plan").out == "stage: 1 task\n  run      1  new (a)\n")
    }

    @Test func noSuchPython() throws {
        let session = try Self.session("class_spec: DaskExecutor, python: no/python")
        let run = try session.saturn("run")
        #expect(run.status == 3)
        #expect(
            run.err.contains("saturn: error: cannot execute '~/no/python': No such file or directory\n"), "\(run.err)")
    }

    @Test func distributedIsMissing() throws {
        let session = try Self.session("class_spec: DaskExecutor, scheduler_address: \"tcp://127.0.0.1:1\"")
        // Debian's own Python has none.
        session.environment["PATH"] = "/usr/bin:/bin"
        let run = try session.saturn("run")
        #expect(run.status == 3)
        #expect(run.err.contains("/python3 has no package 'distributed'\n  hint: "), "\(run.err)")
        #expect(run.err.contains("-m pip install distributed\n"), "\(run.err)")
    }

    @Test func whatListensIsNoScheduler() throws {
        let space = try TestSpace()
        let listener = try ChildProcess(
            [
                "python3", "-c",
                "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)\n"
                    + "open(sys.argv[1], 'w').write(str(s.getsockname()[1]))\nwhile True: s.accept()[0].sendall(b'hello\\n')",
                space.path("port.new"),
            ], environment: space.environment, folder: space.folder)
        defer { listener.signal(SIGKILL) }
        while (try? space.read("port.new").isEmpty) ?? true { poll(nil, 0, 20) }
        let session = try Self.session(
            "class_spec: DaskExecutor, scheduler_address: \"tcp://127.0.0.1:\(try space.read("port.new"))\", "
                + "connect_timeout: 2, python: \(DaskCluster.python)")
        let run = try session.saturn("run")
        #expect(run.status == 3)
        #expect(run.err.contains(" is no Dask scheduler: "), "\(run.err)")
    }

    @Test func settingsThatExcludeEachOther() throws {
        let session = try Self.session(
            "class_spec: DaskExecutor, scheduler_address: \"tcp://127.0.0.1:1\", cluster_class: LocalCluster, tls: {ca: x}"
        )
        let run = try session.saturn("run")
        #expect(run.status == 2)
        #expect(run.err.contains("'scheduler_address' and 'cluster_class' exclude each other"), "\(run.err)")
        #expect(run.err.contains("unknown key 'ca'"), "\(run.err)")
    }

    /// By the plan already, with its place.
    @Test func whatThePlanFindsWrong() throws {
        let session = try Session()
        try session.write("a-file", "")
        try session.write(
            "run.yaml",
            """
            executor:
              class_spec: DaskExecutor
              scheduler_address: "tls://127.0.0.1:8786"
            file_syncs:
              - {src: missing, dest: a}
              - {src: a-file, dest: b}
              - {src: ., dest: c/../../d}
              - {src: ., dest: ./a/}
            tasks: ["true"]

            """)
        let plan = try session.saturn("plan")
        #expect(plan.status == 2)
        #expect(
            plan.err == """
                run.yaml:3:22: error: 'tls://127.0.0.1:8786' is a TLS address, and the executor has no 'tls'; \
                tls: {ca_file: …, cert: …, key: …}
                  3 |   scheduler_address: "tls://127.0.0.1:8786"
                    |                      ^~~~~~~~~~~~~~~~~~~~~~
                run.yaml:5:11: error: 'missing' does not exist in ~
                  5 |   - {src: missing, dest: a}
                    |           ^~~~~~~
                run.yaml:6:11: error: 'a-file' is not a folder; 'file_syncs' ships folders
                  6 |   - {src: a-file, dest: b}
                    |           ^~~~~~
                run.yaml:7:20: error: 'c/../../d' leaves the folder that tasks run in; a path below it, or an absolute one
                  7 |   - {src: ., dest: c/../../d}
                    |                    ^~~~~~~~~
                run.yaml:8:20: error: two folders have the destination './a/'
                  8 |   - {src: ., dest: ./a/}
                    |                    ^~~~

                """, "\(plan.err)")
    }

    @Test(arguments: ["127.0.0.1", "tcp://:1", "tcp://a:99999", "tcp://a:"])
    func anAddressThatIsNone(_ address: String) throws {
        let session = try Self.session("class_spec: DaskExecutor, scheduler_address: \"\(address)\"")
        let plan = try session.saturn("plan")
        #expect(plan.status == 2)
        #expect(plan.err.contains("error: '\(address)' is no address of a scheduler; "), "\(plan.err)")
    }

    @Test func tls() throws {
        let space = try TestSpace()
        let made = try space.run([
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
            "-keyout", "dask.key", "-out", "dask.crt",
        ])
        #expect(made.status == 0, "\(made.stderr)")
        let cluster = try DaskCluster(workers: 1, certificate: space.path("dask"), in: space)
        let python = "class_spec: DaskExecutor, connect_timeout: 3, python: \(DaskCluster.python)"
        let files = "tls: {ca_file: dask.crt, cert: dask.crt, key: dask.key}"
        let session = try Self.session("\(python), scheduler_address: \"\(cluster.address)\", \(files)")
        for name in ["dask.key", "dask.crt"] { try session.write(name, try space.read(name)) }
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        let plain = try session.saturn(
            "run", "--force", "--set", "executor={\(python), scheduler_address: \"tcp://127.0.0.1:\(cluster.port)\"}")
        #expect(plain.status == 3)
        #expect(
            plain.err.contains("error: the scheduler at tcp://127.0.0.1:\(cluster.port) wants TLS\n"), "\(plain.err)")
        let open = try DaskCluster(workers: 0, in: space)
        let other = try session.saturn(
            "run", "--force", "--set",
            "executor={\(python), scheduler_address: \"tls://127.0.0.1:\(open.port)\", \(files)}")
        #expect(other.status == 3)
        #expect(other.err.contains("error: no TLS connection to tls://127.0.0.1:\(open.port): "), "\(other.err)")
    }

    /// Of a Python that this machine has and the cluster does not.
    private static let otherPython: String? = {
        let finder = """
            import glob, os, sys
            own = f"python3.{sys.version_info[1]}"
            for path in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.1[0-9].*/bin/python3.1?"))
                    + glob.glob("/usr/bin/python3.1?")):
                if os.path.basename(path) != own:
                    print(path)
                    break
            """
        let found = try? ChildProcess(
            [DaskCluster.python, "-c", finder], environment: ProcessInfo.processInfo.environment, folder: "/"
        ).wait().stdout.trimmingCharacters(in: .whitespacesAndNewlines)
        return found?.isEmpty == false ? found : nil
    }()

    @Test(.enabled(if: otherPython != nil, "NOT TESTED: there is only one version of Python here"))
    func anotherPython() throws {
        let other = try #require(Self.otherPython)
        let stage = try DaskStage(tasks: "[{name: a, command: \"true\"}]", workers: 1)
        let space = stage.session.space
        for command in [[other, "-m", "venv", "other"], ["other/bin/pip", "install", "--quiet", "distributed"]] {
            let made = try ChildProcess(
                command, environment: ProcessInfo.processInfo.environment, folder: space.folder
            ).wait()
            #expect(made.status == 0, "\(made.stderr)")
        }
        let run = try stage.session.saturn("run", "--set", "executor.python=\(space.path("other/bin/python"))")
        #expect(run.status == 3)
        #expect(run.err.contains("/other/bin/python is Python 3."), "\(run.err)")
        #expect(run.err.contains(", and the scheduler has 3."), "\(run.err)")
    }

    @Test func noWorkers() throws {
        let stage = try DaskStage(tasks: "[{name: a, command: \"true\"}]", workers: 0)
        let run = try stage.session.background("run")
        try run.waitForErrors("warning: \(stage.cluster.address) has no workers: waiting for one")
        try stage.cluster.addWorker()
        #expect(try run.ended().status == 0)
    }

    /// A bridge that dies, and one that stands still, which nobody need wait for.
    @Test func theBridgeDies() throws {
        let stage = try DaskStage(tasks: "[{name: a, command: \"echo a >> $RAN; \(DaskStage.wait); echo end\"}]")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        let bridge = try stage.session.shell("pgrep -P \(run.pid)").out.split(separator: "\n").compactMap { pid_t($0) }
        #expect(bridge.count == 1)
        for one in bridge { kill(one, SIGKILL) }
        let end = try run.ended()
        #expect(end.status == 3)
        #expect(end.err.contains("error: the bridge to Dask ended on signal 9\n"), "\(end.err)")
        #expect(isRunning(pid))
        stage.release()
        let collect = try stage.session.saturn("collect")
        #expect(collect.status == 0, "\(collect.out)\(collect.err)")
        #expect(try stage.ran() == ["a"])
        #expect(try stage.session.read("results/a/log") == "end\n")
    }

    @Test func resources() throws {
        let stage = try DaskStage(workers: 0)
        try stage.write(
            """
            [{name: "g{i}", command: "echo g{i} >> $RAN; \(DaskStage.wait)", resources: {gpus: 1, license: 2},
              sweep: {grid: {i: {range: [1, 3]}}}}]
            """)
        try stage.cluster.addWorker(["--resources", "GPU=2"])
        let run = try stage.session.background("run")
        try stage.arrived(2)
        #expect(try stage.ran().count == 2)
        try run.waitForErrors("no worker declares 'license'")
        stage.release(2)
        try stage.arrived()
        stage.release()
        #expect(try run.ended().status == 0)
    }
}

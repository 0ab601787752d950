import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// What cannot be reached, what Ray would refuse, and what it is told beside.
@Suite(.ownThread, .enabled(if: RayStage.isInstalled, RayStage.reason), .timeLimit(.minutes(25)))
struct RayProblemTests {
    private static func session(_ executor: String) throws -> Session {
        let session = try Session()
        try session.write(
            "run.yaml",
            "name: stage\ndefaults: {code: none}\ntasks: [{name: a, command: \"true\"}]\nexecutor: {class_spec: Ray, \(executor)}\n"
        )
        return session
    }

    @Test func nothingListens() throws {
        let cluster = try RayCluster.shared.get().cluster
        let session = try Self.session("address: \"127.0.0.1:1\", python: \(cluster.python)")
        let run = try session.saturn("run")
        #expect(run.status == 3)
        #expect(
            run.err.hasSuffix(
                """
                saturn: error: nothing listens at 127.0.0.1:1: Connection refused
                  hint: is Ray running? ray start --head

                """), "\(run.err)")
        #expect(try session.saturn("plan").out == "stage: 1 task\n  run      1  new (a)\n")
    }

    @Test func rayIsMissing() throws {
        let session = try Self.session("address: \"127.0.0.1:1\"")
        // Debian's own Python has none.
        session.environment["PATH"] = "/usr/bin:/bin"
        let run = try session.saturn("run")
        #expect(run.status == 3)
        #expect(run.err.contains("/python3 has no package 'ray'\n  hint: "), "\(run.err)")
        #expect(run.err.contains("-m pip install 'ray[default]'\n"), "\(run.err)")
    }

    /// It says something else than a head, and nothing at all.
    @Test(arguments: ["hello", ""]) func whatListensIsNoHead(_ word: String) throws {
        let cluster = try RayCluster.shared.get().cluster
        let space = try TestSpace()
        let listener = try ChildProcess(
            [
                cluster.python, "-c",
                """
                import os, socket, sys
                s = socket.create_server(('127.0.0.1', 0))
                open(sys.argv[1] + '.new', 'w').write(str(s.getsockname()[1]))
                os.rename(sys.argv[1] + '.new', sys.argv[1])
                kept = []
                while True:
                    kept.append(s.accept()[0])
                    kept[-1].sendall(sys.argv[2].encode())
                """, space.path("port"), word,
            ], environment: space.environment, folder: space.folder)
        defer { listener.signal(SIGKILL) }
        while !space.exists(space.path("port")) { poll(nil, 0, 20) }
        let session = try Self.session(
            "address: \"127.0.0.1:\(try space.read("port"))\", connect_timeout: 1, python: \(cluster.python)")
        let run = try session.saturn("run")
        #expect(run.status == 3)
        #expect(
            run.err.contains("does not answer as a Ray head") || run.err.contains("cannot join the Ray cluster"),
            "\(run.err)")
    }

    /// The client calls itself another version: the answer is the real head's.
    @Test func anotherVersion() throws {
        let stage = try RayStage(tasks: "[\"true\"]")
        try stage.session.write("other/sitecustomize.py", "import ray\nray.__version__ = '2.1.0'\n")
        stage.session.environment["PYTHONPATH"] = stage.session.path("other")
        let run = try stage.session.saturn("run")
        #expect(run.status == 3)
        #expect(run.err.contains("Version mismatch: The cluster was started with: Ray: 2."), "\(run.err)")
        #expect(run.err.contains("hint: 'python' has to name one of the cluster's versions"), "\(run.err)")
    }

    /// By the plan already, with its place.
    @Test func whatThePlanFindsWrong() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            executor:
              class_spec: RayExecutor
              address: head
              namespace: ""
              connect_timeout: 0
              python: ""
              num_cpus: few
              runtime_env: pip
            tasks:
              - {command: "true", resources: {gpus: 1.5, café: 1, license: 0.00001}}

            """)
        let plan = try session.saturn("plan")
        #expect(plan.status == 2, "\(plan.out)")
        #expect(
            plan.err.split(separator: "\n").filter { $0.hasPrefix("run.yaml") } == [
                "run.yaml:3:12: error: 'head' is no address of a Ray cluster; HOST:PORT of its head, or 'local' for one of the run's own",
                "run.yaml:4:14: error: 'namespace' is empty; without one it is 'saturn'",
                "run.yaml:5:20: error: a duration is more than 0 and at most 3650 days, not '0'",
                "run.yaml:6:11: error: 'python' is empty; without it, it is python3",
                "run.yaml:7:13: error: 'num_cpus' is a number of at least 0, not 'few'",
                "run.yaml:8:16: error: 'runtime_env' is a mapping",
                "run.yaml:10:41: error: Ray gives more than one GPU only as a whole number",
                "run.yaml:10:52: error: Ray has no resource of its own called 'café'; cpus, gpus and memory, or a name in ASCII",
                "run.yaml:10:64: error: Ray counts 'license' in ten-thousandths",
            ], "\(plan.err)")
    }

    @Test func anEnvironmentThatIsNone() throws {
        let stage = try RayStage(tasks: "[\"true\"]")
        let run = try stage.session.saturn("run", "--set", "executor.runtime_env={working_dir: nowhere}")
        #expect(run.status == 3)
        #expect(run.err.contains("error: 'runtime_env' is not what Ray wants: "), "\(run.err)")
    }

    /// It waits for a node that has it, and says so; what fits goes on.
    @Test func whatNoNodeHas() throws {
        let stage = try RayStage(
            tasks: "[{name: a, command: \"true\", resources: {license: 2}}, {name: b, command: echo b >> $RAN}]")
        let run = try stage.session.background("run")
        try run.waitForErrors("no node of Ray has 2 license, 1 CPU: tasks wait for one")
        #expect(try stage.ran() == ["b"])
        run.signal(SIGTERM)
        #expect(try run.ended().status == 143)
        #expect(try stage.left().isEmpty)
    }

    /// Variables, and a folder to work in.
    @Test func anEnvironment() throws {
        let stage = try RayStage()
        try stage.session.write("code/value.txt", "shipped\n")
        try stage.write(
            "[{name: a, command: \"echo $COLOUR; cat code/value.txt; pwd\"}]",
            more: "runtime_env: {env_vars: {COLOUR: blue}, working_dir: ., env_var: {SHAPE: round}}")
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.out)\(run.err)")
        #expect(run.err.contains(/warning: Ray \S+ knows no 'env_var' in 'runtime_env'\n/), "\(run.err)")
        let lines = try stage.session.read("results/a/log").split(separator: "\n")
        #expect(lines.prefix(2) == ["blue", "shipped"])
        #expect(lines.last.map { $0.contains("/working_dir_files/") } ?? false, "\(lines)")
    }

    /// A copy for the node, not for each of its processes.
    @Test func folders() throws {
        let stage = try RayStage()
        try stage.session.write("code/value.txt", "one\n")
        try stage.write(
            """
            [{name: "a{i}", command: "cat value.txt $SATURN_NEEDS_B/v; pwd >> $RAN; sleep 0.3", workdir: code, needs: [b],
              sweep: {grid: {i: {range: [1, 6]}}}}, {name: b, command: "echo b > $RESULTS_DIR/v"}]
            """, top: "file_syncs: [{src: code, dest: code}]")
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.out)\(run.err)")
        for task in 1...6 { #expect(try stage.session.read("results/a\(task)/log") == "one\nb\n") }
        let places = Set(try stage.ran())
        #expect(places.count == 1 && places.allSatisfy { $0.hasSuffix("/code/code") }, "\(places)")
    }

    /// From a copy on the node, whatever becomes of the original.
    @Test func snapshots() throws {
        let stage = try RayStage()
        try stage.session.write("lib/value.txt", "committed\n")
        try stage.write(
            """
            [{name: a, command: "cat value.txt; pwd >> $RAN; \(RayStage.wait); cat value.txt", workdir: lib, snapshot: true,
              code: commit}]
            """)
        try stage.session.makeRepository()
        let run = try stage.session.background("run")
        try stage.arrived()
        try stage.session.write("lib/value.txt", "edited\n")
        let folder = try stage.cluster.folder(of: stage.id())
        stage.release()
        #expect(try run.ended().status == 0)
        #expect(try stage.session.read("results/a/log") == "committed\ncommitted\n")
        let places = try stage.ran()
        #expect(places.allSatisfy { $0.hasPrefix(folder) && $0.hasSuffix("/lib") }, "\(places)")
    }

    @Test func theHeadDies() throws {
        let space = try TestSpace()
        let cluster = try RayCluster(in: space)
        let stage = try RayStage(
            tasks:
                "[{name: a, command: echo a >> $RAN}, {name: b, command: \"echo b >> $RAN; \(RayStage.wait)\", needs: [a]}]",
            more: "connect_timeout: 8", cluster: cluster)
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        cluster.stop()
        let end = try run.ended()
        // Its processes do not end at one moment: the supervisor may still say that the node is gone.
        let isGone = end.status == 3 && end.err.contains("the Ray cluster") && end.err.contains(" is gone")
        let isLost = end.status == 1 && end.out.contains("failed: b (lost: ")
        #expect(isGone || isLost, "\(end.status)\n\(end.out)\(end.err)")
        try waitForEnd(of: pid)
        try cluster.start()
        let again = try stage.session.background("run")
        try stage.arrived()
        stage.release()
        let ended = try again.ended()
        #expect(ended.status == 0, "\(ended.out)\(ended.err)")
        #expect(try stage.ran() == ["a", "b", "b"])
    }

    /// With one of its own, which outlives saturn and ends with the run.
    @Test func aClusterOfItsOwn() throws {
        let session = try Session()
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        try session.write(
            "run.yaml",
            """
            name: own
            defaults: {code: none}
            executor: {class_spec: RayExecutor, address: local, python: \(S3Server.programs)/python}
            tasks: [{name: a, command: "echo $$ > \(here.path); read line < \(go.path); echo 1 > $RESULTS_DIR/v"}]
            """)
        let run = try session.background("run")
        let pid = try #require(pid_t(here.line()))
        let text = try session.read(".saturn/bridges/own/cluster")
        let found = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let owner = try #require(found?["pid"] as? Int32)
        #expect((found?["address"] as? String)?.hasPrefix("127.0.0.1:") ?? false, "\(text)")
        // As the processes of Ray's that it has started are told.
        let words = try session.shell(
            "cat $(printf '/proc/%s/cmdline ' $(cat /proc/\(owner)/task/\(owner)/children)) | tr '\\0' '\\n'")
        let folder = String(try #require(words.out.firstMatch(of: /\/tmp\/saturn-ray-[^\/\s]+/)).output)
        #expect(session.exists(folder))
        run.signal(SIGKILL)
        try run.ended()
        #expect(isRunning(pid) && isRunning(owner))
        go.send()
        let collect = try session.saturn("collect")
        #expect(collect.status == 0, "\(collect.out)\(collect.err)")
        #expect(try session.read("results/own/a/results/v") == "1\n")
        try waitForEnd(of: owner)
        #expect(try session.names(".saturn/bridges/own").sorted() == ["bridge.log", "cluster.log"])
        #expect(!session.exists(folder), "what Ray writes for itself is gone, too")
    }

    /// By somebody's kill as soon as it is seen: the next one does its work.
    @Test func theSupervisorDiesAsItStarts() throws {
        let stage = try RayStage(tasks: "[{name: a, command: echo a >> $RAN}]")
        let killer = try ChildProcess(
            [
                stage.cluster.python, "-c",
                """
                import glob, os, signal, sys
                while True:
                    try:
                        run = open(sys.argv[1], "rb").read().strip()
                    except OSError:
                        continue
                    for path in glob.glob("/proc/[0-9]*/cmdline"):
                        try:
                            words = open(path, "rb").read()
                        except OSError:
                            continue
                        if run and words.startswith(b"ray::saturn-" + run + b":Supervisor.__init__"):
                            os.kill(int(path.split("/")[2]), signal.SIGKILL)
                            raise SystemExit
                """, stage.session.path(".saturn/bridges/stage/id"),
            ], environment: stage.session.space.environment, folder: stage.session.space.folder)
        let run = try stage.session.saturn("run")
        killer.signal(SIGKILL)
        #expect(try killer.wait().status == 0, "it has killed one")
        #expect(run.status == 0, "\(run.out)\(run.err)")
        #expect(try stage.ran() == ["a"])
        #expect(try stage.left().isEmpty)
    }
}

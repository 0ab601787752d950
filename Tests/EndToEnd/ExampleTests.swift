import Engines
import Foundation
import Testing

/// Every run file that the project ships can be planned, and its check of itself succeeds.
@Suite(.ownThread) struct ExampleTests {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// Paths of the run files, relative to the project.
    private static let runFiles: [String] = ["examples", "Pipelines"].flatMap { folder -> [String] in
        let names = FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".yaml") && !$0.contains("results/") }.map { "\(folder)/\($0)" }
    }.sorted()

    /// A copy of what the files name, in a repository, as a user who cloned the project has it.
    private func makeProject() throws -> Session {
        let session = try Session()
        for folder in ["examples", "Pipelines"] {
            try session.shell("cp -R '\(Self.root)/\(folder)' . && rm -rf \(folder)/results \(folder)/*/results")
        }
        try session.makeRepository()
        return session
    }

    @Test func areThere() {
        for name in [
            "grid-search", "hello", "lr-sweep", "lr-sweep-dask", "lr-sweep-ray", "lr-sweep-s3", "loess-r",
            "pi-kubernetes",
        ] {
            #expect(Self.runFiles.contains("examples/\(name)/run.yaml"), "\(Self.runFiles)")
        }
        #expect(Self.runFiles.contains("Pipelines/self-test.yaml"), "\(Self.runFiles)")
    }

    @Test(arguments: runFiles) func canBePlanned(_ name: String) throws {
        let session = try makeProject()
        let folder = (name as NSString).deletingLastPathComponent
        var line = "saturn plan \((name as NSString).lastPathComponent) --json"
        var server: S3Server?
        if try session.read(name).contains("class_spec: S3") {
            try #require(S3Server.missing == nil, "\(S3Server.missing ?? "")")
            server = try S3Server(.rclone, in: session.space)
            session.environment["AWS_ACCESS_KEY_ID"] = S3Server.accessKey
            session.environment["AWS_SECRET_ACCESS_KEY"] = S3Server.secretKey
            line += " --set results.endpoint_url=\(server?.url ?? "") --set results.s3_url=s3://bucket/x"
        }
        defer { server?.stop() }
        let plan = try session.shell(line, in: folder)
        #expect(plan.status == 0, "\(plan.err)")
        #expect(plan.err == "")
        let document = try PlanJSON(plan)
        #expect(!document.tasks.isEmpty)
        #expect(document.names("run").count == document.tasks.count)
    }

    /// On a head that is there.
    @Test(.enabled(if: RayStage.isInstalled, RayStage.reason)) func lrSweepOnRay() throws {
        let cluster = try RayCluster.shared.get().cluster
        let session = try makeProject()
        let run = try session.saturn(
            "run", "examples/lr-sweep-ray/run.yaml", "--set", "executor.address=\(cluster.address)", "--set",
            "executor.python=\(cluster.python)")
        #expect(run.status == 0 && run.out.hasPrefix("lr-sweep-ray: 4 succeeded"), "\(run.out)\(run.err)")
        for task in ["lr-0.5", "lr-0.6", "lr-0.7", "lr-0.8"] {
            let results = "examples/lr-sweep-ray/results/lr-sweep-ray/\(task)/results"
            #expect(try session.read("\(results)/metrics.json").contains("test_accuracy"))
        }
    }

    /// The same fits on every kind of plan.
    @Test(
        .enabled(if: RStage.isInstalled, RStage.reason),
        arguments: [
            "plan: multisession, workers: 2", "plan: multicore, workers: 2",
            "plan: cluster, workers: [localhost, localhost]",
            "plan: \"future.batchtools::batchtools_local\"", "plan: sequential",
        ])
    func loessOnR(_ plan: String) throws {
        let session = try makeProject()
        let rscript = try RPrograms.rscript(in: session.space)
        let run = try session.saturn(
            "run", "examples/loess-r/run.yaml", "--set",
            "executor={class_spec: RFuturesExecutor, rscript: \(rscript), \(plan)}")
        #expect(run.status == 0 && run.out.hasPrefix("loess-r: 11 succeeded"), "\(run.out)\(run.err)")
        let table = try session.read("examples/loess-r/results/loess-r/best/results/table.csv")
        #expect(table.split(separator: "\n").count == 11, "\(table)")
        #expect(try session.names(".saturn/bridges/loess-r") == ["bridge.log"])
    }

    /// In pods that share nothing with this machine.
    @Test(.enabled(if: KubernetesStage.isInstalled, KubernetesStage.reason)) func piOnKubernetes() throws {
        let session = try makeProject()
        let cluster = try KubernetesCluster.shared.get()
        let run = try session.saturn(
            "run", "examples/pi-kubernetes/run.yaml", "--set",
            "executor={class_spec: KubernetesExecutor, kubeconfig: \(cluster.kubeconfig), image: \"\(KubernetesCluster.image)\", "
                + "image_pull_policy: Never, host_network: true}")
        #expect(run.status == 0 && run.out.hasPrefix("pi-kubernetes: 7 succeeded"), "\(run.out)\(run.err)")
        let pi = try Double(session.read("examples/pi-kubernetes/results/pi-kubernetes/mean/log").dropLast())
        #expect(try abs(#require(pi) - 3.14) < 0.01)
    }

    @Test func selfTest() throws {
        let session = try makeProject()
        let run = try session.saturn("run", "self-test.yaml", in: "Pipelines")
        #expect(run.status == 0, "\(run.err)")
        let rerun = try session.saturn("plan", "self-test.yaml", "--exit-code", in: "Pipelines")
        #expect(rerun.status == 0, "\(rerun.out)")
    }

    @Test func hello() throws {
        let session = try makeProject()
        let run = try session.saturn("run", in: "examples/hello")
        #expect(run.status == 0, "\(run.err)")
        #expect(
            try session.read("examples/hello/results/hello/2/results/greetings.txt")
                == "hello from alice\nhello from bob\n")
    }

    // MARK: The grid search

    private static let grid = "examples/grid-search"

    /// Runs the grid search; the tasks by what became of them.
    private func search(_ session: Session, _ arguments: String...) throws -> [String: [String]] {
        let line = "saturn run --json " + arguments.joined(separator: " ")
        let run = try session.shell(line, in: Self.grid)
        #expect(run.status == 0, "\(run.err)")
        let tasks = try RunJSON(run).tasks
        return Dictionary(grouping: tasks, by: \.state).mapValues { $0.map(\.name) }
    }

    /// A hundred trainings for real; they run again when what they are trained on is another, and only then.
    @Test func gridSearch() throws {
        let session = try makeProject()
        let plan = try session.saturn("plan", in: Self.grid)
        #expect(plan.out.hasPrefix("grid-search: 102 tasks\n"), "\(plan.out)")
        let first = try search(session)
        #expect(first.mapValues(\.count) == ["succeeded": 102])
        let results = "\(Self.grid)/results/grid-search"
        let table = try session.read("\(results)/summary/results/table.txt")
        #expect(table == (try session.read("\(results)/summary/log")))
        #expect(table.split(separator: "\n").count == 7, "a heading, a line for each of the rates, the best:\n\(table)")
        #expect(try session.saturn("plan", "--exit-code", in: Self.grid).status == 0)

        // What comes out is the same: nothing behind it runs.
        try session.append("\(Self.grid)/prepare.py", "# the same points\n")
        let touched = try PlanJSON(session.saturn("plan", "--json", in: Self.grid))
        #expect(touched.names("run") == ["prepare"])
        #expect(touched.reasons("run") == ["code: \(Self.grid)/prepare.py changed (uncommitted)"])
        #expect(touched.names("maybe").count == 101)
        #expect(
            try search(session) == [
                "succeeded": ["prepare"], "reused": Array(first["succeeded", default: []].dropFirst()),
            ])

        // Other points: everything runs, and what changed is named at every step.
        try session.replace("--noise 0.2", "--noise 0.3", in: "\(Self.grid)/run.yaml")
        #expect(try why(session, "prepare") == ["prepare: run", "command: --noise 0.2 → --noise 0.3"])
        #expect(try search(session, "--only prepare")["succeeded"] == ["prepare"])
        #expect(
            try why(session, "train-lr0.1-d3-s1") == [
                "train-lr0.1-d3-s1: run", "needs: results of prepare changed (test.csv, train.csv)",
            ])
        #expect(try search(session).mapValues(\.count) == ["succeeded": 101, "reused": 1])
        #expect(try session.read("\(results)/summary/results/table.txt") != table)
    }

    /// The first two lines of an explanation: what is to happen, and what changed.
    private func why(_ session: Session, _ task: String) throws -> [String] {
        let lines = try session.saturn("why", task, in: Self.grid).out.split(separator: "\n")
        return lines.prefix(2).map { $0.trimmingCharacters(in: .whitespaces) }
    }
}

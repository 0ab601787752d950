import Engines
import SaturnCore
import SaturnExecutors
import SaturnTesting
import Testing

/// An executor that the contract suite is run against.
///
/// Another executor joins the suite by one more line in ``all``.
struct Candidate: CustomTestStringConvertible, Sendable {
    /// What a test asks of the executor.
    struct Wish: Hashable, Sendable {
        var slots = 2
        /// What the tasks inherit, as `NAME=value`, where that is saturn's to say.
        var environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"]
        var run = "bench"
    }

    var name: String
    /// With a folder for what it needs.
    var make: @Sendable (Wish, TestSpace) throws -> any Executor
    /// Of one that takes seconds to start: the folder of its engine. Tests that wish for nothing special use one together.
    var home: (@Sendable () throws -> TestSpace)?

    /// How many tasks are many: an engine that makes a container for each has one a second.
    var crowd = 500
    /// Whether a task that a signal has ended is told from one that says so itself.
    var tellsSignals = true

    var testDescription: String { name }

    func killed(by signal: Int32) -> Exit { tellsSignals ? .signal(signal) : .code(128 + signal) }

    static let multiprocessing = Candidate(
        name: "Multiprocessing",
        make: { wish, _ in try MultiprocessingExecutor(jobs: wish.slots, environment: wish.environment) })

    static let dask = Candidate(
        name: "Dask", make: { try dask($0, $1, isShared: false) }, home: { try DaskCluster.shared.get().space })
    static let sharedDask = Candidate(
        name: "Dask on a shared disk", make: { try dask($0, $1, isShared: true) },
        home: { try DaskCluster.shared.get().space })

    static let ray = Candidate(
        name: "Ray",
        make: { wish, space in
            let cluster = try RayCluster.shared.get().cluster
            let settings = ["address": cluster.address, "python": cluster.python, "jobs": "\(wish.slots)"]
            return try RayExecutor.make(spec("Ray", settings), context(wish, space))
        }, home: { try RayCluster.shared.get().cluster.space })

    /// On sessions of its own each time; tests that use one together are content with eight.
    static let r = Candidate(
        name: "R",
        make: { wish, space in
            let settings = [
                "rscript": try RPrograms.rscript(in: space), "workers": "\(min(wish.slots, 8))",
                "jobs": "\(wish.slots)",
            ]
            return try RFuturesExecutor.make(spec("RFutures", settings), context(wish, space))
        }, home: { try RPrograms.space.get() })

    /// The node is this machine, and pods see the folders of tests.
    static let kubernetes = Candidate(
        name: "Kubernetes",
        make: { wish, space in
            let cluster = try KubernetesCluster.shared.get()
            var settings = ["image": KubernetesCluster.tools, "jobs": "\(wish.slots)", "image_pull_policy": "Never"]
            settings["kubeconfig"] = cluster.kubeconfig
            settings["host_network"] = "true"
            var spec = spec("Kubernetes", settings)
            spec.settings["pod"] = try setting([
                "volumes": [["name": "tests", "hostPath": ["path": "/tmp"]]],
                "containers": [["name": "task", "volumeMounts": [["name": "tests", "mountPath": "/tmp"]]]],
            ])
            var wish = wish
            // Of a container, and of nothing that saturn has.
            wish.environment = KubernetesCluster.environment(cluster.folder)
            return try KubernetesExecutor.make(spec, context(wish, space))
        }, home: { try KubernetesCluster.space.get() }, crowd: 12, tellsSignals: false)

    private static func setting(_ value: Any) throws -> Setting {
        let mark = SourceMark(line: 1, column: 1)
        switch value {
        case let map as [String: Any]: return Setting(.map(try map.mapValues(setting)), at: mark)
        case let list as [Any]: return Setting(.list(try list.map(setting)), at: mark)
        default: return Setting(.scalar("\(value)"), at: mark)
        }
    }

    /// On one cluster for all tests, of many threads: tasks of other tests wait in theirs.
    private static func dask(_ wish: Wish, _ space: TestSpace, isShared: Bool) throws -> any Executor {
        let settings = [
            "scheduler_address": try DaskCluster.shared.get().address, "python": DaskCluster.python,
            "jobs": "\(wish.slots)", "shared": isShared ? "true" : "false",
        ]
        return try DaskExecutor.make(spec("Dask", settings), context(wish, space))
    }

    private static func spec(_ name: String, _ settings: [String: String]) -> ComponentSpec {
        ComponentSpec(
            name: name,
            settings: settings.mapValues { Setting(.scalar($0), at: SourceMark(line: 1, column: 1)) })
    }

    private static func context(_ wish: Wish, _ space: TestSpace) -> ExecutorContext {
        ExecutorContext(
            environment: wish.environment, run: wish.run, folder: space.folder,
            bridgeFolder: space.path("bridges/\(wish.run)"))
    }

    static let all =
        [multiprocessing] + (DaskCluster.missing == nil ? [dask, sharedDask] : [])
        + (RayCluster.missing == nil ? [ray] : []) + (RPrograms.missing == nil ? [r] : [])
        + (KubernetesCluster.missing == nil ? [kubernetes] : [])
}

@Suite("Executors that are tested")
struct CandidateTests {
    @Test(.enabled(if: DaskCluster.missing == nil, Comment(rawValue: DaskCluster.missing ?? "")))
    func dask() { #expect(Candidate.all.filter { $0.name.hasPrefix("Dask") }.count == 2) }

    @Test(.enabled(if: RayCluster.missing == nil, Comment(rawValue: RayCluster.missing ?? "")))
    func ray() { #expect(Candidate.all.contains { $0.name == "Ray" }) }

    @Test(.enabled(if: RPrograms.missing == nil, Comment(rawValue: RPrograms.missing ?? "")))
    func r() { #expect(Candidate.all.contains { $0.name == "R" }) }

    @Test(.enabled(if: KubernetesCluster.missing == nil, Comment(rawValue: KubernetesCluster.missing ?? "")))
    func kubernetes() { #expect(Candidate.all.contains { $0.name == "Kubernetes" }) }
}

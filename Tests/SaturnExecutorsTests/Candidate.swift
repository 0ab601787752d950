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
    struct Wish: Sendable {
        var slots = 2
        /// What the tasks inherit, as `NAME=value`, where that is saturn's to say.
        var environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"]
    }

    var name: String
    /// With a folder for what it needs.
    var make: @Sendable (Wish, TestSpace) throws -> any Executor

    var testDescription: String { name }

    static let multiprocessing = Candidate(name: "Multiprocessing") { wish, _ in
        try MultiprocessingExecutor(jobs: wish.slots, environment: wish.environment)
    }

    static let dask = Candidate(name: "Dask") { try dask($0, $1, isShared: false) }
    static let sharedDask = Candidate(name: "Dask on a shared disk") { try dask($0, $1, isShared: true) }

    /// On one cluster for all tests, of many threads: tasks of other tests wait in theirs.
    private static func dask(_ wish: Wish, _ space: TestSpace, isShared: Bool) throws -> any Executor {
        let settings = [
            "scheduler_address": try DaskCluster.shared.get().address, "python": DaskCluster.python,
            "jobs": "\(wish.slots)", "shared": isShared ? "true" : "false",
        ]
        let spec = ComponentSpec(
            name: "Dask",
            settings: settings.mapValues { Setting(.scalar($0), at: SourceMark(line: 1, column: 1)) })
        let context = ExecutorContext(
            environment: wish.environment, run: "bench", folder: space.folder,
            bridgeFolder: space.path("bridges/bench"))
        return try DaskExecutor.make(spec, context)
    }

    static let all = [multiprocessing] + (DaskCluster.missing == nil ? [dask, sharedDask] : [])
}

@Suite("Executors that are tested")
struct CandidateTests {
    @Test(.enabled(if: DaskCluster.missing == nil, Comment(rawValue: DaskCluster.missing ?? "")))
    func dask() { #expect(Candidate.all.count == 3) }
}

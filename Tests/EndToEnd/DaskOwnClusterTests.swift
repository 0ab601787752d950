import Engines
import Foundation
import SaturnTesting
import Testing

/// A cluster that a run makes for itself.
@Suite(.enabled(if: DaskStage.isInstalled, DaskStage.reason), .timeLimit(.minutes(25)))
struct DaskOwnClusterTests {
    private let session: Session
    private let go: Meeting
    private let here: Meeting

    init() throws {
        session = try Session()
        (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        try session.write(
            "run.yaml",
            """
            name: own
            defaults: {code: none}
            executor:
              class_spec: DaskExecutor
              python: \(DaskCluster.python)
              cluster_class: LocalCluster
              cluster_kwargs: {n_workers: 2, threads_per_worker: 1, dashboard_address: null,
                worker_dashboard_address: "127.0.0.1:0", host: 127.0.0.1}
            tasks:
              - {name: "t{i}", command: "echo $$ > \(here.path); read line < \(go.path)", sweep: {grid: {i: [1, 2]}}}
            """)
    }

    private func arrived() throws -> [pid_t] { try (0..<2).compactMap { _ in try pid_t(here.line()) } }

    /// The process that holds the cluster.
    private func owner() throws -> pid_t {
        let text = try session.read(".saturn/bridges/own/cluster")
        let found = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        return try #require(found?["pid"] as? Int32)
    }

    @Test func itEndsWithTheRun() throws {
        let run = try session.background("run")
        _ = try arrived()
        let owner = try owner()
        for _ in 0..<2 { go.send() }
        #expect(try run.ended().status == 0)
        try waitForEnd(of: owner)
        #expect(try session.names(".saturn/bridges/own").sorted() == ["bridge.log", "cluster.log"])
    }

    @Test func itOutlivesSaturn() throws {
        let run = try session.background("run")
        let pids = try arrived()
        run.signal(SIGKILL)
        try run.ended()
        for _ in 0..<2 { go.send() }
        for pid in pids { try waitForEnd(of: pid) }
        let owner = try owner()
        let collect = try session.saturn("collect")
        #expect(collect.status == 0, "\(collect.out)\(collect.err)")
        try waitForEnd(of: owner)
    }

    @Test func terminateEndsIt() throws {
        let run = try session.detach()
        let pids = try arrived()
        let owner = try owner()
        let terminate = try session.saturn("terminate")
        #expect(terminate.status == 0, "\(terminate.out)\(terminate.err)")
        for pid in pids + [owner, run.pid] { try waitForEnd(of: pid) }
    }

    @Test func aClassThatIsNone() throws {
        let run = try session.saturn("run", "--set", "executor.cluster_class=NoCluster")
        #expect(run.status == 3)
        #expect(run.err.contains("error: NoCluster cannot be made: "), "\(run.err)")
    }
}

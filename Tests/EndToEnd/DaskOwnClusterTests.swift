import Engines
import Foundation
import SaturnTesting
import Testing

/// A cluster that a run makes for itself.
@Suite(.ownThread, .enabled(if: DaskStage.isInstalled, DaskStage.reason), .timeLimit(.minutes(25)))
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

    /// Nobody could find it any more.
    @Test func itEndsWithTheState() throws {
        let run = try session.background("run")
        let pids = try arrived()
        let owner = try owner()
        run.signal(SIGKILL)
        try run.ended()
        try session.remove(".saturn")
        for pid in pids + [owner] { try waitForEnd(of: pid) }
    }

    @Test func itIsMovedWithTheState() throws {
        try session.shell("mkdir old; mv run.yaml old")
        let run = try session.background("run", in: "old")
        let pids = try arrived()
        run.signal(SIGKILL)
        try run.ended()
        try session.shell("mv old new")
        let collect = try session.background("collect", in: "new")
        #expect(pids.allSatisfy { isRunning($0) })
        for _ in 0..<2 { go.send() }
        let end = try collect.ended()
        #expect(end.status == 0 && end.out.hasPrefix("own: 2 succeeded"), "\(end.out)\(end.err)")
    }

    @Test func withOtherSettingsItIsAnotherOne() throws {
        let run = try session.background("run")
        let pids = try arrived()
        let owner = try owner()
        run.signal(SIGKILL)
        try run.ended()
        let again = try session.background("run", "--set", "executor.cluster_kwargs.n_workers=1")
        for pid in pids + [owner] { try waitForEnd(of: pid) }
        for _ in 0..<2 {
            _ = try here.line()
            go.send()
        }
        let end = try again.ended()
        #expect(end.status == 0, "\(end.err)")
        #expect(
            end.err.contains("warning: what ran on Dask is ended: the run file's executor has other settings now"),
            "\(end.err)")
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

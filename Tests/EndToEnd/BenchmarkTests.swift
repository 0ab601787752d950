import Engines
import Foundation
import SaturnTesting
import Testing

/// The project's benchmark, a thousand times smaller: its figures say nothing then, but all of it is run.
@Suite(.ownThread) struct BenchmarkTests {
    /// A copy of the pipelines, in a repository, as a user who cloned the project has them.
    private func makeProject() throws -> Session {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let session = try Session()
        try session.shell("cp -R '\(root)/Pipelines' . && rm -rf Pipelines/results")
        try session.shell("mkdir -p Tests/Engines && cp '\(root)/Tests/Engines/'*.py Tests/Engines")
        try session.makeRepository()
        session.environment["BENCH_SCALE"] = "0.001"
        session.environment["BENCH_SATURN"] = try Session.binary()
        session.environment["PATH", default: "/usr/bin:/bin"] += ":\(S3Server.programs)"
        return session
    }

    private static let missing =
        ["ninja", "time", "make"].filter { (try? Session().shell("command -v \($0)").status) != 0 }
        + (S3Server.missing == nil ? [] : ["rclone"]) + (DaskStage.isInstalled ? [] : ["dask"])
        + (RayStage.isInstalled ? [] : ["ray"]) + (RStage.isInstalled ? [] : ["R"])
    private static let reason = Comment("SKIPPED: the benchmark needs \(missing); make test-tools")

    @Test(.enabled(if: missing.isEmpty, reason)) func makesItsPage() throws {
        let session = try makeProject()
        let shared = "/dev/shm/\(UUID().uuidString)"
        session.makeFolder(shared)
        defer { session.space.remove(shared) }

        let run = try session.shell("saturn run benchmark.yaml", in: "Pipelines", env: ["BENCH_FOLDER": shared])
        #expect(run.status == 0, "\(run.err)")
        #expect(try session.names(shared).isEmpty, "what it made there goes")
        let page = try session.read("docs/benchmarks.md")
        #expect(page.hasPrefix("# Benchmarks at scale 0.001: too small to say anything\n"), "\(page)")
        for line in ["### Cold run, 10 tasks", "| rerun, nothing to do | ", "| saturn in git, new | "] {
            #expect(page.contains("\n\(line)"), "\(line) in:\n\(page)")
        }
        let drawn = try session.shell("python3 -c 'import xml.dom.minidom as x; x.parse(\"docs/benchmarks.svg\")'")
        #expect(drawn.status == 0, "\(drawn.err)")
    }

    /// A figure counts only when the work was done.
    @Test(.enabled(if: missing.isEmpty, reason)) func refusesWhoDoesNothing() throws {
        let session = try makeProject()
        let run = try session.shell(
            "saturn run benchmark.yaml --only measure-cold", in: "Pipelines", env: ["BENCH_SATURN": "/bin/true"])
        #expect(run.status == 1)
        #expect(run.err.contains("| error: saturn: 10 of 10 tasks was not done"), "\(run.err)")
    }

    @Test func wantsTmpfs() throws {
        let session = try makeProject()
        let run = try session.shell(
            "saturn run benchmark.yaml --only measure-cold", in: "Pipelines", env: ["BENCH_FOLDER": "/proc"])
        #expect(run.status == 1)
        #expect(run.err.contains("| error: /proc is proc, not tmpfs; set BENCH_FOLDER"), "\(run.err)")
    }
}

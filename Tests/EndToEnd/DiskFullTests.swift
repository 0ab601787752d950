import Glibc
import Testing

/// Row 12 of faults.md: no room, no permission to write, or no folder any more. The run says so and ends; when the
/// cause is gone the next one finishes by itself.
@Suite(.ownThread, .enabled(if: SmallDisk.isPossible, SmallDisk.reasonToSkip))
struct DiskFullTests {
    /// With room for one page more each time, so that each write is once the one that does not fit.
    @Test(arguments: SmallDiskStage.Full.allCases) func atEachWrite(_ full: SmallDiskStage.Full) throws {
        var failures = 0
        for pages in 0...200 {
            let stage = try SmallDiskStage(full)
            try stage.disk.fill(leaving: pages)
            let run = try stage.session.saturn("run")
            try stage.expectFault(run, "\(full), first run with \(pages) pages")
            stage.disk.free()
            try stage.expectWhole(version: 1, "\(full), first run with \(pages) pages")
            guard run.status != 0 else { break }
            failures += 1
        }
        #expect(failures > 5 && failures < 200)
    }

    /// The same when results stand there that are superseded: none of them is lost.
    @Test(arguments: [SmallDiskStage.Full.results, .state]) func atEachWriteOfALaterRun(_ full: SmallDiskStage.Full)
        throws
    {
        var failures = 0
        for pages in 0...200 {
            let what = "\(full), later run with \(pages) pages"
            let stage = try SmallDiskStage(full)
            try stage.expectWhole(version: 1, what)
            try stage.write(version: 2)
            try stage.disk.fill(leaving: pages)
            let run = try stage.session.saturn("run")
            try stage.expectFault(run, what)
            stage.disk.free()
            try stage.expectWhole(version: 2, what)
            try stage.write(version: 1)
            let back = try stage.session.saturn("run")
            try #require(back.out.hasPrefix("full: 4 restored (T)\n"), "\(what): \(back.out)\(back.err)")
            guard run.status != 0 else { break }
            failures += 1
        }
        #expect(failures > 5 && failures < 200)
    }

    @Test(arguments: SmallDiskStage.Full.allCases) func readOnly(_ full: SmallDiskStage.Full) throws {
        let stage = try SmallDiskStage(full)
        try stage.expectWhole(version: 1, "before")
        try stage.write(version: 2)
        let before = try stage.listing()
        try stage.disk.setReadOnly(true)
        let run = try stage.session.saturn("run")
        #expect(run.status == 3, "\(run.out)\(run.err)")
        #expect(run.err.contains("Read-only file system") || run.err.contains("readonly database"), "\(run.err)")
        #expect(try difference(before, stage.listing()) == [])
        #expect(try stage.session.saturn("plan", "--exit-code").status == 6, "looking needs no writing")
        try stage.disk.setReadOnly(false)
        try stage.expectWhole(version: 2, "after")
    }

    /// The disk fills while tasks run: what they did is not called a success.
    @Test func whileATaskRuns() throws {
        let stage = try SmallDiskStage(.results)
        let (here, go) = (try Meeting(stage.session.space.path("here")), try Meeting(stage.session.space.path("go")))
        try stage.write(version: 1, more: "echo $NAME > \(here.path); read line < \(go.path)")
        let run = try stage.session.background("run", "-j", "4")
        for _ in 0..<4 { _ = try here.line() }
        try stage.disk.fill(leaving: 0)
        for _ in 0..<4 { go.send() }
        let ended = try run.ended()
        #expect(ended.status == 3, "\(ended.err)")
        try stage.expectFault(ended, "filled while tasks ran")
        stage.disk.free()
        try stage.write(version: 1)
        try stage.expectWhole(version: 1, "afterwards")
    }
}

extension DiskFullTests {
    /// The whole results folder goes while tasks run in it.
    @Test func removedMidRun() throws {
        let stage = try SmallDiskStage(.state)
        let (here, go) = (try Meeting(stage.session.space.path("here")), try Meeting(stage.session.space.path("go")))
        try stage.write(version: 1, more: "echo $NAME > \(here.path); read line < \(go.path)")
        let run = try stage.session.background("run", "-j", "2")
        for _ in 0..<2 { _ = try here.line() }
        try stage.session.remove("results")
        for _ in 0..<4 { go.send() }
        let ended = try run.ended()
        #expect(ended.status == 3 || ended.status == 1, "\(ended.status) \(ended.err)")
        #expect(ended.err.contains("results"), "\(ended.err)")
        try stage.write(version: 1)
        try stage.expectWhole(version: 1, "afterwards")
    }

    /// The project's state goes while tasks run: what has succeeded stands in the layout.
    @Test func stateRemovedMidRun() throws {
        let stage = try SmallDiskStage(.state)
        let (here, go) = (try Meeting(stage.session.space.path("here")), try Meeting(stage.session.space.path("go")))
        try stage.write(version: 1, more: "echo $NAME > \(here.path); read line < \(go.path)")
        let run = try stage.session.background("run", "-j", "2")
        for _ in 0..<2 { _ = try here.line() }
        try stage.session.remove("small/state")
        for _ in 0..<4 { go.send() }
        let ended = try run.ended()
        #expect([0, 3].contains(ended.status), "\(ended.status) \(ended.err)")
        try stage.expectWhole(version: 1, "afterwards")
    }
}

/// A run of four tasks with their results, the project's state, or both on a small disk.
final class SmallDiskStage {
    enum Full: String, CaseIterable { case results, state, both }

    private static let names = ["a", "b", "c", "d"]
    let session: Session
    let disk: SmallDisk

    init(_ full: Full) throws {
        self.full = full
        session = try Session()
        disk = try SmallDisk(at: session.path("small"))
        session.environment["RAN"] = session.space.path("ran")
        try session.space.write("ran", "")
        session.environment["SATURN_STATE"] = session.path(full == .results ? "state" : "small/state")
        session.makeFolder("small/results")
        if full == .state { session.makeFolder("results") }
        try write(version: 1)
    }

    deinit { disk.unmount() }

    private let full: Full
    private var folder: String { full == .state ? "results" : "small/results" }

    func write(version: Int, more: String = "true") throws {
        let tasks = Self.names.map { "  - {name: \($0), env: {NAME: \($0), VERSION: '\(version)'}}\n" }.joined()
        try session.write(
            "run.yaml",
            """
            name: full
            defaults:
              code: none
              command: |
                \(more)
                echo $NAME $VERSION > $RESULTS_DIR/x
                echo "end of $NAME $VERSION"
                echo $NAME $VERSION >> $RAN
            tasks:
            \(tasks)results: {class_spec: LocalDir, directory: \(folder)}

            """)
    }

    /// A run that had too little room: it says so, and nothing incomplete is called a success.
    func expectFault(_ run: Transcript, _ what: String) throws {
        #expect([0, 1, 3].contains(run.status), "\(what): \(run.status) \(run.err)")
        if run.status == 3 {
            #expect(run.err.contains("No space left") || run.err.contains("disk is full"), "\(what): \(run.err)")
        }
        for name in Self.names where session.exists("\(folder)/\(name)/status") {
            guard try session.read("\(folder)/\(name)/status") == "success" else { continue }
            let text = try session.read("\(folder)/\(name)/results/x")
            #expect(try session.read("\(folder)/\(name)/log") == "end of \(text)", "\(what)")
            #expect(try session.read("\(folder)/\(name)/events").contains("  - type: complete\n"), "\(what)")
        }
    }

    /// Runs to the end: every task has its result, and those that had one are not executed.
    func expectWhole(version: Int, _ what: String) throws {
        let before = try executed()
        let had = try Self.names.filter { try isSuccess($0, version) }
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(what): \(run.out)\(run.err)")
        let again = try executed()[before.count...].filter { line in had.contains { line == "\($0) \(version)" } }
        #expect(again == [], "\(what)")
        for name in Self.names { #expect(try isSuccess(name, version), "\(what): \(name)") }
    }

    /// What there is on the small disk.
    func listing() throws -> [String: String] { try session.listing().filter { $0.key.hasPrefix(disk.path) } }

    private func executed() throws -> [String] {
        try session.read(session.space.path("ran")).split(separator: "\n").map(String.init)
    }

    private func isSuccess(_ name: String, _ version: Int) throws -> Bool {
        let folder = "\(folder)/\(name)"
        guard session.exists("\(folder)/status"), try session.read("\(folder)/status") == "success" else {
            return false
        }
        return try session.read("\(folder)/results/x") == "\(name) \(version)\n"
    }
}

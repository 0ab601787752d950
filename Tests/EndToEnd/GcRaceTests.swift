import Foundation
import Glibc
import Testing

/// Row 21 of faults.md: `saturn gc` while a run goes on, and one that is killed.
@Suite(.ownThread) struct GcRaceTests {
    private static let tasks = (0..<30).map { "t\($0)" }

    /// The tasks' state changes from round to round, to earlier ones too: so results leave, come back and are deleted
    /// all at once.
    @Test func besideAnActiveRun() throws {
        let session = try Session()
        var collected = 0
        for round in 0..<100 {
            let version = [0, 1, 0, 2][round % 4]
            try Self.write(session, version: version)
            let run = try session.background("run")
            let gc = try session.saturn("gc", "--all")
            let again = try session.saturn("gc", "--all")
            let ended = try run.ended()
            try #require(ended.status == 0, "round \(round): \(ended.out)\(ended.err)")
            for gc in [gc, again] where round > 0 {
                try #require(gc.status == 0, "round \(round): \(gc.out)\(gc.err)")
                if !gc.out.contains("nothing") { collected += 1 }
            }
            for task in Self.tasks {
                let folder = "results/gc/\(task)"
                try #require(session.exists("\(folder)/status"), "round \(round): \(task)")
                try #require(try session.read("\(folder)/status") == "success", "round \(round): \(task)")
                try #require(try session.read("\(folder)/results/x") == "\(task) \(version)\n", "round \(round)")
                try #require(try session.read("\(folder)/log") == "end\n", "round \(round)")
            }
            let plan = try session.saturn("plan", "--exit-code")
            try #require(plan.status == 0, "round \(round): \(plan.out)\(plan.err)")
        }
        #expect(collected > 20, "gc hardly ever found anything")
    }

    /// From planning until what it restores stands, a run has the attic to itself: gc, too, holds this lock.
    @Test func oneAfterTheOther() throws {
        let session = try Self.superseded()
        try Self.write(session, version: 0)
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        session.environment["HERE"] = here.path
        session.environment["GO"] = go.path
        let gc = try session.background(
            shell: "exec flock results/gc/.saturn/attic.lock sh -c 'echo held > $HERE; read line < $GO'")
        _ = try here.line()
        let run = try session.background("run")
        try session.waitUntilBlocked(run.pid)
        #expect(try session.read("results/gc/t0/results/x") == "t0 1\n", "nothing is restored yet")
        go.send()
        #expect(try gc.ended().status == 0)
        #expect(try run.ended().out.hasPrefix("gc: 30 restored (T)\n"))
    }

    /// At every named step once, and the next one finishes.
    @Test func killed() throws {
        let undisturbed = try Self.superseded()
        try Self.gc(undisturbed)
        let steps = try undisturbed.read(undisturbed.space.path("steps")).split(separator: "\n")
        #expect(steps.count > Self.tasks.count, "a debug build notes its steps: \(steps)")
        for step in Set(steps) {
            let session = try Self.superseded()
            let killed = try Self.gc(session, dyingAt: "\(step)")
            #expect(killed.status == 137, "\(step)")
            #expect(try session.saturn("plan", "--exit-code").status == 0, "\(step)")
            let gc = try session.saturn("gc", "--all")
            #expect(gc.status == 0, "\(step): \(gc.err)")
            #expect(try session.shell("find results/gc/.saturn -name x").out == "", "\(step)")
            let run = try session.saturn("run")
            #expect(run.out.hasPrefix("gc: 30 up to date (T)\n"), "\(step): \(run.out)\(run.err)")
            for task in Self.tasks { #expect(try session.read("results/gc/\(task)/results/x") == "\(task) 1\n") }
        }
    }

    private static func write(_ session: Session, version: Int) throws {
        let lines = tasks.map { "  - {name: \($0), env: {JOB: '\($0) \(version)'}}\n" }
        try session.write(
            "run.yaml",
            """
            name: gc
            defaults: {code: none, command: 'echo "$JOB" > $RESULTS_DIR/x; echo end'}
            tasks:
            \(lines.joined())
            """)
    }

    /// Thirty results, and as many that they superseded.
    private static func superseded() throws -> Session {
        let session = try Session()
        for version in [0, 1] {
            try write(session, version: version)
            #expect(try session.saturn("run").status == 0)
        }
        return session
    }

    @discardableResult
    private static func gc(_ session: Session, dyingAt step: String = "") throws -> Transcript {
        try session.debugBuild(
            "gc --all", env: ["SATURN_TEST_STEPS": session.space.path("steps"), "SATURN_TEST_DIE_AT": step])
    }
}

extension Session {
    /// Waits until a process waits for a lock that another one has.
    fileprivate func waitUntilBlocked(_ pid: pid_t) throws {
        let deadline = Date().addingTimeInterval(RunningProgram.patience)
        while try !space.read("/proc/locks").split(separator: "\n").contains(where: { line in
            line.contains("-> FLOCK") && line.split(separator: " ").contains("\(pid)")
        }) {
            guard Date() < deadline else { throw SessionProblem("process \(pid) does not wait for a lock") }
            poll(nil, 0, 5)
        }
    }
}

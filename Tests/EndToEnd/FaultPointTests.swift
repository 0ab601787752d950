import Foundation
import SaturnTesting
import Testing

/// Row 13 of faults.md: saturn is killed once at every named step that it takes, and the next run finishes.
///
/// Only the debug build knows the steps: it notes each one that it passes in the file that `SATURN_TEST_STEPS` names,
/// and kills itself at the one that `SATURN_TEST_DIE_AT` names.
@Suite(.ownThread) struct FaultPointTests {
    @Test(arguments: Scenario.turns.indices) func diesAtEachStep(_ turn: Int) throws {
        let undisturbed = try Scenario()
        let outcomes = try Scenario.turns.indices.map { try undisturbed.take($0) }
        let steps = try undisturbed.steps(of: turn)
        try #require(steps.count > 5, "a debug build of saturn notes its steps; this one, at turn \(turn): \(steps)")
        for step in steps {
            let what: Comment = "dying at \(step) of turn \(turn)"
            let scenario = try Scenario()
            for earlier in 0..<turn { #expect(try scenario.take(earlier) == outcomes[earlier], what) }
            let killed = try scenario.take(turn, dyingAt: step)
            #expect(killed.status == 137, what)
            let (had, lines) = (try scenario.successes(), try scenario.executed().count)
            for later in turn..<outcomes.count {
                let outcome = try scenario.take(later)
                #expect(outcome == outcomes[later], "\(what), then turn \(later)")
            }
            let lost = try undisturbed.successes().subtracting(scenario.successes())
            #expect(lost == [], what)
            #expect(try had.intersection(scenario.executed()[lines...]) == [], "executed again, \(what)")
            #expect(try scenario.session.attemptsThatRun() == [], what)
        }
    }

    /// Steps that only what an earlier kill, or somebody's hand, has left makes it take.
    @Test(arguments: ["folder.cleared", "checkpoint.cleared"]) func diesClearingUp(_ step: String) throws {
        let undisturbed = try Scenario()
        let outcome = try undisturbed.take(0)
        let scenario = try Scenario()
        if step == "folder.cleared" {
            #expect(try scenario.take(0, dyingAt: "begin.made").status == 137)
        } else {
            // The checkpoint of an attempt that was cut off, and a file in its place.
            #expect(try scenario.take(0, dyingAt: "publish.begin").status == 137)
            let folder = "\(Scenario.folder)/.saturn/checkpoints"
            for name in try scenario.session.names(folder) {
                try scenario.session.remove("\(folder)/\(name)")
                try scenario.session.write("\(folder)/\(name)", "in the way")
            }
        }
        #expect(try scenario.take(0, dyingAt: step).status == 137)
        #expect(try scenario.take(0) == outcome)
        #expect(try undisturbed.successes().subtracting(scenario.successes()) == [])
    }

    /// A step that is new is passed by one of these tests, or this one says so.
    @Test func noStepIsForgotten() throws {
        let scenario = try Scenario()
        for turn in Scenario.turns.indices { _ = try scenario.take(turn) }
        var passed = Set(try Scenario.turns.indices.flatMap { try scenario.steps(of: $0) })
        passed.formUnion(["folder.cleared", "checkpoint.cleared"])
        // GcRaceTests dies at these.
        passed.formUnion(["discard.moved", "gc.forgotten", "purge.emptied"])
        // And SnapshotTests at these.
        passed.formUnion(["snapshot.copied", "snapshot.sealed", "snapshot.named", "snapshot.discarded"])
        // And ShortcutTests sees this one, at which nothing has been changed.
        passed.insert("shortcut.taken")
        let package = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let calls = try scenario.session.shell("grep -rhoE 'csystem_step\\(\"[a-z.]+\"\\)' '/\(package)/Sources'").out
        let named = Set(calls.split(separator: "\n").map { $0.split(separator: "\"")[1] }.map(String.init))
        #expect(named == passed)
    }
}

/// Five runs of one file that changes: everything is new, some tasks are edited, results come back from the attic to
/// others' places, results trade places, and a run of another name has them copied.
private final class Scenario {
    /// What `a` and `b` do, whether `fails` does, and the run's name.
    static let turns: [(a: String, b: String, fails: Bool, run: String)] = [
        ("A 1", "B 1", true, "scenario"), ("A 2", "B 2", false, "scenario"), ("B 1", "A 1", false, "scenario"),
        ("A 1", "B 1", false, "scenario"), ("A 1", "B 1", false, "other"),
    ]

    /// What a run leaves for the user.
    struct Outcome: Equatable {
        var status: Int32
        /// By the path in the layout, without the attic: texts of all files; of `events`, whether it is complete.
        var files: [String: String]
    }

    static let folder = "results/scenario"
    let session: Session

    init() throws {
        session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try session.space.write("ran", "")
    }

    /// One run to its end; the kill of the process itself is one.
    func take(_ turn: Int, dyingAt step: String = "") throws -> Outcome {
        try write(Self.turns[turn])
        let name = Self.turns[turn].run
        let run = try session.debugBuild(
            "run -j 2 --name \(name)",
            env: ["SATURN_TEST_STEPS": session.space.path("steps-\(turn)"), "SATURN_TEST_DIE_AT": step])
        var files: [String: String] = [:]
        for task in try session.names("results/\(name)") where task != ".saturn" {
            try collect("\(name)/\(task)", into: &files)
        }
        return Outcome(status: run.status, files: files)
    }

    private func collect(_ path: String, into files: inout [String: String]) throws {
        let whole = "results/\(path)"
        guard let names = try? session.names(whole) else { return files[path] = try session.read(whole) }
        for name in names { try collect("\(path)/\(name)", into: &files) }
        if let events = files["\(path)/events"] {
            files["\(path)/events"] = events.contains("  - type: complete\n") ? "complete" : events
        }
    }

    private func write(_ turn: (a: String, b: String, fails: Bool, run: String)) throws {
        try session.write(
            "run.yaml",
            """
            name: scenario
            defaults:
              code: none
              command: |
                echo "$JOB" >> $RAN
                echo "first $JOB" > $RESULTS_DIR/x
                echo "log of $JOB"
                echo "second $JOB" >> $RESULTS_DIR/x
                echo "$JOB" > $RESULTS_DIR/job
            tasks:
              - {name: a, env: {JOB: \(turn.a)}}
              - {name: b, env: {JOB: \(turn.b)}}
              - name: dependent
                needs: [a]
                command: |
                  read job < $SATURN_NEEDS_A/job
                  echo "dependent of $job" >> $RAN
                  echo "dependent of $job" > $RESULTS_DIR/job
              - name: second-time
                retries: 2
                command: |
                  echo $SATURN_ATTEMPT
                  echo $SATURN_ATTEMPT > $RESULTS_DIR/attempt
                  test $SATURN_ATTEMPT -eq 2
                  echo second-time >> $RAN
                  echo second-time > $RESULTS_DIR/job
              - name: fails
                retries: 1
                command: |
                  \(turn.fails ? "exit 3" : "true")
                  echo fails no more >> $RAN
                  echo fails no more > $RESULTS_DIR/job

            """)
    }

    /// Each step's name once, in the order in which a turn passed them for the first time.
    func steps(of turn: Int) throws -> [String] {
        let file = session.space.path("steps-\(turn)")
        guard session.exists(file) else { return [] }
        var seen: Set<Substring> = []
        return try session.read(file).split(separator: "\n").filter { seen.insert($0).inserted }.map(String.init)
    }

    func executed() throws -> [String] {
        try session.read(session.space.path("ran")).split(separator: "\n").map(String.init)
    }

    /// The jobs whose success is on disk, in a task's folder or in the attic.
    func successes() throws -> Set<String> {
        let find = try session.shell(
            "find results -name status -exec grep -lx success {} +  | sed 's,status$,results/job,' | xargs -r cat"
        )
        guard find.err.isEmpty else { throw SessionProblem("a success without its last file: \(find.err)") }
        return Set(find.out.split(separator: "\n").map(String.init))
    }
}

extension Session {
    /// Runs the debug build of `saturn`, whatever the others run, to its end.
    func debugBuild(_ arguments: String, env: [String: String]) throws -> Transcript {
        let package = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let run = try shell("exec '/\(package)/.build/debug/saturn' \(arguments)", env: env)
        guard run.status != 127 else { throw SessionProblem("there is no debug build of saturn: \(run.err)") }
        return run
    }
}

import Foundation
import Glibc
import SaturnTesting
import Testing

/// A session whose tasks run on a real engine: they say that they have begun, and wait to be let go.
class EngineStage {
    let session: Session
    private let here: Meeting
    private let go: Meeting

    /// In a command: says the process's number, and waits to be let go.
    static let wait = "echo $$ $SATURN_ATTEMPT_ID > $HERE; read line < $GO"

    init(_ session: Session) throws {
        self.session = session
        here = try Meeting(session.space.path("here"))
        go = try Meeting(session.space.path("go"))
        try session.space.write("ran", "")
    }

    /// The settings of its executor, a line each.
    var executor: [String] { [] }

    /// What the run has on the engine.
    func left() throws -> String { "" }

    /// Kills, on the engine, what these run on and whoever knows of them.
    func loseTasks(_ pids: [pid_t]) throws {}

    /// Kills what a process of a task runs on.
    func killWorker(of pid: pid_t) throws {}

    /// Kills whoever knows of the run's attempts there.
    func killHolder() throws {}

    /// Ends the run, be there a saturn that executes it or not: all of these are gone then, and what was stopped is said.
    func expectTerminate(_ run: RunningProgram, _ isKilled: Bool, ends processes: [pid_t], begun: Int) throws {
        if isKilled {
            run.signal(SIGKILL)
            try run.ended()
        }
        let terminate = try session.saturn("terminate", "--name", "stage")
        #expect(terminate.status == 0, "\(terminate.out)\(terminate.err)")
        for pid in processes { #expect(!isRunning(pid)) }
        #expect(try left().isEmpty)
        #expect(try ran().count == begun, "what waited was not begun to be ended")
        #expect(try session.saturn("status").out.contains("stopped"))
        let end = try run.ended()
        #expect(end.status == (isKilled ? 137 : 143), "\(end.out)\(end.err)")
    }

    /// - Parameters:
    ///   - tasks: in YAML's short form; each can name the files of the stage.
    ///   - more: settings of the executor.
    func write(_ tasks: String, more: String = "", top: String = "") throws {
        let space = session.space
        try session.write(
            "run.yaml",
            """
            name: stage
            executor:
              \((executor + [more]).joined(separator: "\n  "))
            results: {class_spec: DaskBackend, directory: results}
            defaults:
              code: none
              env: {RAN: "\(space.path("ran"))", HERE: "\(space.path("here"))", GO: "\(space.path("go"))"}
            \(top)
            tasks: \(tasks)
            """)
    }

    /// Puts another one in place of its executor, in YAML's short form.
    func setExecutor(_ settings: String) throws {
        let file = try session.read("run.yaml")
        let (from, to) = (file.range(of: "executor:"), file.range(of: "results:"))
        let range = try #require(from).lowerBound..<#require(to).lowerBound
        try session.write("run.yaml", file.replacingCharacters(in: range, with: "executor: {\(settings)}\n"))
    }

    /// The names of the tasks that began, in alphabetical order, one of more attempts more than once.
    func ran() throws -> [String] {
        try session.read(session.space.path("ran")).split(separator: "\n").map(String.init).sorted()
    }

    /// The process numbers of the next tasks that come to wait.
    @discardableResult
    func arrived(_ count: Int = 1) throws -> [pid_t] {
        let pids = try (0..<count).compactMap { _ in
            let words = try here.line().split(separator: " ")
            return try words.first.flatMap { pid_t($0) }.map { try pid($0, of: String(words.last ?? "")) }
        }
        guard pids.count == count else { throw SessionProblem("a task did not say its process number") }
        return pids
    }

    /// The number that a task's process has on this machine.
    func pid(_ number: pid_t, of attempt: String) throws -> pid_t { number }

    /// Lets so many go on.
    func release(_ count: Int = 1) { for _ in 0..<count { go.send() } }

    /// Processes that these have started.
    func children(of pids: [pid_t]) throws -> [pid_t] {
        try pids.flatMap {
            try session.read("/proc/\($0)/task/\($0)/children").split(separator: " ").compactMap { pid_t($0) }
        }
    }
}

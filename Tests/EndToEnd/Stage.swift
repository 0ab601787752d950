import Foundation
import Glibc

/// A session with a run of which some tasks wait until the test lets them go.
///
/// ```swift
/// let stage = try Stage(["a": "echo a >> $RAN", "b": "echo b >> $RAN; \(Stage.wait)"])
/// let run = try stage.session.background("run")
/// let pids = try stage.arrived()
/// ```
struct Stage {
    /// In a command: says the process's number, and waits to be let go.
    static let wait = "echo $$ > $HERE; read line < $GO"

    let session: Session
    private let here: Meeting
    private let go: Meeting

    /// - Parameter tasks: names and commands, in order; each command also adds its task's name to what ``ran()`` has.
    init(_ tasks: KeyValuePairs<String, String> = [:], jobs: Int = 2) throws {
        session = try Session()
        here = try Meeting(session.space.path("here"))
        go = try Meeting(session.space.path("go"))
        session.environment["HERE"] = here.path
        session.environment["GO"] = go.path
        session.environment["RAN"] = session.space.path("ran")
        try session.space.write("ran", "")
        try write(tasks.map { ($0.key, $0.value) }, jobs: jobs)
    }

    /// `a` succeeds at once, `b` and then `c` wait to be let go, and `d` waits for a slot.
    static func four(trap: String = "") throws -> Stage {
        try Stage(["a": "true", "b": trap + wait, "c": trap + wait, "d": "true"])
    }

    func write(
        _ tasks: [(name: String, command: String)], jobs: Int = 2, file: String = "run.yaml",
        directory: String = "results/{name}"
    ) throws {
        let lines = tasks.map {
            "  - name: \($0.name)\n    command: |\n      echo \($0.name) >> $RAN\n      \($0.command)\n"
        }
        try session.write(
            file,
            """
            name: stage
            executor: {class_spec: MultiprocessingExecutor, jobs: \(jobs)}
            results: {class_spec: LocalDir, directory: "\(directory)"}
            defaults: {code: none}
            tasks:
            \(lines.joined())
            """)
    }

    /// The process numbers of the next tasks that come to wait.
    @discardableResult
    func arrived(_ count: Int = 1) throws -> [pid_t] {
        let pids = try (0..<count).compactMap { _ in try pid_t(here.line()) }
        guard pids.count == count else { throw SessionProblem("a task did not say its process number") }
        return pids
    }

    /// Lets so many go on.
    func release(_ count: Int = 1) { for _ in 0..<count { go.send() } }

    /// The names of the tasks that began, in alphabetical order, one of more attempts more than once.
    func ran() throws -> [String] {
        try session.read(session.space.path("ran")).split(separator: "\n").map(String.init).sorted()
    }

    /// Starts a run in the background; returns when `waiting` tasks wait.
    func start(_ options: String = "", waiting: Int = 2) throws -> (run: RunningProgram, pids: [pid_t]) {
        let run = try session.background(shell: "exec \"$0\" run \(options)")
        return (run, try arrived(waiting))
    }

    /// Runs to the end, and lets two tasks go on the way.
    func finish(with command: String = "run") throws -> Transcript {
        let run = try session.background(command)
        for _ in 0..<2 {
            try arrived()
            release()
        }
        return try run.ended()
    }

    /// Kills a run's saturn with SIGKILL; returns when it is gone.
    func kill(_ run: RunningProgram) throws {
        run.signal(SIGKILL)
        guard try run.ended().status == 137 else { throw SessionProblem("it ended before it was killed") }
    }
}

/// The process that goes on with a detached run; killed when the test is over.
final class DetachedRun {
    private struct Document: Decodable {
        var version: Int
        var run: String
        var pid: Int32
    }

    let name: String
    let pid: pid_t

    /// - Parameter transcript: of `run --detach --json`.
    init(_ transcript: Transcript) throws {
        guard transcript.status == 0 else { throw SessionProblem("it was not detached: \(transcript.err)") }
        let document = try JSONDecoder().decode(Document.self, from: Data(transcript.rawOut))
        guard document.version == 1 else { throw SessionProblem("another version: \(document.version)") }
        name = document.run
        pid = document.pid
    }

    deinit { kill() }

    func kill() {
        guard isRunning(pid), let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline"),
            String(decoding: bytes, as: UTF8.self).contains("--supervised")
        else { return }
        Glibc.kill(pid, SIGKILL)
    }
}

extension Session {
    func detach(_ options: String = "") throws -> DetachedRun {
        try DetachedRun(shell("saturn run --detach --json \(options)"))
    }

    /// Waits until nobody has the lock of a run.
    func waitUntilFree(_ run: String) throws {
        let flock = try shell("flock -w \(Int(RunningProgram.patience)) .saturn/locks/\(run) true")
        guard flock.status == 0 else { throw SessionProblem("run \(run) is still going on: \(flock.err)") }
    }
}

/// Whether a process is there and not only waits to be reaped.
func isRunning(_ pid: pid_t) -> Bool {
    guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/stat"), !bytes.isEmpty else { return false }
    return !String(decoding: bytes, as: UTF8.self).contains(") Z ")
}

/// For what has no event to wait on; throws when it never comes to that.
func waitUntil(_ what: String, every milliseconds: Int32 = 20, _ isSo: () throws -> Bool) throws {
    let deadline = Date().addingTimeInterval(RunningProgram.patience)
    while try !isSo() {
        guard Date() < deadline else { throw SessionProblem("it never came to this: \(what)") }
        poll(nil, 0, milliseconds)
    }
}

/// Waits until a process, which need not be a child of this one, has ended.
func waitForEnd(of pid: pid_t) throws {
    try waitUntil("process \(pid) has ended", every: 5) { !isRunning(pid) }
}

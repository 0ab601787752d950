import Engines
import Foundation
import SaturnTesting
import Testing

/// A session whose tasks run on a real Dask cluster, and the cluster.
///
/// ```swift
/// let stage = try DaskStage(tasks: "[{name: a, command: echo a >> $RAN}]")
/// let run = try stage.session.saturn("run")
/// ```
final class DaskStage {
    let session: Session
    let cluster: DaskCluster
    private let here: Meeting
    private let go: Meeting

    static let isInstalled = DaskCluster.missing == nil
    static let reason = Comment(rawValue: DaskCluster.missing ?? "")
    /// In a command: says the process's number, and waits to be let go.
    static let wait = "echo $$ > $HERE; read line < $GO"

    init(tasks: String = "[]", workers: Int = 2, threads: Int = 2, port: Int? = nil, more: String = "") throws {
        session = try Session()
        cluster = try DaskCluster(workers: workers, threads: threads, port: port, in: session.space)
        here = try Meeting(session.space.path("here"))
        go = try Meeting(session.space.path("go"))
        try session.space.write("ran", "")
        try write(tasks, more: more)
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
              class_spec: DaskExecutor
              scheduler_address: "\(cluster.address)"
              python: \(DaskCluster.python)
              \(more)
            results: {class_spec: DaskBackend, directory: results}
            defaults:
              code: none
              env: {RAN: "\(space.path("ran"))", HERE: "\(space.path("here"))", GO: "\(space.path("go"))"}
            \(top)
            tasks: \(tasks)
            """)
    }

    /// The names of the tasks that began, in alphabetical order, one of more attempts more than once.
    func ran() throws -> [String] {
        try session.read(session.space.path("ran")).split(separator: "\n").map(String.init).sorted()
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

    /// Of the worker that a process of a task belongs to, the index.
    func worker(of pid: pid_t) throws -> Int {
        var ancestor = pid
        while ancestor > 1 {
            if let index = cluster.workers.firstIndex(where: { $0.pid == ancestor }) { return index }
            let stat = try session.read("/proc/\(ancestor)/stat")
            let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
            ancestor = fields.count > 2 ? pid_t(fields[2]) ?? 0 : 0
        }
        throw SessionProblem("process \(pid) is no worker's")
    }

    /// What the run has on the scheduler and on the workers, by name.
    func plugins() throws -> String {
        let script = """
            from distributed import Client
            client = Client("\(cluster.address)")
            on_scheduler = client.run_on_scheduler(lambda dask_scheduler: [
                name for name in dask_scheduler.plugins if name.startswith("saturn")])
            on_workers = client.run(lambda dask_worker: [
                name for name in dask_worker.plugins if name.startswith("saturn")])
            queues = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.extensions["queues"].queues))
            tasks = client.run_on_scheduler(lambda dask_scheduler: [str(key) for key in dask_scheduler.tasks])
            print(*on_scheduler, *sum(on_workers.values(), []), *queues, *tasks)
            """
        let done = try session.space.run([DaskCluster.python, "-c", script])
        guard done.status == 0 else { throw SessionProblem("dask: \(done.stderr)") }
        return done.stdout.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

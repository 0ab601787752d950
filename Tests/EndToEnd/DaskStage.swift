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
final class DaskStage: EngineStage {
    let cluster: DaskCluster

    static let isInstalled = DaskCluster.missing == nil
    static let reason = Comment(rawValue: DaskCluster.missing ?? "")
    init(tasks: String = "[]", workers: Int = 2, threads: Int = 2, port: Int? = nil, more: String = "") throws {
        let session = try Session()
        cluster = try DaskCluster(workers: workers, threads: threads, port: port, in: session.space)
        try super.init(session)
        try write(tasks, more: more)
    }

    override var executor: [String] {
        ["class_spec: DaskExecutor", "scheduler_address: \"\(cluster.address)\"", "python: \(DaskCluster.python)"]
    }

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

    /// Until the scheduler has so many attempts of the run.
    func waitForAttempts(_ count: Int) throws {
        let script = """
            import time
            from distributed import Client
            client = Client("\(cluster.address)")
            count = lambda dask_scheduler: sum(
                len(books.attempts) for name, books in dask_scheduler.plugins.items() if name.startswith("saturn"))
            while client.run_on_scheduler(count) < \(count):
                time.sleep(0.05)
            """
        let done = try session.space.run([DaskCluster.python, "-c", script])
        guard done.status == 0 else { throw SessionProblem("dask: \(done.stderr)") }
    }

    override func killWorker(of pid: pid_t) throws { cluster.kill(worker: try worker(of: pid)) }

    override func loseTasks(_ pids: [pid_t]) throws {
        for worker in Set(try pids.map(worker)) { cluster.kill(worker: worker) }
    }

    /// On the scheduler and on the workers, by name.
    override func left() throws -> String {
        let script = """
            from distributed import Client
            client = Client("\(cluster.address)")
            on_scheduler = client.run_on_scheduler(lambda dask_scheduler: [
                name for name in dask_scheduler.plugins if name.startswith("saturn")])
            on_workers = client.run(lambda dask_worker: [
                name for name in dask_worker.plugins if name.startswith("saturn")])
            queues = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.extensions["queues"].queues))
            tasks = client.run_on_scheduler(lambda dask_scheduler: [
                f"{key}({task.state})" for key, task in dask_scheduler.tasks.items()])
            print(*on_scheduler, *sum(on_workers.values(), []), *queues, *tasks)
            """
        let done = try session.space.run([DaskCluster.python, "-c", script])
        guard done.status == 0 else { throw SessionProblem("dask: \(done.stderr)") }
        return done.stdout.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

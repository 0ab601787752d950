import Engines
import Foundation
import SaturnTesting
import Testing

/// A session whose tasks run on a real Ray cluster, in a namespace of their own.
///
/// ```swift
/// let stage = try RayStage(tasks: "[{name: a, command: echo a >> $RAN}]")
/// let run = try stage.session.saturn("run")
/// #expect(try stage.actors().isEmpty)
/// ```
final class RayStage: EngineStage {
    let cluster: RayCluster
    private let namespace = "stage-\(UUID().uuidString)"

    static let isInstalled = RayCluster.missing == nil
    static let reason = Comment(rawValue: RayCluster.missing ?? "")

    /// - Parameter cluster: its own one; else that of all stages.
    init(tasks: String = "[]", more: String = "", cluster: RayCluster? = nil) throws {
        self.cluster = try cluster ?? RayCluster.shared.get().cluster
        try super.init(Session())
        try write(tasks, more: more)
    }

    override var executor: [String] {
        [
            "class_spec: RayExecutor", "address: \"\(cluster.address)\"", "namespace: \(namespace)",
            "python: \(cluster.python)",
        ]
    }

    override func killWorker(of pid: pid_t) throws { kill(try worker(of: pid), SIGKILL) }
    override func killHolder() throws { kill(try supervisor(), SIGKILL) }
    override func loseTasks(_ pids: [pid_t]) throws { try killHolder() }
    override func left() throws -> String { try actors().keys.sorted().joined(separator: " ") }

    /// What the run has on the cluster: the numbers of its actors' processes, by name.
    func actors() throws -> [String: pid_t] {
        let script = """
            import json, ray
            from ray._private import state
            ray.init("\(cluster.address)", namespace="\(namespace)", log_to_driver=False, logging_level="ERROR")
            named = ray.util.list_named_actors()
            print(json.dumps({
                one["Name"]: one["Pid"] for one in state.actors().values() if one["State"] == "ALIVE" and one["Name"] in named}))
            """
        let done = try session.space.run([cluster.python, "-c", script])
        guard done.status == 0 else { throw SessionProblem("ray: \(done.stderr)") }
        let found = try JSONSerialization.jsonObject(with: Data(done.stdout.utf8)) as? [String: Int32]
        return found ?? [:]
    }

    func supervisor() throws -> pid_t {
        let found = try actors().filter { $0.key.hasPrefix("saturn-") }
        return try #require(found.first?.value)
    }

    /// Of Ray, that a process of a task belongs to: its spawner's folder is named by it.
    func worker(of pid: pid_t) throws -> pid_t {
        let line = try session.read("/proc/\(try spawner(of: pid))/cmdline")
        let place = try #require(line.range(of: "/workers/"))
        return try #require(pid_t(line[place.upperBound...].prefix { $0.isNumber }))
    }

    func spawner(of pid: pid_t) throws -> pid_t {
        let stat = try session.read("/proc/\(pid)/stat")
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        return try #require(fields.count > 2 ? pid_t(fields[2]) : nil)
    }

    /// Of the run, on the cluster.
    func id() throws -> String {
        try session.read(".saturn/bridges/stage/id").trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

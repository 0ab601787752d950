import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// A session whose tasks run on a real Kubernetes cluster, whose one node is this machine.
///
/// ```swift
/// let stage = try KubernetesStage(tasks: "[{name: a, command: echo a >> $RAN}]")
/// let run = try stage.session.saturn("run")
/// #expect(try stage.left().isEmpty)
/// ```
final class KubernetesStage: EngineStage {
    let cluster: KubernetesCluster
    /// A label of all that its runs have.
    let label = UUID().uuidString.lowercased()
    private let image: String
    private let seesFolder: Bool

    static let isInstalled = KubernetesCluster.missing == nil
    static let reason = Comment(rawValue: KubernetesCluster.missing ?? "")

    /// - Parameter seesFolder: pods have the session's folder, by the same path; else they share nothing with it.
    init(
        tasks: String = "[]", more: String = "", image: String = KubernetesCluster.image, seesFolder: Bool = true
    ) throws {
        cluster = try KubernetesCluster.shared.get()
        (self.image, self.seesFolder) = (image, seesFolder)
        try super.init(Session())
        try write(tasks, more: more)
    }

    override var executor: [String] {
        let folder = session.space.folder
        let volumes = """
            pod: {volumes: [{name: stage, hostPath: {path: "\(folder)"}}], containers: [{name: task, volumeMounts: \
            [{name: stage, mountPath: "\(folder)"}]}]}
            """
        return [
            "class_spec: KubernetesExecutor", "kubeconfig: \(cluster.kubeconfig)", "image: \"\(image)\"",
            "image_pull_policy: Never", "host_network: true", "labels: {stage: \"\(label)\"}",
        ] + (seesFolder ? [volumes] : [])
    }

    override func left() throws -> String {
        try cluster.kubectl("get", "jobs,pods,secrets", "-l", "stage=\(label)", "-o", "name")
    }

    /// What a container calls its process is another one's number here.
    override func pid(_ number: pid_t, of attempt: String) throws -> pid_t {
        for name in try session.names("/proc") {
            guard let pid = pid_t(name), let status = try? session.read("/proc/\(name)/status"),
                let numbers = status.split(separator: "\n").first(where: { $0.hasPrefix("NSpid:") })?
                    .split(separator: "\t"), numbers.last == "\(number)",
                let variables = try? session.read("/proc/\(name)/environ"),
                variables.contains("SATURN_ATTEMPT_ID=\(attempt)\0")
            else { continue }
            return pid
        }
        throw SessionProblem("no process \(number) of attempt \(attempt) is on this machine")
    }

    override func loseTasks(_ pids: [pid_t]) throws {
        try cluster.kubectl("delete", "jobs", "-l", "stage=\(label)", "--wait=false")
        try cluster.kubectl("delete", "pods", "-l", "stage=\(label)", "--grace-period=1")
    }
}

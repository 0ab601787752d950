public import SaturnCore

/// Runs tasks as Jobs of a Kubernetes cluster, which is reached by way of the user's `kubectl`.
///
/// ```yaml
/// executor: {class_spec: KubernetesExecutor, image: "python:3.12-slim", context: my-cluster, namespace: sweeps}
/// ```
/// The image has `sh`, `tar` and what every system has of small programs; nothing is shared with this machine.
public enum KubernetesExecutor {
    public static let schema = ComponentSchema(
        name: "Kubernetes", classSpecs: ["KubernetesExecutor", "KubernetesBackend", "Kubernetes"],
        settings: [
            "image": .string, "context": .string, "namespace": .string, "kubeconfig": .string,
            "max_in_flight": .integer(atLeast: 1), "service_account": .string, "node_selector": .any,
            "tolerations": .any, "image_pull_secrets": .strings, "image_pull_policy": .string, "labels": .any,
            "host_network": .flag, "volume_claim": .string, "pod": .any, "keep_for": .duration,
            "schedule_timeout": .duration,
        ])

    /// Settings that say where a run's tasks are.
    public static let place = ["context", "namespace", "kubeconfig"]

    private static let inFlight = 50

    /// - Parameter jobs: `-j`: how many Jobs there are at once.
    public static func make(_ spec: ComponentSpec, _ context: ExecutorContext) throws -> any Executor {
        let cluster = KubernetesCluster(spec, context)
        let number = (spec.settings["jobs"] ?? spec.settings["max_in_flight"])?.text.flatMap { Int($0) }
        let engine = RemoteEngine(
            run: cluster.run, identity: cluster.image.map { [Manifest.Value("image", $0)] } ?? [], hasImages: true,
            problems: { problems(with: $0, on: cluster) }, notes: { notes(on: $0, on: cluster) },
            session: { try KubernetesSession(cluster, folder: $0, slots: $1) })
        return try RemoteExecutor(engine, slots: number ?? inFlight)
    }

    /// What is wrong with the settings beyond their kinds.
    public static func problems(with spec: ComponentSpec) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        for name in ["image", "context", "namespace", "kubeconfig", "service_account", "volume_claim"] {
            problems += spec.problemIfEmpty(name, hint: "leave it out for what kubectl and the cluster have")
        }
        for name in ["node_selector", "labels", "pod"] { problems += spec.problemUnlessMapping(name) }
        if let tolerations = spec.settings["tolerations"] {
            if case .list = tolerations.value {
            } else {
                problems.append(Diagnostic(at: tolerations.mark, "'tolerations' is a list"))
            }
        }
        if let policy = spec.settings["image_pull_policy"], let text = policy.text,
            !["Always", "IfNotPresent", "Never"].contains(text)
        {
            problems.append(
                Diagnostic(
                    at: policy.mark, "'\(text)' is no image_pull_policy", hint: "Always, IfNotPresent or Never"))
        }
        return problems + PodProblems.found(in: spec)
    }

    private static func problems(with task: TaskSpec, on cluster: KubernetesCluster) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        if task.image == nil, cluster.image == nil {
            problems.append(
                Diagnostic(at: task.mark, "'\(task.name)' has no image", hint: "executor.image names one for all tasks")
            )
        }
        if let gpus = task.resources?.gpus, gpus.value != gpus.value.rounded() {
            problems.append(Diagnostic(at: gpus.mark, "Kubernetes has no fractions of gpus"))
        }
        for other in task.resources?.others ?? [] where !other.name.contains("/") && !isBuiltIn(other.name) {
            problems.append(
                Diagnostic(
                    at: other.amount.mark, "'\(other.name)' is no resource of Kubernetes",
                    hint: "its names are like example.com/\(other.name)"))
        }
        if task.index == 0 { problems += problemsWithSyncs(cluster) }
        return problems
    }

    private static func isBuiltIn(_ name: String) -> Bool {
        name == "ephemeral-storage" || name.hasPrefix("hugepages-")
    }

    private static func problemsWithSyncs(_ cluster: KubernetesCluster) -> [Diagnostic] {
        cluster.syncs.compactMap { sync in
            let parts = sync.destination.split(separator: "/")
            guard sync.destination.hasPrefix("/") || sync.destination.hasPrefix("~") || parts.contains("..") else {
                return nil
            }
            return Diagnostic(
                at: nil, "file_syncs: '\(sync.destination)' is not below the working folder",
                hint: "a pod gets files below it, and anything else by its image or its volumes")
        }
    }

    /// What may surprise who reads the results.
    private static func notes(on tasks: [TaskNode], on cluster: KubernetesCluster) -> [String] {
        var notes: [String] = []
        let images = Set(tasks.compactMap { $0.spec.image ?? cluster.image })
        if let loose = images.filter({ !$0.contains("@sha256:") }).min() {
            let others = images.count { !$0.contains("@sha256:") } - 1
            let more = others == 0 ? "" : others == 1 ? " (and another one)" : " (and \(others) others)"
            notes.append(
                "\(loose)\(more) may become another image under the same name, and results of the one are reused for the "
                    + "other: NAME@sha256:DIGEST cannot")
        }
        if cluster.syncs.isEmpty, let task = tasks.first(where: { !$0.manifest.code.isEmpty && !$0.spec.snapshot }) {
            notes.append(
                "keys count the code of '\(task.name)' here, and nothing ships it to pods, which have what is in their "
                    + "image: 'file_syncs' or 'snapshot: true' ships it, 'code: none' does not count it")
        }
        return notes
    }
}

import FoundationEssentials
import SaturnCore

/// What a cluster is told to make for an attempt: a Job of one pod, in which one container runs the command, and another
/// one of the same image keeps log and results until they are fetched.
struct JobManifest {
    let cluster: KubernetesCluster
    /// The run's, on the cluster.
    let id: AttemptID

    /// One object of all that is to be made together.
    static func list(_ items: [JSONValue]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return try Array(
            encoder.encode(
                JSONValue.map(["apiVersion": .text("v1"), "kind": .text("List"), "items": .list(items)])))
    }

    var secretName: String { ClusterNames.secret(run: cluster.run.name, id: id) }

    func secret(_ secrets: SecretNames) -> JSONValue {
        .map([
            "apiVersion": .text("v1"), "kind": .text("Secret"),
            "metadata": .map(["name": .text(secretName), "labels": .map(Self.texts(labels(nil)))]),
            "stringData": .map(secrets.values.mapValues { .text($0) }),
        ])
    }

    /// - Parameter secrets: under which names the cluster has the values of secrets.
    func job(_ launch: Launch, _ parcel: PodParcel, _ secrets: SecretNames) -> JSONValue {
        let labels = labels(launch.attempt)
        let annotations: JSONValue = .map([
            ClusterNames.task: .text(launch.workspace.task), ClusterNames.run: .text(cluster.run.name),
            "kubectl.kubernetes.io/default-container": .text(ClusterNames.task),
        ])
        return .map([
            "apiVersion": .text("batch/v1"), "kind": .text("Job"),
            "metadata": .map([
                "name": .text(
                    ClusterNames.job(run: cluster.run.name, task: launch.workspace.task, attempt: launch.attempt)),
                "labels": .map(Self.texts(labels)), "annotations": annotations,
            ]),
            "spec": .map([
                "backoffLimit": .number(0), "completions": .number(1), "parallelism": .number(1),
                "ttlSecondsAfterFinished": .number(Double(cluster.patience)),
                "template": .map([
                    "metadata": .map(["labels": .map(Self.texts(labels)), "annotations": annotations]),
                    "spec": pod(launch, parcel, secrets),
                ]),
            ]),
        ])
    }

    private func labels(_ attempt: AttemptID?) -> [String: String] {
        var labels = cluster.labels
        labels[ClusterNames.manager] = "saturn"
        labels[ClusterNames.run] = id.description
        labels[ClusterNames.attempt] = attempt?.description
        if !cluster.run.home.isEmpty { labels[ClusterNames.home] = ClusterNames.home(cluster.run.home) }
        return labels
    }

    private func pod(_ launch: Launch, _ parcel: PodParcel, _ secrets: SecretNames) -> JSONValue {
        var fields: [String: JSONValue] = [
            "restartPolicy": .text("Never"), "enableServiceLinks": .flag(false),
            "volumes": .list([.map(["name": .text("saturn")].merging(volume) { $1 })]),
            "containers": .list([keeper(launch), task(launch, parcel, secrets)]),
        ]
        if let timeout = launch.timeout {
            // The wrapper keeps to it; this is for a wrapper that cannot.
            fields["activeDeadlineSeconds"] = .number((timeout + 3600).rounded(.up) + Double(cluster.patience))
        }
        return cluster.pod.reduce(.map(fields)) { $0.merged(with: $1) }
    }

    private var volume: [String: JSONValue] {
        guard let claim = cluster.volumeClaim else { return ["emptyDir": .map([:])] }
        return ["persistentVolumeClaim": .map(["claimName": .text(claim)])]
    }

    private func container(_ name: String, _ launch: Launch) -> [String: JSONValue] {
        var mount: [String: JSONValue] = ["name": .text("saturn"), "mountPath": .text(ClusterNames.place)]
        // A Job that makes another pod does not wait for the end of the one before.
        if cluster.volumeClaim != nil {
            mount["subPathExpr"] = .text("saturn/\(id)/\(launch.attempt)/$(\(ClusterNames.podVariable))")
        }
        var fields: [String: JSONValue] = [
            "name": .text(name), "image": .text(launch.image ?? cluster.image ?? ""),
            "volumeMounts": .list([.map(mount)]),
        ]
        fields["imagePullPolicy"] = cluster.pullPolicy.map { .text($0) }
        fields["env"] = .list([podName])
        return fields
    }

    private var podName: JSONValue {
        .map([
            "name": .text(ClusterNames.podVariable),
            "valueFrom": .map(["fieldRef": .map(["fieldPath": .text("metadata.name")])]),
        ])
    }

    private func task(_ launch: Launch, _ parcel: PodParcel, _ names: SecretNames) -> JSONValue {
        let timeout = launch.timeout.map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" } ?? "0"
        let words =
            [
                "sh", "-c", Self.text(PackageResources.pod_task_sh), "saturn", ClusterNames.place, timeout,
                parcel.isEmpty ? "no" : "yes", parcel.workdir, parcel.below,
            ] + launch.command.leanArguments
        let secrets = launch.secrets.map(\.name)
        let variables: [JSONValue] = parcel.environment.filter { !secrets.contains($0.name) }.map {
            .map(["name": .text($0.name), "value": .text(Self.literal($0.value))])
        }
        let hidden: [JSONValue] = launch.secrets.map {
            let key: JSONValue = .map(["name": .text(secretName), "key": .text(names.name(of: $0) ?? $0.name)])
            return .map(["name": .text($0.name), "valueFrom": .map(["secretKeyRef": key])])
        }
        var fields = container(ClusterNames.task, launch)
        fields["command"] = .list(words.map { .text(Self.literal($0)) })
        fields["env"] = .list([podName] + variables + hidden)
        if let resources = launch.resources { fields["resources"] = Self.amounts(resources) }
        return .map(fields)
    }

    private func keeper(_ launch: Launch) -> JSONValue {
        let words = [
            "sh", "-c", Self.text(PackageResources.pod_keeper_sh), "saturn", ClusterNames.place,
            "\(cluster.patience)", Self.text(PackageResources.pod_fetch_sh),
        ]
        var fields = container(ClusterNames.keeper, launch)
        fields["command"] = .list(words.map { .text(Self.literal($0)) })
        fields["resources"] = .map([
            "requests": .map(["cpu": .text("10m"), "memory": .text("32Mi")]),
            "limits": .map(["memory": .text("256Mi")]),
        ])
        return .map(fields)
    }

    /// What is asked for is what there may be.
    private static func amounts(_ resources: Resources) -> JSONValue {
        var amounts: [String: JSONValue] = [:]
        if let cpus = resources.cpus { amounts["cpu"] = .text("\(Int((cpus.value * 1000).rounded(.up)))m") }
        if let memory = resources.memory(onStep: 0) { amounts["memory"] = .text("\(memory)") }
        if let gpus = resources.gpus, gpus.value > 0 { amounts["nvidia.com/gpu"] = .text("\(Int(gpus.value))") }
        for other in resources.others where other.amount.value > 0 {
            amounts[other.name] = .text(number(other.amount.value))
        }
        return .map(["requests": .map(amounts), "limits": .map(amounts)])
    }

    private static func number(_ value: Double) -> String {
        Int64(exactly: value).map { "\($0)" } ?? "\(Int((value * 1000).rounded(.up)))m"
    }

    /// Kubernetes replaces `$(NAME)` in commands and variables.
    private static func literal(_ text: String) -> String { text.replacing("$", with: "$$") }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func texts(_ values: [String: String]) -> [String: JSONValue] { values.mapValues { .text($0) } }
}

/// The values of a run's secrets, and under which names its Secret has them: that of the variable, with a number when it
/// has had another value before.
struct SecretNames {
    private(set) var values: [String: String] = [:]

    init() {}

    /// - Parameter values: by name, as a cluster has them.
    init(_ values: [String: String]) { self.values = values }

    func name(of variable: Variable) -> String? {
        values.first {
            $0.value == variable.value && ($0.key == variable.name || $0.key.hasPrefix(variable.name + "."))
        }?.key
    }

    /// Whether there is a new one.
    mutating func add(_ variables: [Variable]) -> Bool {
        let count = values.count
        for variable in variables where name(of: variable) == nil {
            let number = values.keys.count { $0 == variable.name || $0.hasPrefix(variable.name + ".") }
            values[number == 0 ? variable.name : "\(variable.name).\(number)"] = variable.value
        }
        return values.count > count
    }
}

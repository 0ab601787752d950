import SaturnCore

/// What a run file says of a cluster and of the pods there.
struct KubernetesCluster: Sendable {
    var kubectl: Kubectl
    var run: RemoteRun
    var image: String?
    /// Of a pod's specification, as the cluster will have it: what the settings say, and then `pod`.
    var pod: [JSONValue]
    var labels: [String: String]
    var pullPolicy: String?
    /// The claim on which log and results are, instead of in the pod.
    var volumeClaim: String?
    /// Seconds for which a pod keeps what nobody has fetched.
    var patience: Int
    /// Seconds after which a pod that has no place is given up; `nil` is never.
    var scheduleTimeout: Double?
    var syncs: [FolderSync]
    /// The run file's folder.
    var base: String
    /// Results and state, absolute: no code or data of the user's.
    var ownFolders: [String]

    init(_ spec: ComponentSpec, _ context: ExecutorContext) {
        func text(_ name: String) -> String? { spec.settings[name]?.text }
        var options: [String] = []
        if let file = text("kubeconfig") {
            let home = context.environment.last { $0.hasPrefix("HOME=") }?.dropFirst(5) ?? ""
            options.append(
                "--kubeconfig=\(file.hasPrefix("~/") ? String(home) + file.dropFirst() : context.absolute(file))")
        }
        if let name = text("context") { options.append("--context=\(name)") }
        if let name = text("namespace") { options.append("--namespace=\(name)") }
        kubectl = Kubectl(options: options, environment: context.environment)
        run = RemoteRun(spec, context)
        image = text("image")
        var given: [String: JSONValue] = [:]
        given["serviceAccountName"] = text("service_account").map { .text($0) }
        given["hostNetwork"] = text("host_network").map { .flag($0 == "true") }
        given["nodeSelector"] = spec.settings["node_selector"].map { PodText.value($0, under: "nodeSelector") }
        given["tolerations"] = spec.settings["tolerations"].map { PodText.value($0, under: "tolerations") }
        if case .list(let names) = spec.settings["image_pull_secrets"]?.value {
            given["imagePullSecrets"] = .list(names.map { .map(["name": .text($0.text ?? "")]) })
        }
        pod = [.map(given)] + (spec.settings["pod"].map { [PodText.value($0, under: "pod")] } ?? [])
        labels = [:]
        if case .map(let items) = spec.settings["labels"]?.value { labels = items.compactMapValues(\.text) }
        pullPolicy = text("image_pull_policy")
        volumeClaim = text("volume_claim")
        patience = Int(text("keep_for").flatMap { Quantity.seconds($0) } ?? 86400)
        scheduleTimeout = text("schedule_timeout").flatMap { Quantity.seconds($0) }
        syncs = context.folderSyncs
        (base, ownFolders) = (context.folder, context.ownFolders)
    }
}

/// Parts of a pod's specification as a run file has them: what Kubernetes wants as text stays text.
enum PodText {
    /// Fields whose values, or all below them, are texts, whatever they look like.
    private static let textual: Set<String> = [
        "value", "nodeSelector", "labels", "annotations", "matchLabels", "values", "command", "args", "key", "image",
        "name", "effect", "operator", "path", "mountPath", "subPath",
    ]

    static func value(_ setting: Setting, under field: String, isText: Bool = false) -> JSONValue {
        let isText = isText || textual.contains(field)
        switch setting.value {
        case .list(let items): return .list(items.map { value($0, under: "", isText: isText) })
        case .map(let items):
            return .map(
                Dictionary(uniqueKeysWithValues: items.map { ($0, value($1, under: $0, isText: isText)) }))
        case .scalar(let text): return isText ? .text(text) : JSONValue(setting)
        }
    }
}

extension JSONValue {
    /// With what the other one has: mappings key by key, lists item by item where these have names, else one after the
    /// other; anything else is replaced.
    func merged(with other: JSONValue) -> JSONValue {
        switch (self, other) {
        case (.map(let own), .map(let more)): return .map(own.merging(more) { $0.merged(with: $1) })
        case (.list(let own), .list(let more)):
            var all = own
            for item in more {
                if let name = item.itemName, let index = all.firstIndex(where: { $0.itemName == name }) {
                    all[index] = all[index].merged(with: item)
                } else {
                    all.append(item)
                }
            }
            return .list(all)
        default: return other
        }
    }

    private var itemName: JSONValue? {
        guard case .map(let fields) = self else { return nil }
        return fields["mountPath"] ?? fields["name"]
    }
}

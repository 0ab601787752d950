public import SaturnCore

/// Runs tasks on the workers of a Dask cluster, which is the user's or the run's own.
///
/// ```yaml
/// executor: {class_spec: DaskExecutor, scheduler_address: "tcp://127.0.0.1:8786", python: .venv/bin/python}
/// executor: {class_spec: DaskExecutor, cluster_class: LocalCluster, cluster_kwargs: {n_workers: 2}}
/// ```
/// The user's Python needs no package but `distributed`.
public enum DaskExecutor {
    public static let schema = ComponentSchema(
        name: "Dask", classSpecs: ["DaskExecutor", "DaskBackend", "Dask"],
        settings: [
            "scheduler_address": .string, "python": .string, "connect_timeout": .duration, "tls": .any,
            "cluster_class": .string, "cluster_kwargs": .any, "shared": .flag,
        ])

    /// Settings that say where a run's tasks are.
    public static let place = ["scheduler_address", "cluster_class", "cluster_kwargs", "shared"]

    /// - Parameter jobs: `-j`: how many attempts the cluster is given at once.
    public static func make(_ spec: ComponentSpec, _ context: ExecutorContext) throws -> any Executor {
        var settings: [String: JSONValue] = [:]
        for name in ["scheduler_address", "cluster_class"] {
            settings[name] = spec.settings[name]?.text.map { .text($0) }
        }
        if settings["scheduler_address"] == nil, settings["cluster_class"] == nil {
            settings["cluster_class"] = .text("LocalCluster")
        }
        settings["cluster_kwargs"] = spec.settings["cluster_kwargs"].map { JSONValue($0) }
        if case .map(let tls) = spec.settings["tls"]?.value {
            settings["tls"] = .map(tls.compactMapValues { $0.text.map { .text(context.absolute($0)) } })
        }
        let bridge = Bridge.python(
            spec, context, engine: "Dask", script: [PackageResources.dask_cluster_py, PackageResources.dask_bridge_py],
            settings: settings)
        return try RemoteExecutor(bridge, slots: spec.settings["jobs"]?.text.flatMap { Int($0) } ?? Bridge.inFlight)
    }

    /// What is wrong with the settings beyond their kinds.
    public static func problems(with spec: ComponentSpec) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        if spec.settings["scheduler_address"] != nil, let cluster = spec.settings["cluster_class"] {
            problems.append(
                Diagnostic(
                    at: cluster.mark, "'scheduler_address' and 'cluster_class' exclude each other",
                    hint: "a cluster that is there has an address, one of the run's own a class"))
        }
        problems += spec.problemUnlessMapping("cluster_kwargs")
        return problems + Bridge.problemsWithPython(spec) + problemsWithAddress(spec) + problemsWithTLS(spec)
    }

    private static func problemsWithAddress(_ spec: ComponentSpec) -> [Diagnostic] {
        guard let address = spec.settings["scheduler_address"], let text = address.text else { return [] }
        let endpoint = text.split(separator: "://", maxSplits: 1).last ?? ""
        guard let colon = endpoint.lastIndex(of: ":"), colon != endpoint.startIndex,
            UInt16(endpoint[endpoint.index(after: colon)...]) != nil
        else {
            return [
                Diagnostic(
                    at: address.mark, "'\(text)' is no address of a scheduler",
                    hint: "tcp://HOST:PORT or tls://HOST:PORT")
            ]
        }
        let isSecure = text.hasPrefix("tls://") || text.hasPrefix("wss://")
        guard isSecure != (spec.settings["tls"] != nil) else { return [] }
        return isSecure
            ? [
                Diagnostic(
                    at: address.mark, "'\(text)' is a TLS address, and the executor has no 'tls'",
                    hint: "tls: {ca_file: …, cert: …, key: …}")
            ]
            : [Diagnostic(at: address.mark, "'tls' is given, and '\(text)' is no TLS address", hint: "tls://HOST:PORT")]
    }

    private static func problemsWithTLS(_ spec: ComponentSpec) -> [Diagnostic] {
        guard let tls = spec.settings["tls"] else { return [] }
        guard case .map(let fields) = tls.value else {
            return [Diagnostic(at: tls.mark, "'tls' is a mapping", hint: "tls: {ca_file: …, cert: …, key: …}")]
        }
        return fields.sorted { $0.key < $1.key }.filter { !["ca_file", "cert", "key"].contains($0.key) }.map {
            Diagnostic(at: $0.value.mark, "unknown key '\($0.key)'", hint: "'tls' has ca_file, cert and key")
        }
    }
}

public import SaturnCore

/// Runs tasks on a Ray cluster, which is the user's or the run's own.
///
/// ```yaml
/// executor: {class_spec: RayExecutor, address: "127.0.0.1:6379", python: .venv/bin/python, num_cpus: 1}
/// executor: {class_spec: RayExecutor, address: local}
/// ```
/// The user's Python needs no package but `ray`, in the cluster's version.
public enum RayExecutor {
    public static let schema = ComponentSchema(
        name: "Ray", classSpecs: ["RayExecutor", "RayBackend", "Ray"],
        settings: [
            "address": .string, "namespace": .string, "python": .string, "connect_timeout": .duration,
            "num_cpus": .string, "runtime_env": .any, "shared": .flag,
        ])

    /// Settings that say where a run's tasks are.
    public static let place = ["address", "namespace", "shared"]

    /// - Parameter jobs: `-j`: how many attempts the cluster is given at once.
    public static func make(_ spec: ComponentSpec, _ context: ExecutorContext) throws -> any Executor {
        var settings: [String: JSONValue] = [
            "address": .text(spec.settings["address"]?.text ?? "local"),
            "namespace": .text(spec.settings["namespace"]?.text ?? "saturn"),
        ]
        settings["num_cpus"] = spec.settings["num_cpus"]?.text.flatMap { Double($0) }.map { .number($0) }
        settings["runtime_env"] = spec.settings["runtime_env"].map { JSONValue($0) }
        var bridge = Bridge.python(
            spec, context, engine: "Ray",
            script: [
                PackageResources.ray_kept_py, PackageResources.ray_cluster_py, PackageResources.ray_ticket_py,
                PackageResources.ray_bridge_py,
            ],
            settings: settings)
        if spec.settings["address"].map({ $0.text == "local" }) ?? true {
            // On loopback alone, which Ray does by itself only elsewhere than on Linux.
            bridge.environment += [
                "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0", "RAY_USAGE_STATS_ENABLED=0",
                "SATURN_RAY_TOKEN=\(context.bridgeFolder)/ray-token",
            ]
        }
        bridge.problems = { $0.resources.map(problems(with:)) ?? [] }
        return try RemoteExecutor(bridge, slots: spec.settings["jobs"]?.text.flatMap { Int($0) } ?? Bridge.inFlight)
    }

    /// What is wrong with the settings beyond their kinds.
    public static func problems(with spec: ComponentSpec) -> [Diagnostic] {
        var problems = Bridge.problemsWithPython(spec)
        if let address = spec.settings["address"], let text = address.text, !isAddress(text) {
            problems.append(
                Diagnostic(
                    at: address.mark, "'\(text)' is no address of a Ray cluster",
                    hint: "HOST:PORT of its head, or 'local' for one of the run's own"))
        }
        problems += spec.problemIfEmpty("namespace", hint: "without one it is 'saturn'")
        if let cpus = spec.settings["num_cpus"], let text = cpus.text {
            if let amount = Double(text), amount >= 0, amount.isFinite {
                problems += problem(with: amount, "num_cpus", at: cpus.mark)
            } else {
                problems.append(Diagnostic(at: cpus.mark, "'num_cpus' is a number of at least 0, not '\(text)'"))
            }
        }
        return problems + spec.problemUnlessMapping("runtime_env")
    }

    private static func isAddress(_ text: String) -> Bool {
        if text == "local" { return true }
        guard !text.contains("/"), let colon = text.lastIndex(of: ":"), colon != text.startIndex else { return false }
        return UInt16(text[text.index(after: colon)...]) != nil
    }

    /// What Ray would refuse of a task's, when it is too late.
    private static func problems(with resources: Resources) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        if let cpus = resources.cpus { problems += problem(with: cpus.value, "cpus", at: cpus.mark) }
        if let gpus = resources.gpus {
            problems += problem(with: gpus.value, "gpus", at: gpus.mark)
            if gpus.value > 1, gpus.value != gpus.value.rounded() {
                problems.append(Diagnostic(at: gpus.mark, "Ray gives more than one GPU only as a whole number"))
            }
        }
        for other in resources.others {
            problems += problem(with: other.amount.value, other.name, at: other.amount.mark)
            if !other.name.utf8.allSatisfy({ $0 < 0x80 }) || ["CPU", "GPU", "object_store_memory"].contains(other.name)
            {
                problems.append(
                    Diagnostic(
                        at: other.amount.mark, "Ray has no resource of its own called '\(other.name)'",
                        hint: "cpus, gpus and memory, or a name in ASCII"))
            }
        }
        return problems
    }

    private static func problem(with amount: Double, _ name: String, at mark: SourceMark) -> [Diagnostic] {
        let units = amount * 10_000
        guard abs(units - units.rounded()) > 1e-6 else { return [] }
        return [Diagnostic(at: mark, "Ray counts '\(name)' in ten-thousandths")]
    }
}

public import SaturnCore

/// Runs tasks on R's futures, by any plan that R has.
///
/// ```yaml
/// executor: {class_spec: RFuturesExecutor, plan: multisession, workers: 4}
/// executor: {class_spec: RFuturesExecutor, plan: cluster, workers: [node1, node1, node2]}
/// executor: {class_spec: RFuturesExecutor, plan: future.batchtools::batchtools_slurm, plan_args: {template: slurm.tmpl}}
/// ```
/// R needs the packages `future`, `processx` and `jsonlite`, and the plan's own one. Workers share this machine's disk.
public enum RFuturesExecutor {
    public static let schema = ComponentSchema(
        name: "RFutures", classSpecs: ["RFuturesExecutor", "RFutureExecutor", "RFuturesBackend", "RFutures"],
        settings: [
            "plan": .string, "workers": .any, "plan_args": .any, "rscript": .string, "connect_timeout": .duration,
        ])

    /// Settings that say where a run's tasks are.
    public static let place = ["plan", "workers", "plan_args", "rscript"]

    /// - Parameter jobs: `-j`: how many attempts R is given at once.
    public static func make(_ spec: ComponentSpec, _ context: ExecutorContext) throws -> any Executor {
        var settings: [String: JSONValue] = ["plan": .text(spec.settings["plan"]?.text ?? "multisession")]
        settings["workers"] = spec.settings["workers"].map { JSONValue($0) }
        settings["plan_args"] = spec.settings["plan_args"].map { JSONValue($0) } ?? .map([:])
        let timeout = spec.settings["connect_timeout"]?.text.flatMap { Quantity.seconds($0) } ?? 120
        settings["connect_timeout"] = .number(timeout)
        let rscript = spec.settings["rscript"]?.text ?? "Rscript"
        let script = [
            PackageResources.r_files_R, PackageResources.r_mask_R, PackageResources.r_worker_R,
            PackageResources.r_foreman_R, PackageResources.r_books_R, PackageResources.r_engine_R,
            PackageResources.r_bridge_R,
        ]
        let keepsSecrets = keepsSecrets(spec)
        if keepsSecrets { settings["environment"] = environment(context) }
        let bridge = Bridge(
            interpreter: rscript.contains("/") ? context.absolute(rscript) : rscript, setting: "rscript",
            launcher: ["/bin/sh", "-c", launcher, "sh"], suffix: ".R",
            script: Array(script.joined(separator: [UInt8(ascii: "\n")])), settings: .map(settings),
            environment: context.environment, run: context.run, folder: context.bridgeFolder, isShared: true,
            syncs: [], base: context.folder, ownFolders: context.ownFolders, engine: "R", home: context.home,
            memory: ExecutorMemory(spec, context), identity: context.runID,
            problems: { keepsSecrets ? [] : problemsWithSecrets($0) })
        return try BridgeExecutor(bridge, slots: spec.settings["jobs"]?.text.flatMap { Int($0) } ?? Bridge.inFlight)
    }

    /// A profile or a package may write to stdout: the events go another way. With all that R attaches for people it
    /// starts five times slower.
    private static let launcher =
        "exec 3>&1 1>&2; export SATURN_R_PACKAGES=\"${R_DEFAULT_PACKAGES-}\" R_DEFAULT_PACKAGES=NULL; exec \"$@\""

    /// What is wrong with the settings beyond their kinds.
    public static func problems(with spec: ComponentSpec) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        for (name, hint) in [("plan", "it is multisession"), ("rscript", "it is Rscript")] {
            if let setting = spec.settings[name], setting.text == "" {
                problems.append(Diagnostic(at: setting.mark, "'\(name)' is empty", hint: "without it, \(hint)"))
            }
        }
        if let arguments = spec.settings["plan_args"] {
            if case .map(let fields) = arguments.value {
                if let workers = fields["workers"] {
                    problems.append(
                        Diagnostic(at: workers.mark, "'plan_args' has 'workers'", hint: "executor.workers names them"))
                }
            } else {
                problems.append(Diagnostic(at: arguments.mark, "'plan_args' is a mapping"))
            }
        }
        return problems + problemsWithWorkers(spec)
    }

    private static func problemsWithWorkers(_ spec: ComponentSpec) -> [Diagnostic] {
        guard let workers = spec.settings["workers"] else { return [] }
        let wrong = Diagnostic(
            at: workers.mark, "'workers' is how many, at least 1, or a list of hosts",
            hint: "workers: 4, or workers: [node1, node2]")
        switch workers.value {
        case .map: return [wrong]
        case .scalar(let text):
            let isCount = Int(text).map { $0 > 0 && $0 <= 10_000 }
            return isCount ?? (Double(text) == nil && !text.isEmpty) ? hosts([workers], spec, isCount != nil) : [wrong]
        case .list(let hosts):
            let areNames = hosts.allSatisfy { $0.text.map { !$0.isEmpty } ?? false }
            return areNames && !hosts.isEmpty ? Self.hosts(hosts, spec, false) : [wrong]
        }
    }

    /// The plans that run on this machine alone have no hosts.
    private static func hosts(_ hosts: [Setting], _ spec: ComponentSpec, _ isCount: Bool) -> [Diagnostic] {
        let plan = spec.settings["plan"]?.text ?? "multisession"
        if plan == "sequential" {
            return hosts.prefix(1).map {
                Diagnostic(at: $0.mark, "the plan 'sequential' has one worker and no 'workers'")
            }
        }
        guard !isCount, ["multisession", "multicore"].contains(plan) else { return [] }
        return hosts.prefix(1).map {
            Diagnostic(at: $0.mark, "the plan '\(plan)' has no hosts", hint: "plan: cluster, or workers: 4")
        }
    }

    /// What tasks get on this machine.
    private static func environment(_ context: ExecutorContext) -> JSONValue {
        let pairs = context.environment.compactMap { entry in
            entry.firstIndex(of: "=").map {
                (String(entry[..<$0]), JSONValue.text(String(entry[entry.index(after: $0)...])))
            }
        }
        return .map(Dictionary(pairs.filter { !$0.0.isEmpty }, uniquingKeysWith: { first, _ in first }))
    }

    private static func problemsWithSecrets(_ task: TaskSpec) -> [Diagnostic] {
        guard let secret = task.secrets.first else { return [] }
        return [
            Diagnostic(
                at: task.mark,
                "'\(task.name)' has the secret '\(secret)', and this plan writes what it is told to files",
                hint: "multisession, multicore and cluster keep it in memory")
        ]
    }

    /// Whether what a worker is told stays in memory: batch systems are told by files.
    private static func keepsSecrets(_ spec: ComponentSpec) -> Bool {
        let plan = spec.settings["plan"]?.text ?? "multisession"
        return ["multisession", "multicore", "cluster", "sequential"].contains(plan)
    }
}

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
        var settings: [String: JSONValue] = ["plan": .text(plan(spec))]
        settings["workers"] = spec.settings["workers"].map { JSONValue($0) }
        settings["plan_args"] = spec.settings["plan_args"].map { JSONValue($0) } ?? .map([:])
        let timeout = spec.settings["connect_timeout"]?.text.flatMap { Quantity.seconds($0) } ?? 120
        settings["connect_timeout"] = .number(timeout)
        let rscript = spec.settings["rscript"]?.text ?? "Rscript"
        let script = [
            PackageResources.r_files_R, PackageResources.r_processes_R, PackageResources.r_mask_R,
            PackageResources.r_worker_R, PackageResources.r_attempt_R, PackageResources.r_foreman_R,
            PackageResources.r_books_R, PackageResources.r_engine_R,
            PackageResources.r_bridge_R,
        ]
        let keepsSecrets = keepsSecrets(spec)
        if keepsSecrets {
            let variables = EnvironmentTemplate(context.environment).variables
            settings["environment"] = .map(variables.mapValues { .text($0) })
        }
        let bridge = Bridge(
            interpreter: rscript.contains("/") ? context.absolute(rscript) : rscript, setting: "rscript",
            launcher: ["/bin/sh", "-c", launcher, "sh"], suffix: ".R",
            script: Array(script.joined(separator: [UInt8(ascii: "\n")])), settings: .map(settings),
            environment: context.environment, run: RemoteRun(spec, context), isShared: true,
            syncs: [], base: context.folder, ownFolders: context.ownFolders, engine: "R",
            problems: { keepsSecrets ? [] : problemsWithSecrets($0) })
        return try RemoteExecutor(bridge, slots: spec.settings["jobs"]?.text.flatMap { Int($0) } ?? Bridge.inFlight)
    }

    /// A profile or a package may write to stdout: the events go another way. With all that R attaches for people it
    /// starts five times slower.
    private static let launcher =
        "exec 3>&1 1>&2; export SATURN_R_PACKAGES=\"${R_DEFAULT_PACKAGES-}\" R_DEFAULT_PACKAGES=NULL; exec \"$@\""

    /// What is wrong with the settings beyond their kinds.
    public static func problems(with spec: ComponentSpec) -> [Diagnostic] {
        var problems =
            spec.problemIfEmpty("plan", hint: "without it, it is multisession")
            + spec.problemIfEmpty("rscript", hint: "without it, it is Rscript") + spec.problemUnlessMapping("plan_args")
        if case .map(let fields) = spec.settings["plan_args"]?.value, let workers = fields["workers"] {
            problems.append(
                Diagnostic(at: workers.mark, "'plan_args' has 'workers'", hint: "executor.workers names them"))
        }
        return problems + problemsWithWorkers(spec)
    }

    private static func problemsWithWorkers(_ spec: ComponentSpec) -> [Diagnostic] {
        guard let workers = spec.settings["workers"] else { return [] }
        let (isCount, isRight) = kind(of: workers)
        guard isRight else {
            return [
                Diagnostic(
                    at: workers.mark, "'workers' is how many, at least 1, or a list of hosts",
                    hint: "workers: 4, or workers: [node1, node2]")
            ]
        }
        switch plan(spec) {
        case "sequential":
            return [Diagnostic(at: workers.mark, "the plan 'sequential' has one worker and no 'workers'")]
        case "multisession" where !isCount, "multicore" where !isCount:
            return [
                Diagnostic(
                    at: workers.mark, "the plan '\(plan(spec))' has no hosts", hint: "plan: cluster, or workers: 4")
            ]
        default: return []
        }
    }

    private static func kind(of workers: Setting) -> (isCount: Bool, isRight: Bool) {
        switch workers.value {
        case .map: return (false, false)
        case .scalar(let text):
            if let count = Int(text) { return (true, count > 0 && count <= 10_000) }
            return (false, Double(text) == nil && !text.isEmpty)
        case .list(let hosts):
            return (false, !hosts.isEmpty && hosts.allSatisfy { $0.text.map { !$0.isEmpty } ?? false })
        }
    }

    private static func plan(_ spec: ComponentSpec) -> String { spec.settings["plan"]?.text ?? "multisession" }

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
        ["multisession", "multicore", "cluster", "sequential"].contains(plan(spec))
    }
}

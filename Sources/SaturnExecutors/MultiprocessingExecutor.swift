import CSystem
import Glibc
public import SaturnCore

/// Runs tasks as processes of this machine, each in a session of its own, writing straight into its log.
///
/// ```yaml
/// executor: {class_spec: MultiprocessingExecutor, jobs: 4, gpus: 2, limits: {license: 1}}
/// ```
public struct MultiprocessingExecutor: Executor {
    public static let schema = ComponentSchema(
        name: "Multiprocessing",
        classSpecs: ["MultiprocessingExecutor", "MultiprocessingBackend", "Multiprocessing"],
        settings: ["jobs": .integer(atLeast: 1), "gpus": .integer(atLeast: 0), "limits": .any])

    public let slots: Int
    public let identity: [Manifest.Value] = []
    public var workplace: (any TaskExecutor)? { loop }
    private let loop: ProcessLoop
    private let machine: Capacity
    private let gpus: LocalGPUs

    /// - Parameters:
    ///   - jobs: how many tasks run at once; without it one per usable core, or per GPU, whichever are more.
    ///   - gpus: how many there are; without it nvidia-smi is asked, if a task needs any.
    ///   - limits: what else there is that tasks share.
    ///   - environment: what the tasks inherit, as `NAME=value`.
    public init(jobs: Int?, gpus: Int? = nil, limits: [String: Double] = [:], environment: [String]) throws {
        let cores = Int(csystem_usable_cpus())
        slots = jobs ?? max(cores, gpus ?? 0)
        loop = try ProcessLoop(slots: slots, environment: environment)
        self.gpus = LocalGPUs(gpus, environment: environment)
        var machine = Capacity(cpus: Double(cores), memory: Self.memory, limits: limits)
        // As many as were asked for run at once, on however few cores.
        machine.usualCPUsWithGPU = min(1, Double(cores) / Double(slots))
        if jobs != nil { machine.usualCPUs = machine.usualCPUsWithGPU }
        self.machine = machine
    }

    public var capacity: Capacity? {
        var capacity = machine
        capacity.gpus = gpus.known
        return capacity
    }

    /// Bytes that this machine has for this process.
    private static var memory: Int {
        min(sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)), CgroupPlace.own?.bound ?? Int.max)
    }

    public func problems(with tasks: [TaskSpec]) -> [Diagnostic] {
        var check = ResourceCheck(machine, gpus)
        for task in tasks { check.look(at: task) }
        return check.problems
    }

    public func start(_ deliver: @escaping @Sendable ([ExecutorEvent]) -> Void) throws { try loop.start(deliver) }
    public func launch(_ launches: [Launch]) { loop.post { $0.launches += launches } }
    public func cancel(_ attempt: AttemptID, force: Bool) { loop.post { $0.cancels.append((attempt, force)) } }

    public func stop() async { await loop.stop() }
}

extension MultiprocessingExecutor {
    public static func make(_ spec: ComponentSpec, _ context: ExecutorContext) throws -> any Executor {
        func number(_ name: String) -> Int? { spec.settings[name]?.text.flatMap { Int($0) } }
        return try MultiprocessingExecutor(
            jobs: number("jobs"), gpus: number("gpus"), limits: limits(of: spec).compactMapValues(\.amount),
            environment: context.environment)
    }

    /// What is wrong with the settings beyond their kinds.
    public static func problems(with spec: ComponentSpec) -> [Diagnostic] {
        let problems = spec.problemUnlessMapping("limits")
        return problems
            + limits(of: spec).sorted { $0.key < $1.key }.compactMap { name, limit in
                if ["cpus", "gpus", "memory"].contains(name) {
                    return Diagnostic(
                        at: limit.mark, "'\(name)' is no limit of the user's own",
                        hint: name == "gpus" ? "it stands beside 'limits'" : "it is what the machine has")
                }
                guard limit.amount == nil else { return nil }
                return Diagnostic(at: limit.mark, "the limit '\(name)' is a number greater than 0")
            }
    }

    private static func limits(of spec: ComponentSpec) -> [String: (amount: Double?, mark: SourceMark)] {
        guard case .map(let limits)? = spec.settings["limits"]?.value else { return [:] }
        return limits.mapValues { setting in
            let amount = setting.text.flatMap { Double($0) }.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
            return (amount, setting.mark)
        }
    }
}

import CSystem
import Glibc
public import SaturnCore

/// Runs tasks as processes of this machine, each in a session of its own, writing straight into its log.
///
/// ```yaml
/// executor: {class_spec: MultiprocessingExecutor, jobs: 4}
/// ```
public struct MultiprocessingExecutor: Executor {
    public static let schema = ComponentSchema(
        name: "Multiprocessing",
        classSpecs: ["MultiprocessingExecutor", "MultiprocessingBackend", "Multiprocessing"],
        settings: ["jobs": .integer(atLeast: 1)])

    public let slots: Int
    public let identity: [Manifest.Value] = []
    public var workplace: (any TaskExecutor)? { loop }
    private let loop: ProcessLoop

    /// - Parameters:
    ///   - jobs: how many tasks run at once; without it one per usable core.
    ///   - environment: what the tasks inherit, as `NAME=value`.
    public init(jobs: Int?, environment: [String]) throws {
        slots = jobs ?? Int(csystem_usable_cpus())
        loop = try ProcessLoop(slots: slots, environment: environment)
    }

    public func problems(with tasks: [TaskSpec]) -> [Diagnostic] {
        let cores = Double(csystem_usable_cpus())
        let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        return tasks.flatMap { task -> [Diagnostic] in
            guard let resources = task.resources else { return [] }
            var problems: [Diagnostic] = []
            func refuse(_ mark: SourceMark, _ what: String) {
                problems.append(Diagnostic(at: mark, "task '\(task.name)' asks for \(what)"))
            }
            if let cpus = resources.cpus, cpus.value > cores {
                refuse(cpus.mark, "\(cpus.value.plain) cpus; this machine has \(cores.plain)")
            }
            if let asked = resources.memory, asked.value > memory {
                refuse(asked.mark, "\(asked.value) bytes of memory; this machine has \(memory)")
            }
            if let gpus = resources.gpus {
                refuse(gpus.mark, "\(gpus.value.plain) gpus; the local executor of this version hands out none")
            }
            for other in resources.others {
                refuse(other.amount.mark, "'\(other.name)', which this executor does not have")
            }
            return problems
        }
    }

    public func start(_ deliver: @escaping @Sendable ([ExecutorEvent]) -> Void) throws { try loop.start(deliver) }
    public func launch(_ launches: [Launch]) { loop.post { $0.launches += launches } }
    public func cancel(_ attempt: AttemptID, force: Bool) { loop.post { $0.cancels.append((attempt, force)) } }

    public func stop() async { await loop.stop() }
}

extension Double {
    /// Without a fraction where it is a whole number.
    fileprivate var plain: String { self == rounded() && abs(self) < 1e15 ? "\(Int(self))" : "\(self)" }
}

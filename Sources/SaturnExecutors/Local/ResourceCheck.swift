import SaturnCore

/// Looks for tasks that ask for more than this machine has, however long they wait.
struct ResourceCheck {
    private let machine: Capacity
    private let gpus: LocalGPUs
    private(set) var problems: [Diagnostic] = []

    init(_ machine: Capacity, _ gpus: LocalGPUs) {
        self.machine = machine
        self.gpus = gpus
    }

    mutating func look(at task: TaskSpec) {
        guard let resources = task.resources else { return }
        if let cpus = resources.cpus, cpus.value > machine.cpus {
            refuse(task, cpus.mark, "\(cpus.value.plain) cpus; this machine has \(machine.cpus.plain)")
        }
        for memory in resources.memory where memory.value > machine.memory {
            let all = Quantity.text(machine.memory - machine.memory % 1_000_000)
            refuse(task, memory.mark, "\(Quantity.text(memory.value)) of memory; this machine has \(all)")
        }
        for memory in resources.memory where memory.value < 1_000_000 {
            refuse(
                task, memory.mark, "\(Quantity.text(memory.value)) of memory, in which no program runs",
                hint: "write it as 512MiB or 4GB")
        }
        if let asked = resources.gpus, asked.value > 0 { look(at: asked, of: task) }
        for other in resources.others where other.amount.value > 0 { look(at: other, of: task) }
    }

    private mutating func look(at asked: Marked<Double>, of task: TaskSpec) {
        let words = "\(asked.value.plain) \(asked.value == 1 ? "gpu" : "gpus")"
        if asked.value > 1, asked.value != asked.value.rounded() {
            return refuse(task, asked.mark, words, hint: "several GPUs, or a part of one, but not both")
        }
        let count = gpus.look().count
        if asked.value > Double(count) {
            refuse(task, asked.mark, "\(words); this machine has \(count == 0 ? "none" : "\(count)")", hint: gpus.hint)
        }
        if task.env.contains(where: { $0.name == "CUDA_VISIBLE_DEVICES" }) {
            refuse(task, asked.mark, "\(words), and sets CUDA_VISIBLE_DEVICES itself", hint: "leave that to saturn")
        }
    }

    private mutating func look(at other: Resources.Other, of task: TaskSpec) {
        guard let limit = machine.limits[other.name] else {
            let hint =
                Suggestion.hint(for: other.name, among: machine.limits.keys.sorted())
                ?? "if so many may be taken at once, say so: executor: {class_spec: Multiprocessing, limits: {\(other.name): 2}}"
            return refuse(task, other.amount.mark, "'\(other.name)', which this executor does not have", hint: hint)
        }
        if other.amount.value > limit {
            refuse(
                task, other.amount.mark, "\(other.amount.value.plain) of '\(other.name)'; the limit is \(limit.plain)")
        }
    }

    private mutating func refuse(_ task: TaskSpec, _ mark: SourceMark, _ what: String, hint: String? = nil) {
        problems.append(Diagnostic(at: mark, "task '\(task.name)' asks for \(what)", hint: hint))
    }
}

extension Double {
    /// Without a fraction where it is a whole number.
    fileprivate var plain: String { self == rounded() && abs(self) < 1e15 ? "\(Int(self))" : "\(self)" }
}

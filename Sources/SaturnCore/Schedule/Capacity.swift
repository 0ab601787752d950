/// What a machine has for the tasks that it runs at once.
public struct Capacity: Hashable, Sendable {
    public var cpus: Double
    /// Bytes.
    public var memory: Int
    /// As `CUDA_VISIBLE_DEVICES` calls them.
    public var gpus: [String]
    /// The user's own names.
    public var limits: [String: Double]
    /// Cpus that a task takes which does not say how many.
    public var usualCPUs = 1.0
    /// The same, of one that takes GPUs.
    public var usualCPUsWithGPU = 1.0

    public init(cpus: Double, memory: Int, gpus: [String] = [], limits: [String: Double] = [:]) {
        self.cpus = cpus
        self.memory = memory
        self.gpus = gpus
        self.limits = limits
    }
}

/// What a task takes of a ``Capacity`` while it runs.
///
/// Amounts are ten-thousandths, and whole: however often 0.1 is taken and given back, what is left is exact.
struct Demand: Hashable, Sendable {
    static let unit = 10_000.0

    /// Cpus, memory in bytes, then the limits in the order of their names.
    var amounts: [Int]
    /// Whole ones, or a part of one.
    var gpus: Int

    static let none = Demand(amounts: [], gpus: 0)

    init(_ resources: Resources?, step: Int, of capacity: Capacity) {
        let usual = resources?.gpus?.value ?? 0 == 0 ? capacity.usualCPUs : capacity.usualCPUsWithGPU
        amounts = [
            resources?.cpus.map { Self.units($0.value) } ?? Int(usual * Self.unit),
            resources?.memory(onStep: step) ?? 0,
        ]
        for name in capacity.limits.keys.sorted() {
            amounts.append(Self.units(resources?.others.first { $0.name == name }?.amount.value ?? 0))
        }
        gpus = Self.units(resources?.gpus?.value ?? 0)
    }

    private init(amounts: [Int], gpus: Int) {
        self.amounts = amounts
        self.gpus = gpus
    }

    static func units(_ amount: Double) -> Int { Int(min(amount * unit, Double(Int.max / 4)).rounded(.up)) }
}

/// The different demands of a run's tasks, each once: a run may have a million tasks.
public struct Demands: Sendable {
    /// What one task takes, by how often it has failed.
    public struct Kind: Hashable, Sendable {
        /// Of its first entry in the table.
        let first: Int
        let steps: Int

        /// For a task that takes nothing, where nobody counts.
        public static let none = Kind(first: 0, steps: 1)

        func entry(step: Int) -> Int { first + self.step(step) }
        func step(_ step: Int) -> Int { min(step, steps - 1) }
    }

    let capacity: Capacity?
    private(set) var table: [Demand] = []
    private var kinds: [[Demand]: Kind] = [:]

    /// - Parameter capacity: `nil` where the engine itself sees to it that everything has its place.
    public init(_ capacity: Capacity? = nil) {
        self.capacity = capacity
        _ = kind(of: nil)
    }

    /// How a task with these resources is told to the scheduler.
    public mutating func kind(of resources: Resources?) -> Kind {
        let steps = max(1, resources?.memory.count ?? 1)
        guard let capacity else {
            while table.count < steps { table.append(.none) }
            return Kind(first: 0, steps: steps)
        }
        if resources == nil, !table.isEmpty { return .none }
        let demands = (0..<steps).map { Demand(resources, step: $0, of: capacity) }
        if let kind = kinds[demands] { return kind }
        let kind = Kind(first: table.count, steps: steps)
        table += demands
        kinds[demands] = kind
        return kind
    }
}

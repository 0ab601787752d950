/// What of a ``Capacity`` is free, and who has the rest.
struct ResourcePool: Sendable {
    /// What a running task has of it.
    struct Grant: Hashable, Sendable {
        /// The lowest number that no other running task has.
        var slot: Int
        /// Indices of its GPUs.
        var gpus: [Int]
    }

    private var free: [Int]
    /// Of each GPU.
    private var gpus: [Int]
    private var freeSlots = MinHeap()
    private var usedSlots = 0
    private static let whole = Int(Demand.unit)

    init(_ capacity: Capacity) {
        free = [Demand.units(capacity.cpus), capacity.memory]
        free += capacity.limits.keys.sorted().map { Demand.units(capacity.limits[$0] ?? 0) }
        gpus = Array(repeating: Self.whole, count: capacity.gpus.count)
    }

    /// `nil` when there is not enough, or when what is left would be further from what `waiting` needs.
    mutating func take(_ demand: Demand, sparing waiting: Demand?) -> Grant? {
        guard fits(demand), let chosen = Self.place(demand.gpus, on: gpus) else { return nil }
        var left = gpus
        for gpu in chosen { left[gpu] -= min(demand.gpus, Self.whole) }
        if let waiting, !spares(waiting, demand, left) { return nil }
        for index in demand.amounts.indices { free[index] -= demand.amounts[index] }
        gpus = left
        return Grant(slot: takeSlot(), gpus: chosen)
    }

    mutating func give(_ grant: Grant, of demand: Demand) {
        for index in demand.amounts.indices { free[index] += demand.amounts[index] }
        for gpu in grant.gpus { gpus[gpu] += min(demand.gpus, Self.whole) }
        freeSlots.push(grant.slot)
    }

    private mutating func takeSlot() -> Int {
        if let slot = freeSlots.pop() { return slot }
        defer { usedSlots += 1 }
        return usedSlots
    }

    private func fits(_ demand: Demand) -> Bool { zip(demand.amounts, free).allSatisfy { $0 <= $1 } }

    /// Of what `waiting` lacks nothing may be taken; of what it does not, only what it leaves.
    private func spares(_ waiting: Demand, _ demand: Demand, _ left: [Int]) -> Bool {
        for index in demand.amounts.indices {
            let rest = free[index] - waiting.amounts[index]
            guard rest >= 0 ? demand.amounts[index] <= rest : demand.amounts[index] == 0 else { return false }
        }
        if Self.place(waiting.gpus, on: gpus) == nil { return demand.gpus == 0 }
        return Self.place(waiting.gpus, on: left) != nil
    }

    /// Whole ones that nobody has, or of those with room for a part the fullest.
    private static func place(_ amount: Int, on free: [Int]) -> [Int]? {
        if amount == 0 { return [] }
        guard amount < whole else {
            let count = amount / whole
            let chosen = Array(free.indices.lazy.filter { free[$0] == whole }.prefix(count))
            return chosen.count == count ? chosen : nil
        }
        return free.indices.filter { free[$0] >= amount }.min { (free[$0], $0) < (free[$1], $1) }.map { [$0] }
    }
}

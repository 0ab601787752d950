/// Tasks that could start, by what they take and by their rank: those that take the same are alike but for that.
struct ReadyQueue: Sendable {
    /// One that starts now.
    struct Next {
        var rank: Int
        /// Its entry in the table of demands.
        var kind: Int
        /// `nil` where nobody counts.
        var grant: ResourcePool.Grant?
    }

    /// Nanoseconds for which others that take less may start before a task that finds too little free. Then all that it
    /// lacks is kept for it.
    static let patience: Int64 = 10_000_000_000

    private let demands: [Demand]
    private var heaps: [MinHeap]
    private var pool: ResourcePool?
    /// By rank: since when one was the first, and did not find enough free.
    private var lacking: [Int: Int64] = [:]
    private(set) var isEmpty = true

    init(_ demands: Demands) {
        self.demands = demands.table
        heaps = Array(repeating: MinHeap(), count: demands.table.count)
        pool = demands.capacity.map { ResourcePool($0) }
    }

    mutating func push(_ rank: Int, kind: Int) {
        heaps[kind].push(rank)
        isEmpty = false
    }

    /// The first that finds enough free. Whoever is passed over by others for too long is not any more.
    mutating func takeNext(_ now: Int64) -> Next? {
        var waiting: Demand?
        for (position, candidate) in candidates.enumerated() {
            let demand = demands[candidate.kind]
            let grant = pool?.take(demand, sparing: waiting)
            if pool == nil || grant != nil {
                remove(candidate)
                return Next(rank: candidate.rank, kind: candidate.kind, grant: grant)
            }
            guard position == 0 else { continue }
            let since = lacking[candidate.rank] ?? now
            lacking[candidate.rank] = since
            if now - since >= Self.patience { waiting = demand }
        }
        return nil
    }

    mutating func give(back taken: Next) {
        if let grant = taken.grant { pool?.give(grant, of: demands[taken.kind]) }
    }

    /// The first of each kind, the lowest rank first.
    private var candidates: [(rank: Int, kind: Int)] {
        guard heaps.count > 1 else { return heaps[0].first.map { [($0, 0)] } ?? [] }
        return heaps.indices.compactMap { kind in heaps[kind].first.map { (rank: $0, kind: kind) } }
            .sorted { $0.rank < $1.rank }
    }

    private mutating func remove(_ candidate: (rank: Int, kind: Int)) {
        _ = heaps[candidate.kind].pop()
        lacking[candidate.rank] = nil
        isEmpty = heaps.allSatisfy(\.isEmpty)
    }
}

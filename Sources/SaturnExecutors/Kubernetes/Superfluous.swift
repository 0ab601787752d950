/// What can go from the cluster, and what has been told to.
struct Superfluous {
    struct Item {
        var attempt: String
        var job: String
        /// Its keeper ends when it is asked. Others end only when they are killed, since nobody has what they keep.
        var isFetched: Bool
    }

    struct Batch {
        fileprivate var items: [Item]

        /// What `kubectl` is told.
        var words: [String] {
            if items.first?.isFetched == true { return ["delete", "jobs"] + items.map(\.job) }
            let attempts = items.map(\.attempt).joined(separator: ",")
            return Kubectl.removal + ["-l", "\(ClusterNames.attempt) in (\(attempts))"]
        }
    }

    private var items: [Item] = []
    /// Attempts that were ever among them.
    private var told: Set<String> = []
    private static let most = 200

    var isEmpty: Bool { items.isEmpty }

    mutating func add(_ item: Item) {
        if told.insert(item.attempt).inserted { items.append(item) }
    }

    func has(_ attempt: String) -> Bool { told.contains(attempt) }

    /// Some that are deleted in the same way.
    mutating func take() -> Batch? {
        guard let first = items.first else { return nil }
        let batch = Array(items.lazy.filter { $0.isFetched == first.isFetched }.prefix(Self.most))
        let taken = Set(batch.map(\.attempt))
        items.removeAll { taken.contains($0.attempt) }
        return Batch(items: batch)
    }

    mutating func giveBack(_ batch: Batch) { items += batch.items }
}

import SaturnCore

/// Attempts that are in the layout and that the ledger did not know, in the order in which they were found.
struct Adoptions {
    private var order: [AttemptID] = []
    private var found: [AttemptID: AttemptRecord] = [:]
    /// Also by the keys that they were accepted under.
    private var byKey: [TaskKey: [AttemptID]] = [:]

    var count: Int { found.count }
    var records: [AttemptRecord] { order.compactMap { found[$0] } }

    func contains(_ attempt: AttemptID) -> Bool { found[attempt] != nil }

    func good(under key: TaskKey) -> [AttemptRecord] {
        (byKey[key] ?? []).compactMap { found[$0] }.filter { $0.isGood(under: key) }
    }

    /// Once: a folder may be looked at again while the run goes on.
    mutating func add(_ record: AttemptRecord) {
        guard found.updateValue(found[record.id] ?? record, forKey: record.id) == nil else { return }
        order.append(record.id)
        for key in [record.key] + record.accepted { byKey[key, default: []].append(record.id) }
    }

    mutating func spoil(_ attempt: AttemptID) { found[attempt]?.reusable = false }

    mutating func remove(_ attempt: AttemptID) {
        guard let record = found.removeValue(forKey: attempt) else { return }
        // It is one of the last.
        if let index = order.lastIndex(of: attempt) { order.remove(at: index) }
        for key in [record.key] + record.accepted { byKey[key]?.removeAll { $0 == attempt } }
    }
}

import SaturnCore

/// Launches that wait for a slot: what came first goes first.
struct LaunchQueue {
    private var launches: ArraySlice<Launch> = []

    var count: Int { launches.count }
    var isEmpty: Bool { launches.isEmpty }

    mutating func add(_ new: [Launch]) { launches += new }

    /// In front of all others.
    mutating func putBack(_ earlier: [Launch]) { launches = earlier + launches }

    mutating func takeFirst() -> Launch? {
        defer { if launches.isEmpty { launches = [] } }
        return launches.popFirst()
    }

    mutating func take(_ attempt: AttemptID) -> Launch? {
        launches.firstIndex { $0.attempt == attempt }.map { launches.remove(at: $0) }
    }

    mutating func takeAll() -> [Launch] {
        defer { launches = [] }
        return Array(launches)
    }
}

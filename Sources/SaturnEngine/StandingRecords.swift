import SaturnCore

/// What the ledger knows of the folders of tasks: in the order of their names and without a table, since there may be a
/// million.
struct StandingRecords {
    private let records: [AttemptRecord]
    /// Most ask in that order too.
    private var next = 0

    /// - Parameter records: in the order of the bytes of the tasks' names.
    init(_ records: [AttemptRecord]) {
        self.records = records
    }

    var isEmpty: Bool { records.isEmpty }

    mutating func record(of task: String) -> AttemptRecord? {
        if !isNext(task) { next = position(of: task) }
        guard isNext(task) else { return nil }
        next += 1
        return records[next - 1]
    }

    private func isNext(_ task: String) -> Bool {
        next < records.count && records[next].task.hasSameBytes(as: task)
    }

    /// Of the first that does not come before it.
    private func position(of task: String) -> Int {
        var (low, high) = (0, records.count)
        while low < high {
            let middle = (low + high) / 2
            if records[middle].task.utf8.lexicographicallyPrecedes(task.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}

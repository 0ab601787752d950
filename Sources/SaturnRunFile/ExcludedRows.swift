internal import SaturnCore

/// The combinations that `exclude` takes away, found again by the numbers of what its entries name.
///
/// Entries that name the same parameters share a set, so that a million combinations and a thousand entries are a
/// million look-ups.
struct ExcludedRows {
    private struct Group {
        /// Columns of the grid.
        var columns: [Int]
        var hasZip: Bool
        var radixes: [Int]
        var keys: Set<Int> = []

        func key(_ numbers: [Int]) -> Int { zip(numbers, radixes).reduce(0) { $0 * $1.1 + $1.0 } }
    }

    private var groups: [Group] = []
    /// By the zip's columns that an entry names, and their values: the rows that match.
    private var zipRows: [[Int]: [[Int32]: [Int]]] = [:]

    var isEmpty: Bool { groups.isEmpty }

    /// `nil` when an entry names or matches nothing, which has been reported.
    init?(of builder: inout SweepBuilder) {
        var indices: [[Int]: Int] = [:]
        var seen: Set<[Int32]> = []
        var isSound = true
        for entry in builder.draft.exclude {
            guard let cells = builder.numbers(of: entry)?.sorted(by: { $0.column < $1.column }) else {
                isSound = false
                continue
            }
            // The same once more would be the same work once more.
            guard seen.insert(cells.flatMap { [Int32($0.column), $0.value] }).inserted else { continue }
            let columns = cells.map(\.column)
            let index = indices[columns] ?? groups.count
            if index == groups.count {
                indices[columns] = index
                groups.append(Self.group(columns, in: builder))
            }
            let grid = cells.filter { $0.column < builder.gridCount }.map { Int($0.value) }
            let zip = cells.filter { $0.column >= builder.gridCount }
            let rows = zip.isEmpty ? [] : matches(zip.map(\.column), zip.map(\.value), in: builder)
            if !zip.isEmpty, rows.isEmpty {
                builder.fields.report(entry.mark, "this matches no combination of the sweep")
                isSound = false
            }
            if zip.isEmpty { groups[index].keys.insert(groups[index].key(grid)) }
            for row in rows { groups[index].keys.insert(groups[index].key(grid + [row])) }
        }
        if !isSound { return nil }
    }

    private static func group(_ columns: [Int], in builder: SweepBuilder) -> Group {
        let grid = columns.filter { $0 < builder.gridCount }
        let hasZip = grid.count < columns.count
        let radixes = grid.map { builder.columns[$0].values.count } + (hasZip ? [builder.zipCount] : [])
        return Group(columns: grid, hasZip: hasZip, radixes: radixes)
    }

    private mutating func matches(_ columns: [Int], _ values: [Int32], in builder: SweepBuilder) -> [Int] {
        if zipRows[columns] == nil {
            var found: [[Int32]: [Int]] = [:]
            for row in 0..<builder.zipCount {
                found[columns.map { builder.columns[$0].rows?[row] ?? 0 }, default: []].append(row)
            }
            zipRows[columns] = found
        }
        return zipRows[columns]?[values] ?? []
    }

    /// - Parameter position: The numbers of the grid's values, then the row of the zip.
    func contains(_ position: [Int]) -> Bool {
        groups.contains { group in
            var key = 0
            for (column, radix) in zip(group.columns, group.radixes) { key = key * radix + position[column] }
            if group.hasZip, let radix = group.radixes.last { key = key * radix + position[position.count - 1] }
            return group.keys.contains(key)
        }
    }
}

import SaturnCore

/// Rows of cells under named columns.
struct ResultTable: Sendable {
    /// Each name once, by its bytes.
    private(set) var columns: [String] = []
    /// One that is shorter than there are columns has nothing in the rest.
    private(set) var rows: [[Cell]] = []

    init(columns: [String], rows: [[Cell]]) {
        self.columns = columns
        self.rows = rows
    }

    func cell(_ row: [Cell], _ column: Int) -> Cell { column < row.count ? row[column] : .nothing }

    /// The column of that name; throws with the names that there are.
    func column(_ name: String) throws -> Int {
        if let found = columns.firstIndex(where: { $0.hasSameBytes(as: name) }) { return found }
        throw unknown(name)
    }

    func unknown(_ name: String) -> Failure {
        let nearest = Suggestion.hint(for: name, among: columns).map { $0 + " " } ?? ""
        let shown = columns.prefix(40).joined(separator: ", ")
        let rest = columns.count > 40 ? " and \(columns.count - 40) more" : ""
        return Failure(.usage, "there is no column '\(name)'", hint: "\(nearest)there are \(shown)\(rest)")
    }

    mutating func keep(_ takes: ([Cell]) -> Bool) { rows = rows.filter(takes) }

    /// - Parameter names: a column, or several with commas between them.
    mutating func choose(_ names: String) throws {
        let chosen = try split(names).map { try column($0) }
        rows = rows.map { row in chosen.map { cell(row, $0) } }
        columns = chosen.map { columns[$0] }
    }

    /// A name may have a comma in it.
    private func split(_ names: String) -> [String] {
        if columns.contains(where: { $0.hasSameBytes(as: names) }) { return [names] }
        return names.split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmed }
    }
}

// MARK: Order

extension ResultTable {
    /// - Parameter order: `loss`, `-loss` for the largest first, several with commas between them.
    mutating func sort(by order: String) throws {
        for name in split(order).reversed() {
            let isDescending = name.hasPrefix("-") && !columns.contains { $0.hasSameBytes(as: name) }
            try sort(by: column(isDescending ? String(name.dropFirst()) : name), isDescending: isDescending)
        }
    }

    /// Numbers come before texts, and what has no value, or is no number at all, last in either direction.
    private mutating func sort(by column: Int, isDescending: Bool) {
        let keys = rows.map { SortKey(cell($0, column)) }
        let order = rows.indices.sorted { left, right in
            let (one, other) = (keys[left], keys[right])
            guard one.hasValue == other.hasValue else { return one.hasValue }
            if one.hasValue {
                if SortKey.precedes(one, other) { return !isDescending }
                if SortKey.precedes(other, one) { return isDescending }
            }
            return left < right
        }
        rows = order.map { rows[$0] }
    }
}

private struct SortKey {
    var number: Number?
    var text: String
    var hasValue: Bool

    init(_ cell: Cell) {
        number = cell.number
        text = number == nil ? cell.text ?? "" : ""
        hasValue = cell != .nothing && number?.value.isNaN != true
    }

    static func precedes(_ left: SortKey, _ right: SortKey) -> Bool {
        switch (left.number, right.number) {
        case (let one?, let other?): Number.isLess(one, other)
        case (_?, nil): true
        case (nil, _?): false
        case (nil, nil): left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
        }
    }
}

extension String {
    /// Without the spaces around it.
    var trimmed: String {
        let space = UInt8(ascii: " ")
        let head = utf8.drop { $0 == space }
        guard let last = head.lastIndex(where: { $0 != space }) else { return "" }
        return String(decoding: head[...last], as: UTF8.self)
    }
}

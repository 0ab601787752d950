import SaturnCore

/// A condition on one column: `lr<0.1`, `model = "a b"`, `task~lr-*`.
struct RowFilter: Sendable {
    enum Comparison: String, Sendable, CaseIterable {
        // Those first of which others are the beginning.
        case atMost = "<="
        case atLeast = ">="
        case isNot = "!="
        case isSame = "=="
        case less = "<"
        case more = ">"
        case equal = "="
        case matches = "~"
    }

    let column: Int
    private let comparison: Comparison
    private let value: String
    private let number: Number?
    private let pattern: NamePattern

    /// - Parameter text: a column of the table, a comparison, and a value, in quotes or not.
    init(_ text: String, in table: ResultTable) throws {
        let parts = try Self.split(text, table)
        column = try table.column(parts.column)
        comparison = parts.comparison
        value = Self.unquoted(parts.value)
        if parts.value.isEmpty, ![.isSame, .equal, .isNot].contains(comparison) {
            throw Failure(.usage, "--where '\(text)' has nothing to compare with", hint: "write --where 'lr<0.1'")
        }
        number = Number(value)
        pattern = NamePattern(value)
    }

    /// A name of a column may have the signs of a comparison in it: the longest that fits is meant.
    private static func split(
        _ text: String, _ table: ResultTable
    ) throws -> (column: String, comparison: Comparison, value: String) {
        let text = text.trimmed
        for name in table.columns.sorted(by: { $0.utf8.count > $1.utf8.count }) where text.utf8.starts(with: name.utf8)
        {
            let rest = String(decoding: text.utf8.dropFirst(name.utf8.count), as: UTF8.self).trimmed
            guard let found = Comparison.allCases.first(where: { rest.utf8.starts(with: $0.rawValue.utf8) }) else {
                continue
            }
            let value = String(decoding: rest.utf8.dropFirst(found.rawValue.utf8.count), as: UTF8.self)
            return (name, found, value.trimmed)
        }
        guard let sign = text.utf8.firstIndex(where: { "<>=!~".utf8.contains($0) }) else {
            throw Failure(
                .usage, "--where '\(text)' compares nothing",
                hint: "write a column, one of < <= > >= = != ~, and a value: --where 'lr<0.1'")
        }
        throw table.unknown(String(text[..<sign]).trimmed)
    }

    private static func unquoted(_ value: String) -> String {
        guard value.utf8.count >= 2, let quote = value.utf8.first, quote == value.utf8.last, "\"'".utf8.contains(quote)
        else { return value }
        return String(decoding: value.utf8.dropFirst().dropLast(), as: UTF8.self)
    }

    /// What has no value is only ever different.
    func takes(_ cell: Cell) -> Bool {
        guard let text = cell.text else { return comparison == .isNot }
        switch comparison {
        case .isSame, .equal: return isEqual(cell, text)
        case .isNot: return !isEqual(cell, text)
        case .matches: return pattern.matches(text)
        case .less, .atMost, .more, .atLeast: return isOrdered(cell, text)
        }
    }

    private func isEqual(_ cell: Cell, _ text: String) -> Bool {
        if let own = cell.number, let number { return Number.isEqual(own, number) }
        return text.hasSameBytes(as: value)
    }

    private func isOrdered(_ cell: Cell, _ text: String) -> Bool {
        if let own = cell.number, let number {
            // No number is neither smaller nor larger than any other.
            guard !own.value.isNaN, !number.value.isNaN else { return false }
            return isOrdered(Number.isLess(own, number), Number.isEqual(own, number))
        }
        return isOrdered(text.utf8.lexicographicallyPrecedes(value.utf8), text.hasSameBytes(as: value))
    }

    private func isOrdered(_ isLess: Bool, _ isEqual: Bool) -> Bool {
        switch comparison {
        case .less: isLess
        case .atMost: isLess || isEqual
        case .more: !isLess && !isEqual
        default: !isLess
        }
    }
}

extension ResultTable {
    /// Leaves the rows that all filters take.
    mutating func filter(_ filters: [RowFilter]) {
        guard !filters.isEmpty else { return }
        let table = self
        keep { row in filters.allSatisfy { $0.takes(table.cell(row, $0.column)) } }
    }
}

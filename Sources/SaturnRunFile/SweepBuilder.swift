internal import SaturnCore

/// Multiplies a sweep out, after its size has been found to be bearable.
struct SweepBuilder {
    let draft: SweepDraft
    let fields: FieldReader
    /// Of the grid, then of the zip.
    private(set) var columns: [SweepColumn] = []
    private var rows: [Int32] = []

    var gridCount: Int { draft.grid.count }
    var zipCount: Int { draft.zip.first?.values.count ?? 1 }

    /// `nil` after a problem, which has been reported.
    static func sweep(of draft: SweepDraft, _ fields: FieldReader) -> Sweep? {
        var builder = SweepBuilder(draft: draft, fields: fields)
        guard builder.hasEvenZip(), builder.isBearable(), builder.makeColumns(), builder.makeRows(),
            builder.addIncluded()
        else { return nil }
        return builder.sweep
    }

    private init(draft: SweepDraft, fields: FieldReader) {
        self.draft = draft
        self.fields = fields
    }

    private var sweep: Sweep? {
        let width = columns.count
        let combinations = width == 0 ? 1 : rows.count / width
        guard combinations > 0 else {
            fields.report(draft.exclude.first?.mark ?? draft.mark, "the sweep is empty: 'exclude' leaves nothing of it")
            return nil
        }
        let parameters = columns.map { Sweep.Parameter(name: $0.name, values: $0.values) }
        return Sweep(at: draft.mark, parameters, rows: rows, combinations: combinations, repeats: draft.repeats)
    }

    private func hasEvenZip() -> Bool {
        guard let first = draft.zip.first,
            let other = draft.zip.first(where: { $0.values.count != first.values.count })
        else { return true }
        fields.report(
            other.mark,
            "'\(other.name.value)' has \(Self.values(other)), and '\(first.name.value)', with which it goes in step, "
                + "has \(first.values.count.grouped)",
            hint: "give all parameters of 'zip' as many values")
        return false
    }

    private static func values(_ axis: SweepDraft.Axis) -> String {
        axis.values.count == 1 ? "1 value" : "\(axis.values.count.grouped) values"
    }

    /// By itself; together with other tasks it is seen to later.
    private func isBearable() -> Bool {
        guard let size = draft.size else {
            fields.report(draft.mark, "the sweep has more than \(Int.max.grouped) tasks", hint: "take fewer values")
            return false
        }
        guard size > fields.maxTasks else { return true }
        fields.report(
            draft.mark, "the sweep has \(size.grouped) tasks, more than 'max_tasks', \(fields.maxTasks.grouped)",
            hint: "take fewer values, or set 'max_tasks' at the top of the run file")
        return false
    }

    private mutating func makeColumns() -> Bool {
        let grid = draft.grid.map { SweepColumn(grid: $0, fields) }
        columns = grid.compactMap(\.self) + draft.zip.map { SweepColumn(zip: $0) }
        guard columns.count == grid.count + draft.zip.count, !hasDuplicateZipRow() else { return false }
        if columns.isEmpty, let entry = draft.exclude.first {
            fields.report(entry.mark, "'exclude' takes from 'grid' and 'zip', and there is neither")
            return false
        }
        if !draft.hasProduct { columns = draft.include[0].cells.map { SweepColumn(name: $0.name.value) } }
        return true
    }

    private func hasDuplicateZipRow() -> Bool {
        guard !draft.zip.isEmpty else { return false }
        var seen: [[Int32]: Int] = [:]
        for row in 0..<zipCount {
            guard let first = seen.updateValue(row, forKey: zipNumbers(row)) else { continue }
            if case .column(let table, _) = draft.zip[0].values {
                fields.report(
                    fields.mark(in: table, at: table.offsets[row]), "duplicate row",
                    hint: "the first is at line \(fields.mark(in: table, at: table.offsets[first]).line)")
            } else {
                let names = draft.zip.map { "'\($0.name.value)'" }.joined(separator: " and ")
                fields.report(
                    draft.zip[0].mark,
                    "duplicate values of \(names) in step: their \((first + 1).grouped). and \((row + 1).grouped). are the same"
                )
            }
            return true
        }
        return false
    }

    /// The numbers of the zip's values in a row.
    func zipNumbers(_ row: Int) -> [Int32] { columns[gridCount...].map { $0.rows?[row] ?? 0 } }

    /// Grid times zip, without what is excluded.
    private mutating func makeRows() -> Bool {
        guard draft.hasProduct, !columns.isEmpty else { return true }
        guard let excluded = ExcludedRows(of: &self) else { return false }
        let count = draft.productCount ?? 0
        rows.reserveCapacity(columns.count * (count + draft.include.count))
        var position = [Int](repeating: 0, count: gridCount + 1)
        let radixes = columns[..<gridCount].map(\.values.count) + [zipCount]
        for _ in 0..<count {
            if excluded.isEmpty || !excluded.contains(position) {
                for column in 0..<gridCount { rows.append(Int32(position[column])) }
                for column in columns[gridCount...] { rows.append(column.rows?[position[gridCount]] ?? 0) }
            }
            var digit = gridCount
            while digit >= 0 {
                position[digit] += 1
                guard position[digit] == radixes[digit] else { break }
                position[digit] = 0
                digit -= 1
            }
        }
        return true
    }

    /// The numbers of the columns that an entry names, and of its values; reports what it does not have.
    mutating func numbers(of entry: SweepDraft.Entry) -> [(column: Int, value: Int32)]? {
        var found: [(column: Int, value: Int32)] = []
        for cell in entry.cells {
            guard let column = column(of: cell) else { return nil }
            guard let value = columns[column].number(of: cell.value.value) else {
                let values = columns[column].values
                let all = values.count <= 10 ? "its values are \(values.joined(separator: ", "))" : nil
                fields.report(
                    cell.value.mark, "'\(cell.name.value)' has no value \(FieldReader.quote(cell.value.value))",
                    hint: SweepReader.near(cell.value.value, Array(values.prefix(1000))) ?? all)
                return nil
            }
            found.append((column, value))
        }
        return found
    }

    private func column(of cell: SweepDraft.Entry.Cell) -> Int? {
        if let column = columns.firstIndex(where: { $0.name == cell.name.value }) { return column }
        let names = columns.map(\.name)
        let isRepeat = cell.name.value == Sweep.repeatName && draft.repeats != nil
        fields.report(
            cell.name.mark, "unknown parameter \(FieldReader.quote(cell.name.value))",
            hint: isRepeat
                ? "every combination has all its repeats"
                : SweepReader.hint(for: cell.name.value, among: names))
        return nil
    }

    private mutating func addIncluded() -> Bool {
        guard !draft.include.isEmpty else { return true }
        let own = rows.count
        var added: [ArraySlice<Int32>: SourceMark] = [:]
        var isSound = true
        for entry in draft.include {
            guard let row = included(entry) else {
                isSound = false
                continue
            }
            if let first = added.updateValue(entry.mark, forKey: row[...]) {
                fields.report(
                    entry.mark, "duplicate combination; the first is at \(fields.place(first, seenFrom: entry.mark))")
                isSound = false
            }
            rows += row
        }
        let width = columns.count
        for start in stride(from: 0, to: own, by: width) {
            guard let mark = added[rows[start..<start + width]] else { continue }
            fields.report(mark, "duplicate combination: it is in the sweep without 'include'")
            isSound = false
        }
        return isSound
    }

    /// The row of an entry of `include`, which gives a value to every parameter.
    private mutating func included(_ entry: SweepDraft.Entry) -> [Int32]? {
        var row = [Int32?](repeating: nil, count: columns.count)
        for cell in entry.cells {
            guard let column = column(of: cell) else { return nil }
            row[column] = columns[column].add(cell.value.value)
        }
        if let missing = row.firstIndex(of: nil) {
            fields.report(
                entry.mark, "'\(columns[missing].name)' is missing",
                hint: "an entry of 'include' gives every parameter a value")
            return nil
        }
        return row.compactMap(\.self)
    }
}

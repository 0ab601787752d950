internal import SaturnCore

/// One parameter of a sweep while its combinations are made: its values, each once and with a number.
struct SweepColumn {
    let name: String
    private(set) var values: [String]
    /// By row of the zip, the number of its value; `nil` for a parameter of the grid, each of whose values is one.
    let rows: [Int32]?
    /// The numbers by value; made only where they are asked for.
    private lazy var numbers = Dictionary(
        values.enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { first, _ in first })

    /// A parameter of the grid; values that occur twice are reported.
    init?(grid axis: SweepDraft.Axis, _ fields: FieldReader) {
        name = axis.name.value
        values = axis.values.texts()
        rows = nil
        // A range cannot repeat itself.
        if case .range = axis.values { return }
        var seen: [String: Int] = [:]
        for (index, value) in values.enumerated() {
            guard let first = seen.updateValue(index, forKey: value) else { continue }
            axis.reportDuplicate(value, first: first, second: index, fields)
            return nil
        }
    }

    /// A parameter of the zip, in which values may well repeat.
    init(zip axis: SweepDraft.Axis) {
        name = axis.name.value
        values = []
        var numbers: [String: Int32] = [:]
        var rows: [Int32] = []
        for value in axis.values.texts() {
            let next = Int32(values.count)
            let number = numbers[value] ?? next
            if number == next {
                numbers[value] = next
                values.append(value)
            }
            rows.append(number)
        }
        self.rows = rows
    }

    /// A parameter that only `include` has.
    init(name: String) {
        self.name = name
        values = []
        rows = []
    }

    mutating func number(of value: String) -> Int32? { numbers[value] }

    /// The number of a value that may be new.
    mutating func add(_ value: String) -> Int32 {
        if let number = numbers[value] { return number }
        let number = Int32(values.count)
        numbers[value] = number
        values.append(value)
        return number
    }
}

extension SweepDraft.Axis {
    fileprivate func reportDuplicate(_ value: String, first: Int, second: Int, _ fields: FieldReader) {
        let words = "duplicate value \(FieldReader.quote(value)) of '\(name.value)'"
        switch values {
        case .list(let items):
            let place = fields.place(items[first].mark, seenFrom: items[second].mark)
            let isSameLine = items[first].mark.line == items[second].mark.line
            fields.report(items[second].mark, isSameLine ? words : "\(words); the first is at \(place)")
        case .column(let table, _):
            fields.report(
                fields.mark(in: table, at: table.offsets[second]), words,
                hint: "the grid takes each value once; take the file's rows with zip: {file: \(table.path)}")
        case .range, .linear, .geometric:
            fields.report(mark, words, hint: "take a smaller count: values are rounded to twelve digits")
        }
    }
}

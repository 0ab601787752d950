internal import SaturnCore

/// Reads what stands under `sweep`, and reports what cannot be used.
struct SweepReader {
    private static let keys = ["grid", "zip", "exclude", "include", "repeats"]
    static let mostRepeats = 1_000_000

    let fields: FieldReader
    /// Whether everything up to here can be used.
    private var isSound = true

    init(_ fields: FieldReader) {
        self.fields = fields
    }

    static func read(_ pair: YAMLPair, _ fields: FieldReader) -> Sweep? {
        var reader = SweepReader(fields)
        guard let draft = reader.draft(pair) else { return nil }
        return SweepBuilder.sweep(of: draft, fields)
    }

    private mutating func draft(_ pair: YAMLPair) -> SweepDraft? {
        guard let pairs = fields.mapping(pair.value, "a mapping with 'grid', 'zip', 'include' or 'repeats'") else {
            return nil
        }
        var draft = SweepDraft(mark: pair.mark)
        for pair in pairs {
            switch pair.key {
            case "grid": draft.grid = axes(pair.value, in: "grid")
            case "zip": draft.zip = zip(pair.value)
            case "exclude": draft.exclude = entries(pair.value)
            case "include": draft.include = entries(pair.value)
            case "repeats":
                let wanted = "a whole number from 1 to \(Self.mostRepeats.grouped)"
                draft.repeats = sound(fields.integer(pair.value, in: 1...Self.mostRepeats, wanted))
            default:
                fields.unknown(pair, among: Self.keys, hint: "parameters go under 'grid' or 'zip'")
                isSound = false
            }
        }
        checkNames(draft)
        if isSound, draft.grid.isEmpty, draft.zip.isEmpty, draft.include.isEmpty, draft.repeats == nil {
            refuse(pair.value.mark, "the sweep is empty", hint: "give it a 'grid', 'zip', 'include' or 'repeats'")
        }
        return isSound ? draft : nil
    }

    private mutating func sound<Value>(_ value: Value?) -> Value? {
        if value == nil { isSound = false }
        return value
    }

    mutating func refuse(_ mark: SourceMark, _ message: String, hint: String? = nil) {
        fields.report(mark, message, hint: hint)
        isSound = false
    }

    private mutating func axes(_ node: YAMLNode, in section: String) -> [SweepDraft.Axis] {
        guard let pairs = sound(fields.mapping(node, "a mapping of parameters and their values")) else { return [] }
        if pairs.isEmpty { refuse(node.mark, "empty \(section): it has no parameters") }
        return pairs.compactMap { axis($0, in: section) }
    }

    private mutating func axis(_ pair: YAMLPair, in section: String) -> SweepDraft.Axis? {
        let name = Marked(pair.key, at: pair.mark)
        guard let values = sound(values(pair.value, of: pair.key)) else { return nil }
        if values.count == 0 { refuse(pair.value.mark, "empty \(section): '\(pair.key)' has no values") }
        return SweepDraft.Axis(name: name, values: values, mark: pair.value.mark)
    }

    /// `zip: {file: params.csv}` takes all columns of the file.
    private mutating func zip(_ node: YAMLNode) -> [SweepDraft.Axis] {
        guard let pairs = node.pairs, let file = pairs.first(where: { $0.key == "file" }), file.value.text != nil
        else { return axes(node, in: "zip") }
        var found: [SweepDraft.Axis] = []
        for pair in pairs {
            if pair.key == "file" {
                if let table = sound(table(pair.value)) { found += columns(of: table, pair.value) }
            } else if let axis = axis(pair, in: "zip") {
                found.append(axis)
            }
        }
        return found
    }

    private mutating func columns(of table: ValueTable, _ node: YAMLNode) -> [SweepDraft.Axis] {
        table.names.enumerated().map { column, name in
            var mark = node.mark
            if !Self.isName(name.text) {
                mark = fields.mark(in: table, at: name.offset)
                refuseName(Marked(name.text, at: mark))
            }
            return SweepDraft.Axis(
                name: Marked(name.text, at: mark), values: .column(table, column), mark: node.mark)
        }
    }

    /// A file that has values.
    func table(_ node: YAMLNode) -> ValueTable? {
        guard let path = fields.filledText(node, "the path of a CSV or JSON-lines file"),
            let table = fields.table(Marked(path, at: node.mark))
        else { return nil }
        guard table.count > 0 else {
            fields.report(node.mark, "\(table.path) has no values below its header")
            return nil
        }
        return table
    }

    /// Mappings of parameters and one value each.
    private mutating func entries(_ node: YAMLNode) -> [SweepDraft.Entry] {
        if node.isNull { return [] }
        guard let items = node.pairs != nil ? [node] : node.items else {
            fields.expected("a list of mappings", node)
            isSound = false
            return []
        }
        return items.compactMap { item in
            guard let pairs = sound(fields.mapping(item, "a mapping of parameters and values")) else { return nil }
            if pairs.isEmpty { refuse(item.mark, "this mapping is empty") }
            return SweepDraft.Entry(cells: pairs.compactMap { cell($0) }, mark: item.mark)
        }
    }

    private mutating func cell(_ pair: YAMLPair) -> SweepDraft.Entry.Cell? {
        guard let value = sound(value(pair.value)) else { return nil }
        return SweepDraft.Entry.Cell(name: Marked(pair.key, at: pair.mark), value: value)
    }
}

/// Names of parameters.
extension SweepReader {
    /// `[A-Za-z_][A-Za-z0-9_-]*`
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(48...57).contains(first), first != UInt8(ascii: "-") else { return false }
        return text.utf8.allSatisfy(isNameByte)
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private mutating func refuseName(_ name: Marked<String>) {
        refuse(
            name.mark, "\(FieldReader.quote(name.value)) is not a parameter's name",
            hint: "use letters, digits, '_' and '-', and begin with a letter or '_'")
    }

    private mutating func checkNames(_ draft: SweepDraft) {
        var names = (draft.grid + draft.zip).map(\.name)
        if names.isEmpty { names = draft.include.first?.cells.map(\.name) ?? [] }
        var taken: [String: Marked<String>] = [:]
        for name in names {
            guard Self.isName(name.value) else {
                // That of a column has been reported.
                if !isReported(name) { refuseName(name) }
                continue
            }
            if name.value == Sweep.repeatName, draft.repeats != nil {
                refuse(name.mark, "'repeat' is the parameter that 'repeats' makes", hint: "choose another name")
            }
            guard let other = taken.updateValue(name, forKey: TaskName.variable(name.value)) else { continue }
            let place = fields.place(other.mark, seenFrom: name.mark)
            if other.value == name.value {
                refuse(name.mark, "duplicate parameter '\(name.value)'; the first is at \(place)")
            } else {
                refuse(
                    name.mark, "'\(other.value)' and '\(name.value)' would both be \(Self.variable(name.value))",
                    hint: "rename one of them")
            }
        }
    }

    private func isReported(_ name: Marked<String>) -> Bool { fields.isTable(source: name.mark.source) }

    /// What to write instead of a name that no parameter has.
    static func hint(for name: String, among names: [String]) -> String {
        near(name, names) ?? "the parameters are \(names.joined(separator: ", "))"
    }

    static func near(_ name: String, _ names: [String]) -> String? {
        // To a name of one letter every other letter is near.
        let longer = names.filter { min($0.utf8.count, name.utf8.count) > 1 || $0.lowercased() == name.lowercased() }
        return Suggestion.hint(for: name, among: longer)
    }

    static func variable(_ name: String) -> String { "SATURN_PARAM_" + TaskName.variable(name) }
}

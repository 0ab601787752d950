internal import SaturnCore

/// The values of a parameter, and single ones.
extension SweepReader {
    private static let kinds = ["range", "linspace", "logspace", "file"]

    /// A scalar is a list of one.
    func values(_ node: YAMLNode, of name: String) -> SweepValues? {
        if let items = node.items {
            let texts = items.compactMap { value($0) }
            return texts.count == items.count ? .list(texts) : nil
        }
        guard let pairs = node.pairs else {
            return value(node, "a list of values, or one of range, linspace, logspace and file").map { .list([$0]) }
        }
        guard let pair = pairs.first, pairs.count == 1 else {
            fields.expected("one of range, linspace, logspace and file", node)
            return nil
        }
        switch pair.key {
        case "range": return range(pair.value).map { .range($0) }
        case "linspace": return linear(pair.value).map { .linear($0) }
        case "logspace": return geometric(pair.value).map { .geometric($0) }
        case "file": return column(pair.value, of: name)
        default:
            fields.unknown(
                pair, among: Self.kinds, hint: "values are a list, or one of range, linspace, logspace, file")
            return nil
        }
    }

    /// The text as it is written: `0.10` and `no` are no numbers and booleans here.
    func value(_ node: YAMLNode, _ wanted: String = "a value") -> Marked<String>? {
        let hint = node.isNull ? "write \"\" for an empty value" : nil
        return fields.text(node, wanted, hint: hint).map { Marked($0, at: node.mark) }
    }

    private func column(_ node: YAMLNode, of name: String) -> SweepValues? {
        guard let table = table(node) else { return nil }
        if let column = table.names.firstIndex(where: { $0.text == name }) { return .column(table, column) }
        let names = table.names.map(\.text)
        let only = names.count == 1 ? "its only column is" : "its columns are"
        fields.report(
            node.mark, "\(table.path) has no column '\(name)'",
            hint: Suggestion.hint(for: name, among: names) ?? "\(only) \(names.prefix(10).joined(separator: ", "))")
        return nil
    }

    private func range(_ node: YAMLNode) -> DecimalRange? {
        guard let texts = numbers(node, "[start, stop] or [start, stop, step]", 2...3),
            let start = decimal(texts[0]), let stop = decimal(texts[1])
        else { return nil }
        let step = texts.count == 3 ? decimal(texts[2]) : ExactDecimal(digits: 1, decimals: 0)
        guard let step else { return nil }
        guard step.digits != 0 else {
            fields.report(texts[2].mark, "the step of a range cannot be 0")
            return nil
        }
        guard let range = DecimalRange(from: start, to: stop, by: step) else {
            fields.report(node.mark, Self.tooLong)
            return nil
        }
        guard range.count > 0 else {
            let turned = ExactDecimal(digits: -step.digits, decimals: step.decimals).text
            fields.report(
                node.mark,
                "a step of \(step.text) does not lead from \(texts[0].value) to \(texts[1].value)",
                hint: "write [\(texts[0].value), \(texts[1].value), \(turned)]")
            return nil
        }
        return range
    }

    private func linear(_ node: YAMLNode) -> LinearSpace? {
        guard let texts = numbers(node, "[start, stop, count]", 3...3), let start = decimal(texts[0]),
            let stop = decimal(texts[1]), let count = count(texts[2])
        else { return nil }
        let space = LinearSpace(from: start, to: stop, count: count)
        if space == nil { fields.report(node.mark, Self.tooLong) }
        return space
    }

    private func geometric(_ node: YAMLNode) -> GeometricSpace? {
        guard let texts = numbers(node, "[start, stop, count]", 3...3), let start = positive(texts[0]),
            let stop = positive(texts[1]), let count = count(texts[2])
        else { return nil }
        return GeometricSpace(from: start, to: stop, count: count)
    }

    private static let tooLong = "these numbers have more digits than saturn counts with"

    private func numbers(_ node: YAMLNode, _ wanted: String, _ counts: ClosedRange<Int>) -> [Marked<String>]? {
        guard let items = node.items, counts.contains(items.count) else {
            if let items = node.items {
                fields.report(node.mark, "expected \(wanted), found a list of \(items.count)")
            } else {
                fields.expected(wanted, node)
            }
            return nil
        }
        let texts = items.compactMap { number($0) }
        return texts.count == items.count ? texts : nil
    }

    private func number(_ node: YAMLNode) -> Marked<String>? {
        guard let text = node.text, NumberParts(text) != nil else {
            fields.expected("a number", node)
            return nil
        }
        return Marked(text, at: node.mark)
    }

    private func decimal(_ text: Marked<String>) -> ExactDecimal? {
        let decimal = ExactDecimal(text.value)
        if decimal == nil { fields.report(text.mark, "this number has more digits than saturn counts with") }
        return decimal
    }

    private func count(_ text: Marked<String>) -> Int? {
        guard let count = Int(text.value), count >= 2 else {
            fields.report(
                text.mark,
                "the count is a whole number of at least 2, since both ends are included, "
                    + "not \(FieldReader.quote(text.value))")
            return nil
        }
        return count
    }

    private func positive(_ text: Marked<String>) -> Double? {
        guard let value = Double(text.value), value > 0, value.isFinite else {
            fields.report(
                text.mark, "logspace goes from value to value, both more than 0, not \(FieldReader.quote(text.value))",
                hint: "write the values themselves and not their exponents, as in [0.001, 0.1, 3]")
            return nil
        }
        return value
    }
}

internal import SaturnCore

/// Takes values out of nodes, and keeps what is wrong with them.
///
/// Every reading function reports a value it cannot use and then returns `nil`.
final class FieldReader {
    /// The texts of the run, and the files of sweeps in which something is wrong.
    private(set) var sources: [SourceText]
    /// How many tasks a run may have.
    var maxTasks = RunSpec.defaultMaxTasks
    /// The paths of the files that sweeps take their values from, as written.
    private(set) var sweepFiles: [String] = []
    private let readFile: FileReading
    private let textCount: Int
    private var problems: [Diagnostic] = []
    private var reportedOnce: Set<Diagnostic> = []
    private var tables: [String: ValueTable?] = [:]
    private var tableSources: [String: Int] = [:]

    init(sources: [SourceText], readFile: @escaping FileReading) {
        self.sources = sources
        self.readFile = readFile
        textCount = sources.count
    }

    var sortedProblems: [Diagnostic] {
        problems.enumerated().sorted { left, right in
            guard let first = left.element.mark, let second = right.element.mark else {
                return left.offset < right.offset
            }
            return (first.source, first.line, first.column, Int32(clamping: left.offset))
                < (second.source, second.line, second.column, Int32(clamping: right.offset))
        }.map(\.element)
    }

    func add(_ found: [Diagnostic]) {
        problems += found
    }

    func report(_ mark: SourceMark, _ message: String, hint: String? = nil) {
        problems.append(Diagnostic(at: mark, message, hint: hint))
    }

    /// Reports what many tasks have from the same place once.
    func reportOnce(_ mark: SourceMark, _ message: String, hint: String? = nil) {
        let problem = Diagnostic(at: mark, message, hint: hint)
        if reportedOnce.insert(problem).inserted { problems.append(problem) }
    }

    /// Reports that `node` is not `wanted`, unless it stands for something reported before.
    func expected(_ wanted: String, _ node: YAMLNode, hint: String? = nil) {
        if case .reported = node.content { return }
        report(node.mark, "expected \(wanted), found \(Self.describe(node))", hint: hint)
    }

    func unknown(_ pair: YAMLPair, among keys: some Sequence<String>, hint: String? = nil) {
        report(
            pair.mark, "unknown key \(Self.quote(pair.key))", hint: Suggestion.hint(for: pair.key, among: keys) ?? hint)
    }

    /// `line 4`, with the file when a reader who looks at `mark` would look in another one.
    func place(_ place: SourceMark, seenFrom mark: SourceMark) -> String {
        guard place.source != mark.source, sources.indices.contains(Int(place.source)) else {
            return "line \(place.line)"
        }
        return "line \(place.line) of \(sources[Int(place.source)].path)"
    }

    func mapping(_ node: YAMLNode, _ wanted: String = "a mapping") -> [YAMLPair]? {
        if let pairs = node.pairs { return pairs }
        expected(wanted, node)
        return nil
    }

    /// The text of a scalar that can become an argument, a variable or a path.
    func text(_ node: YAMLNode, _ wanted: String = "a string", hint: String? = nil) -> String? {
        guard let text = node.text else {
            expected(wanted, node, hint: hint ?? Self.template(node).map { "put it in quotes: \"{\($0)}\"" })
            return nil
        }
        guard !text.utf8.contains(0) else {
            report(node.mark, "the text contains a NUL character")
            return nil
        }
        return text
    }

    func filledText(_ node: YAMLNode, _ wanted: String = "a string") -> String? {
        guard let text = text(node, wanted) else { return nil }
        guard !text.isEmpty else {
            report(node.mark, "expected \(wanted), found an empty one")
            return nil
        }
        return text
    }

    /// A list of non-empty strings; one string is a list of one, and nothing is an empty list.
    func texts(_ node: YAMLNode) -> [Marked<String>]? {
        let wanted = "a list of strings"
        guard !node.isNull else { return [] }
        if node.text != nil { return filledText(node).map { [Marked($0, at: node.mark)] } }
        guard let items = node.items else {
            expected(wanted, node)
            return nil
        }
        return items.compactMap { item in filledText(item).map { Marked($0, at: item.mark) } }
    }

    func integer(_ node: YAMLNode, in range: ClosedRange<Int>, _ wanted: String) -> Int? {
        guard let text = node.text, let value = Int(text), range.contains(value) else {
            expected(wanted, node)
            return nil
        }
        return value
    }

    func flag(_ node: YAMLNode) -> Bool? {
        guard let text = node.text else {
            expected("true or false", node)
            return nil
        }
        switch text {
        case "true": return true
        case "false": return false
        default:
            let hints = ["yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"]
            expected("true or false", node, hint: hints[text.lowercased()].map { "write '\($0)'" })
            return nil
        }
    }

    /// Seconds.
    func duration(_ node: YAMLNode) -> Double? {
        guard let text = node.text, let seconds = Quantity.seconds(text) else {
            expected("a duration", node, hint: "write it as 90s, 5m, 2h or 1d")
            return nil
        }
        guard seconds <= Quantity.longestSeconds, seconds > 0 else {
            report(node.mark, "a duration is more than 0 and at most 3650 days, not \(Self.quote(text))")
            return nil
        }
        return seconds
    }

    func amount(_ node: YAMLNode, orZero: Bool = false) -> Marked<Double>? {
        // `Double` reads `inf`, `nan` and hexadecimal too, none of which is an amount.
        guard let text = node.text, text.utf8.allSatisfy({ "0123456789.+-eE".utf8.contains($0) }),
            let value = Double(text), value > 0 || orZero && value == 0, value.isFinite
        else {
            expected(orZero ? "a number of at least 0" : "a number greater than 0", node)
            return nil
        }
        return Marked(value, at: node.mark)
    }

    /// The parameter, where `{lr}` was written for `"{lr}"`: to YAML that is a mapping.
    private static func template(_ node: YAMLNode) -> String? {
        guard let pairs = node.pairs, pairs.count == 1, pairs[0].value.isNull else { return nil }
        return pairs[0].key
    }

    static func describe(_ node: YAMLNode) -> String {
        switch node.content {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .scalar where node.isNull: "nothing"
        case .scalar(let text, _): quote(text)
        case .reported: "an error"
        }
    }

    /// `'text'` on one line and of bounded length.
    static func quote(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars.prefix(60) {
            switch scalar {
            case "\n": shown += "\\n"
            case _ where scalar.properties.generalCategory == .control:
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return text.unicodeScalars.dropFirst(60).isEmpty ? "'\(shown)'" : "'\(shown)…'"
    }
}

/// The files that sweeps take their values from.
extension FieldReader {
    /// The values of a file, which is read once; `nil` after a problem.
    func table(_ path: Marked<String>) -> ValueTable? {
        if let known = tables[path.value] { return known }
        sweepFiles.append(path.value)
        let table = read(path)
        tables[path.value] = .some(table)
        return table
    }

    private func read(_ path: Marked<String>) -> ValueTable? {
        let bytes: [UInt8]
        do {
            bytes = try readFile(path.value)
        } catch let failure as Failure {
            report(path.mark, failure.message, hint: failure.hint)
            return nil
        } catch {
            report(path.mark, "cannot read \(Self.quote(path.value)): \(error)")
            return nil
        }
        do {
            return try ValueTable(path: path.value, bytes: bytes)
        } catch {
            report(mark(in: path.value, bytes, at: error.offset), error.message, hint: error.hint)
            return nil
        }
    }

    /// The place of a byte of a file, which becomes one of the sources.
    func mark(in table: ValueTable, at offset: Int) -> SourceMark { mark(in: table.path, table.bytes, at: offset) }

    private func mark(in path: String, _ bytes: [UInt8], at offset: Int) -> SourceMark {
        if tableSources[path] == nil {
            tableSources[path] = sources.count
            sources.append(SourceText(path: path, bytes: bytes))
        }
        return ValueTable.mark(at: offset, in: bytes, source: tableSources[path] ?? 0)
    }

    /// Whether marks of this source point into the file of a sweep.
    func isTable(source: Int32) -> Bool { Int(source) >= textCount }
}

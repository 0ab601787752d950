import SaturnCore

/// What stands in one place of a table.
enum Cell: Hashable, Sendable {
    case nothing
    case text(String)
    /// As it is written; also what other languages write for no finite number: `NaN`, `Infinity`.
    case number(String)
    /// `true` or `false`.
    case flag(Bool)
    /// An array, as JSON without spaces.
    case array(String)
    case seconds(Double)

    /// A value of which only the text is known, as a sweep's: a number where JSON would have it so.
    init(word: String) {
        self = JSONReader.isNumber(word.utf8) ? .number(word) : .text(word)
    }

    /// As machines are told, without quotes; `nil` where there is nothing.
    var text: String? {
        switch self {
        case .nothing: nil
        case .text(let text), .number(let text), .array(let text): text
        case .flag(let isSo): isSo ? "true" : "false"
        case .seconds(let seconds): Self.thousandths(seconds)
        }
    }

    /// As people are told.
    var words: String {
        if case .seconds(let seconds) = self { return Duration.text(seconds) }
        return text ?? ""
    }

    /// What it is compared by; `nil` where that is its text.
    var number: Number? {
        switch self {
        case .seconds(let seconds): Number(seconds)
        case .number(let text), .text(let text): Number(text)
        case .nothing, .flag, .array: nil
        }
    }

    private static func thousandths(_ seconds: Double) -> String {
        let whole = Int((max(0, seconds) * 1000).rounded())
        return "\(whole / 1000)." + String(whole % 1000).leftPadded(to: 3)
    }
}

/// A number to compare by.
struct Number: Sendable {
    let value: Double
    /// Where it is one: a `Double` does not tell large neighbours apart.
    private let whole: Int64?

    init(_ value: Double) {
        self.value = value
        whole = nil
    }

    /// `nil` when the text is none. More is taken than JSON has, as `+1` and `.5`, and less than `Double` takes.
    init?(_ text: String) {
        let isPlain = text.utf8.allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
        guard !text.isEmpty, isPlain || JSONReader.isNoFiniteNumber(text.utf8), let value = Double(text) else {
            return nil
        }
        self.value = value
        whole = Int64(text)
    }

    static func isLess(_ left: Number, _ right: Number) -> Bool {
        if let one = left.whole, let other = right.whole { return one < other }
        return left.value < right.value
    }

    static func isEqual(_ left: Number, _ right: Number) -> Bool {
        if let one = left.whole, let other = right.whole { return one == other }
        return left.value == right.value || left.value.isNaN && right.value.isNaN
    }
}

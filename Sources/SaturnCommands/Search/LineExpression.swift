/// An expression that cannot match beyond the end of a line, where that can be made of one: then a whole log is searched
/// at once, and not line by line.
///
///     LineExpression("a\\s+[^b]").text    // "a[^\\S\\n]+[^\\nb]"
///     LineExpression("a\\nb").text        // nil
///
/// What it is not sure of, it leaves alone.
struct LineExpression {
    /// `nil` where a newline might be part of a match, or a place in the log count.
    let text: String?

    init(_ text: String) {
        var rewriter = Rewriter(rest: Array(text.utf8)[...])
        self.text = rewriter.rewrite() ? String(decoding: rewriter.made, as: UTF8.self) : nil
    }
}

private struct Rewriter {
    var rest: ArraySlice<UInt8>
    var made: [UInt8] = []

    /// Escapes that stand for a set without the newline.
    private static let sets = Array("dwShV".utf8)
    /// Others that are sure to take none: places between characters, and single characters.
    private static let others = Array("bBtefar".utf8)
    /// Sets that have the newline, and what is without it.
    private static let narrowed: [UInt8: String] = [
        UInt8(ascii: "s"): "[^\\S\\n]", UInt8(ascii: "W"): "[^\\w\\n]", UInt8(ascii: "D"): "[^\\d\\n]",
        UInt8(ascii: "H"): "[^\\h\\n]",
    ]
    private static let groups = ["?:", "?=", "?!", "?<=", "?<!", "?>", "?|", "?i)", "?i:"].map { Array($0.utf8) }
    private static let classes = [
        "alpha", "digit", "alnum", "upper", "lower", "punct", "xdigit", "word", "blank", "graph", "print",
    ].map { Array("[:\($0):]".utf8) }

    /// `false` where it is not sure.
    mutating func rewrite() -> Bool {
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\\"): guard escape() else { return false }
            case UInt8(ascii: "["): guard set() else { return false }
            case UInt8(ascii: "("): guard group() else { return false }
            case 0..<32: return false
            default: made.append(byte)
            }
        }
        return true
    }

    private mutating func escape() -> Bool {
        guard let byte = rest.popFirst() else { return false }
        if let narrowed = Self.narrowed[byte] {
            made += Array(narrowed.utf8)
            return true
        }
        guard Self.isPunctuation(byte) || Self.sets.contains(byte) || Self.others.contains(byte) else { return false }
        made += [UInt8(ascii: "\\"), byte]
        return true
    }

    private static func isPunctuation(_ byte: UInt8) -> Bool {
        (33...47).contains(byte) || (58...64).contains(byte) || (91...96).contains(byte) || (123...126).contains(byte)
    }

    private mutating func group() -> Bool {
        made.append(UInt8(ascii: "("))
        guard let next = rest.first, next == UInt8(ascii: "?") || next == UInt8(ascii: "*") else { return true }
        return Self.groups.contains { rest.starts(with: $0) }
    }

    /// What follows a `[`.
    private mutating func set() -> Bool {
        let isNegated = rest.first == UInt8(ascii: "^")
        if isNegated { rest.removeFirst() }
        made += Array((isNegated ? "[^\\n" : "[").utf8)
        var isFirst = true
        while let byte = rest.popFirst() {
            defer { isFirst = false }
            switch byte {
            case UInt8(ascii: "]") where !isFirst:
                made.append(byte)
                return true
            case UInt8(ascii: "]"): made += Array("\\]".utf8)
            case UInt8(ascii: "\\"): guard escapeInSet(isNegated) else { return false }
            case UInt8(ascii: "["): guard namedClass(isNegated) else { return false }
            case 0..<32: return false
            default: made.append(byte)
            }
        }
        return false
    }

    /// A set that is negated anyway takes no newline, whatever is in it.
    private mutating func escapeInSet(_ isNegated: Bool) -> Bool {
        guard let byte = rest.popFirst() else { return false }
        let isSet = Self.sets.contains(byte)
        let isNegatable = isNegated && Self.narrowed[byte] != nil
        // A range from a control character may go over the newline.
        let isCharacter = Self.isPunctuation(byte) || byte == UInt8(ascii: "t") && rest.first != UInt8(ascii: "-")
        guard isSet || isNegatable || isCharacter else { return false }
        made += [UInt8(ascii: "\\"), byte]
        return true
    }

    private mutating func namedClass(_ isNegated: Bool) -> Bool {
        guard let next = rest.first, [UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "=")].contains(next) else {
            made.append(UInt8(ascii: "["))
            return true
        }
        guard let name = Self.classes.first(where: { rest.starts(with: $0.dropFirst()) }) else { return false }
        made += name
        rest = rest.dropFirst(name.count - 1)
        return true
    }
}

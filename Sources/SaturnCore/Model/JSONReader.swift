/// Reads JSON piece by piece, from bytes that anybody may have written; what the pieces mean, its user decides.
///
/// ```swift
/// var reader = JSONReader(Array(#"{"loss": 0.10}"#.utf8))
/// reader.take("{")                    // true
/// try reader.string()                 // the bytes of `loss`
/// reader.take(":")                    // true
/// reader.word()                       // the bytes of `0.10`, as they are written
/// ```
/// Every step ends behind the space that follows. Nothing of it takes more stack for deeper JSON.
public struct JSONReader: Sendable {
    /// What is wrong, and at which byte.
    public struct Problem: Error, Hashable, Sendable {
        public var offset: Int
        public var message: String

        public init(offset: Int, message: String) {
            self.offset = offset
            self.message = message
        }
    }

    private let bytes: [UInt8]
    public private(set) var position: Int
    private let end: Int
    /// Half of a character beyond the first 65,536 is an error; else it becomes U+FFFD.
    private let refusesHalves: Bool

    /// - Parameters:
    ///   - start: where reading begins.
    ///   - end: where it ends; `nil` is the end of the bytes.
    public init(_ bytes: [UInt8], from start: Int = 0, to end: Int? = nil, refusesHalves: Bool = false) {
        self.bytes = bytes
        position = start
        self.end = end ?? bytes.count
        self.refusesHalves = refusesHalves
        skipSpace()
    }

    public var next: UInt8? { position < end ? bytes[position] : nil }
    public var isAtEnd: Bool { position >= end }

    private mutating func skipSpace() {
        while let byte = next, byte == 32 || byte == 10 || byte == 13 || byte == 9 { position += 1 }
    }

    /// `false`, and nothing taken, when something else is next.
    public mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        skipSpace()
        return true
    }

    /// What is no text and no bracket: a number, `true`, `null`, or what nobody knows; as it is written.
    public mutating func word() -> ArraySlice<UInt8> {
        let start = position
        while let byte = next, byte > 32, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}"),
            byte != UInt8(ascii: "]")
        {
            position += 1
        }
        defer { skipSpace() }
        return bytes[start..<position]
    }

    /// Whether a word is a number as JSON has them: neither `+1`, `.5`, `5.` nor `007`.
    public static func isNumber(_ word: some Collection<UInt8>) -> Bool {
        var rest = word[...]
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let leadsWithZero = rest.first == UInt8(ascii: "0")
        let whole = dropDigits(&rest)
        guard whole == 1 || whole > 1 && !leadsWithZero else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard dropDigits(&rest) > 0 else { return false }
        }
        if let letter = rest.first, letter | 32 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
            guard dropDigits(&rest) > 0 else { return false }
        }
        return rest.isEmpty
    }

    private static func dropDigits<Bytes: Collection<UInt8>>(_ rest: inout Bytes) -> Int
    where Bytes.SubSequence == Bytes {
        var count = 0
        while let byte = rest.first, (48...57).contains(byte) {
            rest = rest.dropFirst()
            count += 1
        }
        return count
    }
}

// MARK: Texts

extension JSONReader {
    /// At an opening quote: what is between the quotes, escapes undone; whether that is UTF-8 is not looked at.
    public mutating func string() throws(Problem) -> [UInt8] {
        let text = try quoted()
        skipSpace()
        return text
    }

    private mutating func quoted() throws(Problem) -> [UInt8] {
        let start = position
        guard next == UInt8(ascii: "\"") else { throw Problem(offset: start, message: "expected a text in quotes") }
        var text: [UInt8] = []
        position += 1
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return text
            case UInt8(ascii: "\\"): text += try escape()
            default: text.append(byte)
            }
        }
        throw Problem(offset: start, message: "this quote is never closed")
    }

    /// Behind the backslash.
    private mutating func escape() throws(Problem) -> [UInt8] {
        let start = position - 1
        let byte = next
        position += 1
        switch byte {
        case UInt8(ascii: "\"")?, UInt8(ascii: "\\")?, UInt8(ascii: "/")?: return [byte ?? 0]
        case UInt8(ascii: "b")?: return [8]
        case UInt8(ascii: "f")?: return [12]
        case UInt8(ascii: "n")?: return [10]
        case UInt8(ascii: "r")?: return [13]
        case UInt8(ascii: "t")?: return [9]
        case UInt8(ascii: "u")?: return Array(String(try scalar(from: start)).utf8)
        default: throw Problem(offset: start, message: "unknown escape in a string")
        }
    }

    /// Behind `\u`; a character beyond the first 65,536 is written as two escapes.
    private mutating func scalar(from start: Int) throws(Problem) -> Unicode.Scalar {
        guard let high = unit() else { throw Problem(offset: start, message: "this is not a character") }
        if let scalar = Unicode.Scalar(high) { return scalar }
        let behind = position
        if UTF16.isLeadSurrogate(high), next == UInt8(ascii: "\\") {
            position += 1
            if next == UInt8(ascii: "u") {
                position += 1
                if let low = unit(), UTF16.isTrailSurrogate(low) {
                    return Unicode.Scalar(0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(low) - 0xDC00))
                        ?? "\u{FFFD}"
                }
            }
        }
        guard !refusesHalves else { throw Problem(offset: start, message: "this is not a character") }
        position = behind
        return "\u{FFFD}"
    }

    private mutating func unit() -> UInt16? {
        let digits = bytes[position..<min(position + 4, end)]
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
        position += 4
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}

// MARK: Arrays and objects

extension JSONReader {
    /// Numbers that other languages write into JSON, and JSON does not have.
    public static func isNoFiniteNumber(_ word: some Collection<UInt8>) -> Bool {
        ["NaN", "Infinity", "-Infinity"].contains { $0.utf8.elementsEqual(word) }
    }

    /// At `[` or `{`: all of it without the space between its parts. What is no finite number is put into quotes, so
    /// that everybody can read it.
    public mutating func nested() throws(Problem) -> [UInt8] {
        var text: [UInt8] = []
        var open: [UInt8] = []
        repeat {
            if let bracket = next, bracket == UInt8(ascii: "[") || bracket == UInt8(ascii: "{") {
                open.append(bracket)
                text.append(bracket)
                position += 1
                skipSpace()
                if next != Self.closing(bracket) {
                    if bracket == UInt8(ascii: "{") { text += try key() }
                    continue
                }
            } else {
                text += try scalarText()
            }
            while !open.isEmpty, let byte = try closed(&open) {
                text.append(byte)
                guard byte == UInt8(ascii: ",") else { continue }
                if open.last == UInt8(ascii: "{") { text += try key() }
                break
            }
        } while !open.isEmpty
        return text
    }

    /// `]` of `[`.
    private static func closing(_ bracket: UInt8) -> UInt8 { bracket + 2 }

    /// What follows a value: a comma, or the end of what is open.
    private mutating func closed(_ open: inout [UInt8]) throws(Problem) -> UInt8? {
        guard let byte = next, let bracket = open.last,
            byte == UInt8(ascii: ",") || byte == Self.closing(bracket)
        else { throw Problem(offset: position, message: "expected ',' or the end of this array or object") }
        position += 1
        skipSpace()
        if byte != UInt8(ascii: ",") { open.removeLast() }
        return byte
    }

    private mutating func key() throws(Problem) -> [UInt8] {
        let text = try written()
        guard take(":") else { throw Problem(offset: position, message: "expected ':' behind the key") }
        return text + [UInt8(ascii: ":")]
    }

    /// A text with its quotes and escapes.
    private mutating func written() throws(Problem) -> ArraySlice<UInt8> {
        let start = position
        _ = try quoted()
        defer { skipSpace() }
        return bytes[start..<position]
    }

    private mutating func scalarText() throws(Problem) -> [UInt8] {
        if next == UInt8(ascii: "\"") { return Array(try written()) }
        let start = position
        let word = word()
        if Self.isNoFiniteNumber(word) { return [UInt8(ascii: "\"")] + word + [UInt8(ascii: "\"")] }
        guard Self.isNumber(word) || ["true", "false", "null"].contains(where: { $0.utf8.elementsEqual(word) }) else {
            throw Problem(offset: start, message: "expected a value")
        }
        return Array(word)
    }
}

/// Reads the answers of those who give credentials: an object whose values are texts.
///
/// ```swift
/// JSONText(body)?["AccessKeyId"]
/// ```
/// Values of other kinds are kept as they are written: numbers, `true`, objects; but for `null`, which is none.
struct JSONText: Sendable {
    private struct Value {
        var text: String
        var isText: Bool
    }

    private var values: [String: Value] = [:]

    subscript(name: String) -> String? { values[name]?.text }

    /// Only of a value that is a text.
    func text(_ name: String) -> String? { values[name].flatMap { $0.isText ? $0.text : nil } }

    /// `nil` when it is no object.
    init?(_ bytes: some Collection<UInt8>) {
        var rest = Array(bytes)[...]
        Self.skipSpace(&rest)
        guard rest.popFirst() == UInt8(ascii: "{") else { return nil }
        while true {
            Self.skipSpace(&rest)
            if rest.first == UInt8(ascii: "}") { return }
            guard let name = Self.string(&rest) else { return nil }
            Self.skipSpace(&rest)
            guard rest.popFirst() == UInt8(ascii: ":") else { return nil }
            Self.skipSpace(&rest)
            guard let value = Self.value(&rest) else { return nil }
            values[name] = value.isText || value.text != "null" ? value : nil
            Self.skipSpace(&rest)
            switch rest.popFirst() {
            case UInt8(ascii: ","): continue
            case UInt8(ascii: "}"): return
            default: return nil
            }
        }
    }

    private static func skipSpace(_ rest: inout ArraySlice<UInt8>) {
        while let byte = rest.first, [9, 10, 13, 32].contains(byte) { rest.removeFirst() }
    }

    private static func value(_ rest: inout ArraySlice<UInt8>) -> Value? {
        switch rest.first {
        case UInt8(ascii: "\""): return string(&rest).map { Value(text: $0, isText: true) }
        case UInt8(ascii: "{"), UInt8(ascii: "["): return nested(&rest).map { Value(text: $0, isText: false) }
        default:
            let end = rest.firstIndex { [9, 10, 13, 32, 44, 93, 125].contains($0) } ?? rest.endIndex
            guard end > rest.startIndex else { return nil }
            defer { rest = rest[end...] }
            let text = String(decoding: rest[..<end], as: UTF8.self)
            // Double would take "inf" and hexadecimal numbers too.
            let isNumber = Double(text) != nil && text.utf8.allSatisfy("0123456789+-.eE".utf8.contains)
            guard isNumber || ["null", "true", "false"].contains(text) else { return nil }
            return Value(text: text, isText: false)
        }
    }

    /// Its text; what it says nobody asks for.
    private static func nested(_ rest: inout ArraySlice<UInt8>) -> String? {
        let start = rest
        var depth = 0
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "\""):
                guard string(&rest) != nil else { return nil }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            rest.removeFirst()
            if depth == 0 { return String(decoding: start[..<rest.startIndex], as: UTF8.self) }
        }
        return nil
    }

    private static func string(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard rest.popFirst() == UInt8(ascii: "\"") else { return nil }
        var units: [UInt16] = []
        var bytes: [UInt8] = []
        func flush() {
            guard !units.isEmpty else { return }
            bytes += Array(String(decoding: units, as: UTF16.self).utf8)
            units = []
        }
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") {
                flush()
                return String(decoding: bytes, as: UTF8.self)
            }
            guard byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() else {
                flush()
                bytes.append(byte)
                continue
            }
            if escaped == UInt8(ascii: "u") {
                let digits = String(decoding: rest.prefix(4), as: UTF8.self)
                // UInt16 would take a sign too.
                guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit), let unit = UInt16(digits, radix: 16)
                else { return nil }
                units.append(unit)
                rest = rest.dropFirst(4)
            } else {
                flush()
                guard let plain = plain[escaped] else { return nil }
                bytes.append(plain)
            }
        }
        return nil
    }

    private static let plain: [UInt8: UInt8] = [
        UInt8(ascii: "\""): 34, UInt8(ascii: "\\"): 92, UInt8(ascii: "/"): 47, UInt8(ascii: "b"): 8,
        UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
    ]
}

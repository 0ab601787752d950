import SaturnCore

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
        do { try read(Array(bytes)) } catch { return nil }
    }

    private mutating func read(_ bytes: [UInt8]) throws(JSONReader.Problem) {
        var reader = JSONReader(bytes)
        guard reader.take("{") else { throw JSONReader.Problem(offset: 0, message: "expected an object") }
        if reader.take("}") { return }
        repeat {
            let name = String(decoding: try reader.string(), as: UTF8.self)
            guard reader.take(":") else { throw JSONReader.Problem(offset: reader.position, message: "expected ':'") }
            values[name] = try Self.value(&reader)
        } while reader.take(",")
        guard reader.take("}") else { throw JSONReader.Problem(offset: reader.position, message: "expected '}'") }
    }

    private static func value(_ reader: inout JSONReader) throws(JSONReader.Problem) -> Value? {
        switch reader.next {
        case UInt8(ascii: "\""): return Value(text: String(decoding: try reader.string(), as: UTF8.self), isText: true)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            return Value(text: String(decoding: try reader.nested(), as: UTF8.self), isText: false)
        default:
            let offset = reader.position
            let word = reader.word()
            let text = String(decoding: word, as: UTF8.self)
            guard JSONReader.isNumber(word) || ["null", "true", "false"].contains(text) else {
                throw JSONReader.Problem(offset: offset, message: "expected a value")
            }
            return text == "null" ? nil : Value(text: text, isText: false)
        }
    }
}

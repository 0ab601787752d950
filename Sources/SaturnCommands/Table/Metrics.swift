import SaturnCore

/// What a task has written down of its result: a JSON object, flattened.
///
/// ```
/// {"loss": 0.10, "val": {"loss": 0.2}, "lr": [1, 2]}    // loss 0.10, val.loss 0.2, lr [1,2]
/// ```
struct Metrics: Sendable {
    /// In the order of the file; of two of one name the later counts.
    private(set) var values: [(name: String, cell: Cell)] = []
    private var places: [String: Int] = [:]
    private static let deepest = 64

    init(_ bytes: [UInt8]) throws(JSONReader.Problem) {
        // Behind the byte order mark that some editors write.
        var reader = JSONReader(bytes, from: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
        guard reader.next == UInt8(ascii: "{") else {
            throw JSONReader.Problem(offset: reader.position, message: "expected an object")
        }
        try readObject(&reader, prefix: "", depth: 1)
        guard reader.isAtEnd else {
            throw JSONReader.Problem(offset: reader.position, message: "expected the end of the file")
        }
    }

    private mutating func readObject(
        _ reader: inout JSONReader, prefix: String, depth: Int
    ) throws(JSONReader.Problem) {
        guard depth <= Self.deepest else {
            throw JSONReader.Problem(offset: reader.position, message: "objects are nested too deep")
        }
        guard reader.take("{"), !reader.take("}") else { return }
        repeat {
            let name = prefix + (try Self.text(&reader))
            guard reader.take(":") else {
                throw JSONReader.Problem(offset: reader.position, message: "expected ':' behind the key")
            }
            if reader.next == UInt8(ascii: "{") {
                try readObject(&reader, prefix: name + ".", depth: depth + 1)
            } else {
                set(name, try Self.cell(&reader))
            }
        } while reader.take(",")
        guard reader.take("}") else {
            throw JSONReader.Problem(offset: reader.position, message: "expected ',' or '}'")
        }
    }

    private mutating func set(_ name: String, _ cell: Cell) {
        if let place = places[name] { return values[place].cell = cell }
        places[name] = values.count
        values.append((name, cell))
    }

    private static func cell(_ reader: inout JSONReader) throws(JSONReader.Problem) -> Cell {
        switch reader.next {
        case UInt8(ascii: "\""): return .text(try text(&reader))
        case UInt8(ascii: "["):
            let offset = reader.position
            return .array(try valid(try reader.nested(), at: offset))
        default: break
        }
        let offset = reader.position
        let word = reader.word()
        let text = String(decoding: word, as: UTF8.self)
        switch text {
        case "null": return .nothing
        case "true": return .flag(true)
        case "false": return .flag(false)
        case _ where JSONReader.isNumber(word) || JSONReader.isNoFiniteNumber(word): return .number(text)
        default: throw JSONReader.Problem(offset: offset, message: "expected a value")
        }
    }

    private static func text(_ reader: inout JSONReader) throws(JSONReader.Problem) -> String {
        let offset = reader.position
        return try valid(try reader.string(), at: offset)
    }

    private static func valid(_ bytes: [UInt8], at offset: Int) throws(JSONReader.Problem) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw JSONReader.Problem(offset: offset, message: "the text is not UTF-8")
        }
        return text
    }
}

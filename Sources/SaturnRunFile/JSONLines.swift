internal import SaturnCore

/// Reads JSON lines: an object on every line, with the same keys, whose values are strings, numbers, true or false.
///
/// A number keeps the text it is written with: `0.10` stays `0.10`.
struct JSONLines {
    private var reader: JSONReader

    private struct Pair {
        var name: ValueTable.Name
        var value: String
    }

    static func read(_ bytes: [UInt8], into rows: inout TableRows) throws(TableProblem) {
        var start = ValueTable.start(of: bytes)
        var columns: [String: Int] = [:]
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            var line = JSONLines(reader: JSONReader(bytes, from: start, to: end, refusesHalves: true))
            if !line.reader.isAtEnd {
                let offset = line.reader.position
                let pairs = try line.object()
                if columns.isEmpty {
                    try rows.setNames(pairs.map(\.name))
                    for (index, pair) in pairs.enumerated() { columns[pair.name.text] = index }
                }
                rows.add(try row(pairs, columns, at: offset), at: offset)
            }
            start = end + 1
        }
        if rows.names.isEmpty { throw TableProblem(at: 0, "the file has no lines") }
    }

    /// The values in the order of the columns.
    private static func row(
        _ pairs: [Pair], _ columns: [String: Int], at offset: Int
    ) throws(TableProblem) -> [String] {
        var values = [String?](repeating: nil, count: columns.count)
        for pair in pairs {
            let quoted = FieldReader.quote(pair.name.text)
            guard let column = columns[pair.name.text] else {
                throw TableProblem(at: pair.name.offset, "the first line has no key \(quoted)")
            }
            guard values[column] == nil else { throw TableProblem(at: pair.name.offset, "duplicate key \(quoted)") }
            values[column] = pair.value
        }
        for (name, column) in columns.sorted(by: { $0.value < $1.value }) where values[column] == nil {
            throw TableProblem(at: offset, "this line has no key \(FieldReader.quote(name))")
        }
        return values.compactMap(\.self)
    }

    private mutating func object() throws(TableProblem) -> [Pair] {
        var pairs: [Pair] = []
        guard reader.take("{") else {
            throw TableProblem(at: reader.position, "expected an object: {\"name\": value}")
        }
        if reader.next == UInt8(ascii: "}") { throw TableProblem(at: reader.position, "the object is empty") }
        repeat {
            let offset = reader.position
            guard reader.next == UInt8(ascii: "\"") else { throw TableProblem(at: offset, "expected a key in quotes") }
            let name = ValueTable.Name(text: try string(), offset: offset)
            guard reader.take(":") else { throw TableProblem(at: reader.position, "expected ':' behind the key") }
            pairs.append(Pair(name: name, value: try value()))
        } while reader.take(",")
        guard reader.take("}") else { throw TableProblem(at: reader.position, "expected ',' or '}'") }
        guard reader.isAtEnd else { throw TableProblem(at: reader.position, "expected the end of the line") }
        return pairs
    }

    private mutating func value() throws(TableProblem) -> String {
        let offset = reader.position
        switch reader.next {
        case UInt8(ascii: "\"")?: return try string()
        case UInt8(ascii: "{")?, UInt8(ascii: "[")?:
            throw TableProblem(at: offset, "a value is a string, a number, true or false")
        default: break
        }
        let word = try TableRows.text(reader.word(), at: offset)
        if word == "true" || word == "false" || JSONReader.isNumber(word.utf8) { return word }
        let isNull = word == "null"
        throw TableProblem(
            at: offset, isNull ? "null is no value" : "expected a value, found \(FieldReader.quote(word))",
            hint: isNull ? "write \"\" for an empty value" : nil)
    }

    /// At its opening quote; ends behind the closing one and the space after it.
    private mutating func string() throws(TableProblem) -> String {
        let start = reader.position
        let text: [UInt8]
        do { text = try reader.string() } catch { throw TableProblem(at: error.offset, error.message) }
        return try TableRows.text(text, at: start)
    }
}

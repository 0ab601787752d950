/// Reads JSON lines: an object on every line, with the same keys, whose values are strings, numbers, true or false.
///
/// A number keeps the text it is written with: `0.10` stays `0.10`.
struct JSONLines {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    private struct Pair {
        var name: ValueTable.Name
        var value: String
    }

    static func read(_ bytes: [UInt8], into rows: inout TableRows) throws(TableProblem) {
        var start = ValueTable.start(of: bytes)
        var columns: [String: Int] = [:]
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            var line = JSONLines(bytes: bytes, position: start, end: end)
            line.skipSpace()
            if line.position < end {
                let offset = line.position
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

    private var next: UInt8? { position < end ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 32 || (9...13).contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        skipSpace()
        return true
    }

    private mutating func object() throws(TableProblem) -> [Pair] {
        var pairs: [Pair] = []
        guard take("{") else { throw TableProblem(at: position, "expected an object: {\"name\": value}") }
        if next == UInt8(ascii: "}") { throw TableProblem(at: position, "the object is empty") }
        repeat {
            let offset = position
            guard next == UInt8(ascii: "\"") else { throw TableProblem(at: position, "expected a key in quotes") }
            let name = ValueTable.Name(text: try string(), offset: offset)
            guard take(":") else { throw TableProblem(at: position, "expected ':' behind the key") }
            pairs.append(Pair(name: name, value: try value()))
            skipSpace()
        } while take(",")
        guard take("}") else { throw TableProblem(at: position, "expected ',' or '}'") }
        guard position == end else { throw TableProblem(at: position, "expected the end of the line") }
        return pairs
    }

    private mutating func value() throws(TableProblem) -> String {
        let offset = position
        switch next {
        case UInt8(ascii: "\"")?: return try string()
        case UInt8(ascii: "{")?, UInt8(ascii: "[")?:
            throw TableProblem(at: offset, "a value is a string, a number, true or false")
        default: break
        }
        while let byte = next, byte > 32, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}") { position += 1 }
        let word = try TableRows.text(bytes[offset..<position], at: offset)
        if word == "true" || word == "false" || Self.isNumber(word) { return word }
        let isNull = word == "null"
        throw TableProblem(
            at: offset, isNull ? "null is no value" : "expected a value, found \(FieldReader.quote(word))",
            hint: isNull ? "write \"\" for an empty value" : nil)
    }

    private static func isNumber(_ word: String) -> Bool {
        guard let parts = NumberParts(word), let last = word.utf8.last else { return false }
        // JSON has neither `+1`, `.5`, `5.` nor `007`.
        let isWhole = parts.whole.utf8.count == 1 || parts.whole.utf8.first != UInt8(ascii: "0")
        return isWhole && !parts.whole.isEmpty && word.utf8.first != UInt8(ascii: "+") && (48...57).contains(last)
    }

    /// At its opening quote; ends behind the closing one and the space after it.
    private mutating func string() throws(TableProblem) -> String {
        let start = position
        var text: [UInt8] = []
        position += 1
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                skipSpace()
                return try TableRows.text(text, at: start)
            case UInt8(ascii: "\\"): text += try escape()
            default: text.append(byte)
            }
        }
        throw TableProblem(at: start, "this quote is never closed")
    }

    /// Behind the backslash.
    private mutating func escape() throws(TableProblem) -> [UInt8] {
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
        default: throw TableProblem(at: start, "unknown escape in a string")
        }
    }

    /// Behind `\u`; a character beyond the first 65,536 is written as two escapes.
    private mutating func scalar(from start: Int) throws(TableProblem) -> Unicode.Scalar {
        let bad = TableProblem(at: start, "this is not a character")
        guard let high = unit() else { throw bad }
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard UTF16.isLeadSurrogate(high), next == UInt8(ascii: "\\") else { throw bad }
        position += 1
        guard next == UInt8(ascii: "u") else { throw bad }
        position += 1
        guard let low = unit(), UTF16.isTrailSurrogate(low) else { throw bad }
        return Unicode.Scalar(0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(low) - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func unit() -> UInt16? {
        let digits = bytes[position..<min(position + 4, end)]
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
        position += 4
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}

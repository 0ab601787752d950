/// Reads CSV as RFC 4180 has it: a header, then rows of as many values.
///
/// A value in quotes may hold separators, line ends and doubled quotes. Empty lines are skipped.
struct CSVReader {
    private let bytes: [UInt8]
    private let separator: UInt8
    private var position: Int

    private static let quote = UInt8(ascii: "\"")

    init(_ bytes: [UInt8], separator: UInt8) {
        self.bytes = bytes
        self.separator = separator
        position = ValueTable.start(of: bytes)
    }

    private struct Cell {
        var text: String
        var offset: Int
    }

    mutating func read(into rows: inout TableRows) throws(TableProblem) {
        guard let header = try row() else { throw TableProblem(at: position, "the file has no header line") }
        if let empty = header.first(where: \.text.isEmpty) {
            throw TableProblem(at: empty.offset, "this column has no name")
        }
        try rows.setNames(header.map { ValueTable.Name(text: $0.text, offset: $0.offset) })
        while let cells = try row() {
            guard cells.count == header.count else {
                throw TableProblem(
                    at: cells[0].offset, "this row has \(Self.values(cells.count)), and the header \(header.count)")
            }
            rows.add(cells.map(\.text), at: cells[0].offset)
        }
    }

    private static func values(_ count: Int) -> String { count == 1 ? "1 value" : "\(count) values" }

    /// The next line that is not empty; `nil` at the end.
    private mutating func row() throws(TableProblem) -> [Cell]? {
        while position < bytes.count, isLineEnd(bytes[position]) { position += 1 }
        guard position < bytes.count else { return nil }
        var cells = [try cell()]
        while position < bytes.count, bytes[position] == separator {
            position += 1
            cells.append(try cell())
        }
        return cells
    }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }

    /// Up to the separator or the line end behind it.
    private mutating func cell() throws(TableProblem) -> Cell {
        let start = position
        guard position < bytes.count, bytes[position] == Self.quote else {
            while position < bytes.count, bytes[position] != separator, !isLineEnd(bytes[position]) { position += 1 }
            return Cell(text: try TableRows.text(bytes[start..<position], at: start), offset: start)
        }
        let text = try quoted()
        guard position >= bytes.count || bytes[position] == separator || isLineEnd(bytes[position]) else {
            let next = separator == UInt8(ascii: "\t") ? "a tab" : "','"
            throw TableProblem(
                at: position, "expected \(next) or the end of the line behind the quote",
                hint: "a quote inside quotes is written twice")
        }
        return Cell(text: text, offset: start)
    }

    private mutating func quoted() throws(TableProblem) -> String {
        let start = position
        var value: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == Self.quote {
                guard position < bytes.count, bytes[position] == Self.quote else {
                    return try TableRows.text(value, at: start)
                }
                position += 1
            }
            value.append(byte)
        }
        throw TableProblem(at: start, "this quote is never closed")
    }
}

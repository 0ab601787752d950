internal import SaturnCore

/// The values of a file, by column: `params.csv`, `params.jsonl`.
final class ValueTable: Sendable {
    struct Name {
        var text: String
        /// Of its first byte in the file.
        var offset: Int
    }

    let path: String
    let bytes: [UInt8]
    let names: [Name]
    /// As many values each as there are rows.
    let columns: [[String]]
    /// Where each row begins.
    let offsets: [Int]

    var count: Int { offsets.count }

    /// By the file's ending: JSON lines, tab-separated, or else CSV.
    init(path: String, bytes: [UInt8]) throws(TableProblem) {
        var rows = TableRows()
        if path.hasSuffix(".jsonl") || path.hasSuffix(".ndjson") {
            try JSONLines.read(bytes, into: &rows)
        } else {
            var reader = CSVReader(bytes, separator: UInt8(ascii: path.hasSuffix(".tsv") ? "\t" : ","))
            try reader.read(into: &rows)
        }
        (self.path, self.bytes) = (path, bytes)
        (names, columns, offsets) = (rows.names, rows.columns, rows.offsets)
    }

    /// The mark of the character at a byte of a file, which is a source of its own.
    static func mark(at offset: Int, in bytes: [UInt8], source: Int) -> SourceMark {
        let before = bytes[..<min(offset, bytes.count)]
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? start(of: bytes)
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let column = bytes[start..<max(start, before.endIndex)].count { $0 & 0xC0 != 0x80 } + 1
        return SourceMark(source: source, line: line, column: column)
    }

    /// Behind the byte order mark, if there is one.
    static func start(of bytes: [UInt8]) -> Int { bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0 }
}

/// What is wrong with a file of values, and where.
struct TableProblem: Error {
    var offset: Int
    var message: String
    var hint: String?

    init(at offset: Int, _ message: String, hint: String? = nil) {
        self.offset = offset
        self.message = message
        self.hint = hint
    }
}

/// The rows of a file as they are read.
struct TableRows {
    private(set) var names: [ValueTable.Name] = []
    private(set) var columns: [[String]] = []
    private(set) var offsets: [Int] = []

    mutating func setNames(_ found: [ValueTable.Name]) throws(TableProblem) {
        var seen: Set<String> = []
        for name in found where !seen.insert(name.text).inserted {
            throw TableProblem(at: name.offset, "duplicate column \(FieldReader.quote(name.text))")
        }
        names = found
        columns = Array(repeating: [], count: found.count)
    }

    /// - Parameter values: One for each column.
    mutating func add(_ values: [String], at offset: Int) {
        for (column, value) in values.enumerated() { columns[column].append(value) }
        offsets.append(offset)
    }

    /// The text of some bytes of the file that starts at `offset`.
    static func text(_ bytes: some Collection<UInt8>, at offset: Int) throws(TableProblem) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TableProblem(at: offset, "the text is not valid UTF-8", hint: "save the file as UTF-8")
        }
        guard !text.utf8.contains(0) else {
            throw TableProblem(at: offset, "the text contains a NUL character", hint: "save the file as UTF-8")
        }
        return text
    }
}

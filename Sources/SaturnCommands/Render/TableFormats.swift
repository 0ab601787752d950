import SaturnCore

/// A table for machines, and for pages. Written piece by piece: a run may have a million rows.
enum TableFormats {
    /// `false` when nobody reads any more.
    typealias Sink = (String) -> Bool

    /// As RFC 4180 has it. What is empty has quotes, where there is nothing there is nothing.
    ///
    /// - Parameter isSafe: for a terminal; control characters are shown and do nothing.
    static func csv(_ table: ResultTable, isSafe: Bool, _ write: Sink) {
        func field(_ text: String?) -> String {
            guard let text else { return "" }
            let shown = isSafe ? Printable.text(text) : text
            let needsQuotes = shown.isEmpty || shown.utf8.contains { ",\"\r\n".utf8.contains($0) }
            return needsQuotes ? "\"\(shown.replacing("\"", with: "\"\""))\"" : shown
        }
        lines(table, write) { (row: [String?]) in
            row.map(field).joined(separator: ",") + "\r\n"
        } cell: {
            $0.text
        }
    }

    static func markdown(_ table: ResultTable, _ write: Sink) {
        var text = "| \(table.columns.map(markdown).joined(separator: " | ")) |\n"
        let rules = table.columns.indices.map { TableText.isNumeric(table, $0) ? "---:" : "---" }
        text += "| \(rules.joined(separator: " | ")) |\n"
        guard write(text) else { return }
        lines(table, write, header: false) { (row: [String?]) in
            "| \(row.map { markdown($0 ?? "") }.joined(separator: " | ")) |\n"
        } cell: {
            $0.words
        }
    }

    /// What would mean something to Markdown means itself.
    private static func markdown(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "|", "\\", "`", "*": escaped.append(contentsOf: "\\\(scalar)".unicodeScalars)
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case "\n": escaped.append(contentsOf: "<br>".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return Printable.text(String(escaped))
    }

    /// A document, with an object for each row that has all columns.
    static func json(_ table: ResultTable, run: String, _ write: Sink) {
        let keys = table.columns.map { "\(quoted($0)): " }
        let beginning = "{\"version\": 1, \"run\": \(quoted(run)), \"tasks\": ["
        var isFirst = true
        lines(table, write, header: false) { (row: [String?]) in
            let members = zip(keys, row).map { $0 + ($1 ?? "null") }.joined(separator: ", ")
            defer { isFirst = false }
            return (isFirst ? beginning + "\n" : ",\n") + "{\(members)}"
        } cell: {
            json($0)
        }
        _ = write(isFirst ? beginning + "]}\n" : "\n]}\n")
    }

    private static func json(_ cell: Cell) -> String? {
        switch cell {
        case .nothing: nil
        case .text(let text): quoted(text)
        case .number(let text): JSONReader.isNumber(text.utf8) ? text : quoted(text)
        case .array(let text): safe(text)
        case .flag, .seconds: cell.text
        }
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.utf8.contains { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
        return "\"\(safe(escaped ? text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") : text))\""
    }

    /// With escapes for all that does something on a terminal, which is only ever inside of a text.
    private static func safe(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: Printable.needsEscape) else { return text }
        var safe = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": safe += "\\n"
            case "\t": safe += "\\t"
            case _ where Printable.needsEscape(scalar):
                safe += "\\u" + String(scalar.value, radix: 16).leftPadded(to: 4)
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }

    /// The header and the rows as `line` words them, some thousand at a time, until nobody reads any more.
    private static func lines(
        _ table: ResultTable, _ write: Sink, header: Bool = true, _ line: ([String?]) -> String,
        cell: (Cell) -> String?
    ) {
        var text = header ? line(table.columns) : ""
        for row in table.rows {
            text += line(table.columns.indices.map { cell(table.cell(row, $0)) })
            guard text.utf8.count > 1 << 16 else { continue }
            guard write(text) else { return }
            text = ""
        }
        _ = write(text)
    }
}

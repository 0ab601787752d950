import CSystem
import SaturnCore

/// A table for people: aligned, numbers to the right.
///
/// ```
/// task    lr   state      duration  loss
/// lr-0.5  0.5  succeeded     3.1 s  0.04969
/// ```
struct TableText {
    private struct Column {
        var name: String
        /// In the table.
        var index: Int
        var isNumeric: Bool
        var isEmpty: Bool
        var width: Int
    }

    private let table: ResultTable
    private var columns: [Column]
    private static let gap = 2
    /// So much of a text is left at least.
    private static let narrowest = 10

    init(_ table: ResultTable) {
        self.table = table
        columns = table.columns.indices.map { index in
            let name = Printable.text(table.columns[index])
            var width = Printable.width(name)
            var isEmpty = true
            for row in table.rows {
                guard case let cell = table.cell(row, index), cell != .nothing else { continue }
                isEmpty = false
                width = max(width, Printable.width(Printable.text(cell.words)))
            }
            return Column(
                name: name, index: index, isNumeric: Self.isNumeric(table, index), isEmpty: isEmpty, width: width)
        }
    }

    /// Whether there is nothing but numbers and times in a column.
    static func isNumeric(_ table: ResultTable, _ column: Int) -> Bool {
        var hasAny = false
        for row in table.rows {
            switch table.cell(row, column) {
            case .nothing: continue
            case .number, .seconds: hasAny = true
            case .text, .flag, .array: return false
            }
        }
        return hasAny
    }

    private var width: Int { columns.reduce(-Self.gap) { $0 + $1.width + Self.gap } }

    /// Takes away what `room` has no place for: empty columns, then commit and duration; then texts are cut, but no numbers,
    /// and at last the columns at the right go, but never the first.
    ///
    /// - Returns: the names of the columns that were taken away and were not empty.
    mutating func fit(_ room: Int) -> [String] {
        if width > room { columns.removeAll { $0.isEmpty } }
        var hidden: [Column] = []
        for name in ["commit", "duration"] where width > room && narrowed > room {
            guard let place = columns.firstIndex(where: { $0.name == name }), columns.count > 1 else { continue }
            hidden.append(columns.remove(at: place))
        }
        while narrowed > room, columns.count > 1 { hidden.append(columns.removeLast()) }
        narrow(room)
        return hidden.sorted { $0.index < $1.index }.map(\.name)
    }

    /// The width with all texts cut as far as that goes.
    private var narrowed: Int { columns.reduce(-Self.gap) { $0 + Self.least($1) + Self.gap } }

    /// Part of a number, or of a commit's, is worth nothing.
    private static func least(_ column: Column) -> Int {
        column.isNumeric || column.name == "commit" ? column.width : min(column.width, narrowest)
    }

    /// The widest texts give way first.
    private mutating func narrow(_ room: Int) {
        while width > room {
            let wide = columns.indices.filter { columns[$0].width > Self.least(columns[$0]) }
            guard let widest = wide.max(by: { columns[$0].width < columns[$1].width }) else { break }
            columns[widest].width -= 1
        }
        if width > room, columns.count == 1 { columns[0].width = max(1, room) }
    }

    /// - Parameter write: returns `false` when nobody reads any more.
    func render(_ write: (String) -> Bool) {
        guard !columns.isEmpty else { return }
        var text = line { ($0.name, $0.isNumeric) }
        for row in table.rows {
            text += line { (Printable.text(table.cell(row, $0.index).words), $0.isNumeric) }
            guard text.utf8.count > 1 << 16 else { continue }
            guard write(text) else { return }
            text = ""
        }
        _ = write(text)
    }

    private func line(_ cell: (Column) -> (text: String, isRight: Bool)) -> String {
        var text = ""
        var pending = 0
        for column in columns {
            let (whole, isRight) = cell(column)
            let shown = Printable.cut(whole, to: column.width)
            let space = max(0, column.width - Printable.width(shown))
            if !shown.isEmpty {
                text += String(repeating: " ", count: pending + (isRight ? space : 0)) + shown
                pending = isRight ? 0 : space
            } else {
                pending += column.width
            }
            pending += Self.gap
        }
        return text + "\n"
    }
}

extension Printable {
    /// Columns of a terminal that a text without control characters takes.
    static func width(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 128 }) { return text.utf8.count }
        return text.unicodeScalars.reduce(0) { $0 + width($1) }
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        scalar.value < 128 ? 1 : max(0, Int(csystem_columns(scalar.value)))
    }

    /// With `…` for what has no place in so many columns.
    static func cut(_ text: String, to room: Int) -> String {
        guard width(text) > room else { return text }
        var cut = String.UnicodeScalarView()
        var left = room - 1
        for scalar in text.unicodeScalars {
            left -= width(scalar)
            guard left >= 0 else { break }
            cut.append(scalar)
        }
        return String(cut) + (room > 0 ? "…" : "")
    }
}

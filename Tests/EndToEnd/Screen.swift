/// What a terminal shows that got a text: as much of one as saturn uses. Anything else is a fault.
struct Screen {
    private(set) var lines: [[Character]] = [[]]
    private(set) var isCursorShown = true
    private var row = 0
    private var column = 0

    init(_ text: String) throws {
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n":
                row += 1
                if row == lines.count { lines.append([]) }
            case "\u{1B}": try obey(&rest)
            default: put(Character(scalar))
            }
        }
    }

    /// Without empty lines at the end.
    var text: String {
        let shown = lines.map { String($0) }
        return shown[..<((shown.lastIndex { !$0.isEmpty } ?? -1) + 1)].joined(separator: "\n")
    }

    private mutating func put(_ character: Character) {
        while lines[row].count <= column { lines[row].append(" ") }
        lines[row][column] = character
        column += 1
    }

    private mutating func obey(_ rest: inout Substring.UnicodeScalarView) throws {
        guard rest.popFirst() == "[" else { throw SessionProblem("an escape that is none of saturn's") }
        var number = ""
        while let digit = rest.first, digit == "?" || ("0"..."9").contains(digit) {
            number.unicodeScalars.append(digit)
            rest.removeFirst()
        }
        switch (rest.popFirst(), number) {
        case ("A", _): row = max(0, row - (Int(number) ?? 1))
        case ("H", ""): (row, column) = (0, 0)
        case ("K", ""): lines[row].removeLast(max(0, lines[row].count - column))
        case ("J", ""):
            lines[row].removeLast(max(0, lines[row].count - column))
            lines.removeLast(lines.count - row - 1)
        case ("l", "?25"): isCursorShown = false
        case ("h", "?25"): isCursorShown = true
        case ("m", _): break
        case let (letter, number): throw SessionProblem("an escape that is none of saturn's: \(number)\(letter ?? " ")")
        }
    }
}

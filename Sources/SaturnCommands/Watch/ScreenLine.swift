import SaturnCore

/// A line of a screen, of pieces that may have a colour; cut where the screen ends.
struct ScreenLine: Equatable {
    enum Paint {
        case plain, red, yellow, green, dim
    }

    private struct Piece: Equatable {
        var text: String
        var paint: Paint
    }

    private var pieces: [Piece] = []

    init(_ text: String = "", _ paint: Paint = .plain) { add(text, paint) }

    /// - Parameter text: may have anything in it.
    mutating func add(_ text: String, _ paint: Paint = .plain) {
        if !text.isEmpty { pieces.append(Piece(text: Printable.text(text), paint: paint)) }
    }

    /// - Parameter room: columns; what takes more has `…` at its end.
    func text(in room: Int, _ style: Style) -> String {
        var (text, left) = ("", room)
        for piece in pieces where left > 0 {
            let shown = Printable.cut(piece.text, to: left)
            text += Self.painted(shown, piece.paint, style)
            left -= Printable.width(shown)
            // The next one has no place, or this was its last sign.
            if shown != piece.text { break }
        }
        return text
    }

    private static func painted(_ text: String, _ paint: Paint, _ style: Style) -> String {
        switch paint {
        case .plain: text
        case .red: style.red(text)
        case .yellow: style.yellow(text)
        case .green: style.green(text)
        case .dim: style.dim(text)
        }
    }
}

/// A shell's pattern for names: `*`, `?`, `[a-c]`, `[!a-c]`; a backslash takes the next character as it is.
///
///     NamePattern("train-*").matches("train-0.1")   // true
///
/// One `?` is one Unicode scalar. A `[` that nothing closes stands for itself.
public struct NamePattern: Sendable {
    private enum Piece: Hashable, Sendable {
        case any
        case one
        case scalar(Unicode.Scalar)
        case set([ClosedRange<UInt32>], isNegated: Bool)

        func takes(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .any, .one: true
            case .scalar(let own): own == scalar
            case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar.value) } != isNegated
            }
        }
    }

    private let pieces: [Piece]

    public init(_ text: String) {
        var pieces: [Piece] = []
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": if pieces.last != .any { pieces.append(.any) }
            case "?": pieces.append(.one)
            case "\\": pieces.append(.scalar(rest.popFirst() ?? scalar))
            case "[": pieces.append(Self.set(&rest) ?? .scalar(scalar))
            default: pieces.append(.scalar(scalar))
            }
        }
        self.pieces = pieces
    }

    /// Whether a text is more than a name.
    public static func isPattern(_ text: String) -> Bool { text.utf8.contains { "*?[".utf8.contains($0) } }

    /// What every name that it matches begins with.
    public var prefix: String {
        var prefix = String.UnicodeScalarView()
        for case .scalar(let scalar) in pieces.prefix(while: { if case .scalar = $0 { true } else { false } }) {
            prefix.append(scalar)
        }
        return String(prefix)
    }

    /// Without recursion: on a mismatch the last `*` takes one more.
    public func matches(_ name: String) -> Bool {
        let scalars = Array(name.unicodeScalars)
        var (piece, position) = (0, 0)
        var star: (piece: Int, position: Int)?
        while position < scalars.count {
            if piece < pieces.count, pieces[piece] == .any {
                star = (piece, position)
                piece += 1
            } else if piece < pieces.count, pieces[piece].takes(scalars[position]) {
                piece += 1
                position += 1
            } else if let last = star {
                star = (last.piece, last.position + 1)
                (piece, position) = (last.piece + 1, last.position + 1)
            } else {
                return false
            }
        }
        return pieces[piece...].allSatisfy { $0 == .any }
    }

    /// What follows a `[`; `nil`, and nothing taken, when it is not closed.
    private static func set(_ rest: inout ArraySlice<Unicode.Scalar>) -> Piece? {
        var inside = rest
        let isNegated = inside.first == "!" || inside.first == "^"
        if isNegated { inside.removeFirst() }
        var ranges: [ClosedRange<UInt32>] = []
        while let low = inside.popFirst() {
            // A `]` that comes first is a member.
            if low == "]", !ranges.isEmpty {
                rest = inside
                return .set(ranges, isNegated: isNegated)
            }
            guard inside.first == "-", let high = inside.dropFirst().first, high != "]" else {
                ranges.append(low.value...low.value)
                continue
            }
            inside = inside.dropFirst(2)
            if low.value <= high.value { ranges.append(low.value...high.value) }
        }
        return nil
    }
}

/// A pattern for whole paths by git's rules for pathspecs: `*`, `?` and `[…]` match `/` too, and a dot that leads.
///
///     GlobPattern(Array("lib/*.py".utf8))?.matches(Array("lib/deep/model.py".utf8))   // true
///
/// It is about bytes, as git's is: `é` is two for `?`.
struct GlobPattern {
    private enum Part {
        case anything
        case anyByte
        case one(of: ByteSet)
    }

    private var parts: [Part] = []

    /// `nil` when a `[` is never closed or has a class that is unknown: git has such a pattern match nothing.
    init?(_ pattern: some Collection<UInt8>) {
        var rest = Array(pattern)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"):
                if case .anything = parts.last { continue }
                parts.append(.anything)
            case UInt8(ascii: "?"): parts.append(.anyByte)
            case UInt8(ascii: "["):
                guard let set = Self.brackets(&rest) else { return nil }
                parts.append(.one(of: set))
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { return nil }
                parts.append(.one(of: ByteSet(escaped)))
            default: parts.append(.one(of: ByteSet(byte)))
            }
        }
    }

    /// With several `*` the last one that was met takes as much as it must: no earlier one could do better.
    func matches(_ path: [UInt8]) -> Bool {
        var (part, byte) = (0, 0)
        var retry: (part: Int, byte: Int)?
        while true {
            if part < parts.count, case .anything = parts[part] {
                part += 1
                retry = (part, byte)
            } else if part < parts.count, byte < path.count, isMatch(parts[part], path[byte]) {
                part += 1
                byte += 1
            } else if part == parts.count, byte == path.count {
                return true
            } else {
                guard let last = retry, last.byte < path.count else { return false }
                retry = (last.part, last.byte + 1)
                (part, byte) = (last.part, last.byte + 1)
            }
        }
    }

    private func isMatch(_ part: Part, _ byte: UInt8) -> Bool {
        if case .one(let set) = part { set.contains(byte) } else { true }
    }

    // MARK: Brackets

    /// What follows `[`, up to its `]`, which stands for itself when it comes first.
    private static func brackets(_ rest: inout ArraySlice<UInt8>) -> ByteSet? {
        var set = ByteSet()
        let isNegated = rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^")
        if isNegated { rest.removeFirst() }
        var last: UInt8?
        var isFirst = true
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "]"), !isFirst { return isNegated ? set.inverted : set }
            isFirst = false
            if byte == UInt8(ascii: "-"), let start = last, let next = rest.first, next != UInt8(ascii: "]") {
                rest.removeFirst()
                guard let end = next == UInt8(ascii: "\\") ? rest.popFirst() : next else { return nil }
                if start <= end { set.insert(start...end) }
                last = nil
            } else if byte == UInt8(ascii: "["), rest.first == UInt8(ascii: ":") {
                switch namedClass(&rest) {
                case .found(let bytes):
                    set.formUnion(bytes)
                    last = nil
                case .none:
                    set.insert(byte)
                    last = byte
                case .unknown: return nil
                }
            } else {
                guard let literal = byte == UInt8(ascii: "\\") ? rest.popFirst() : byte else { return nil }
                set.insert(literal)
                last = literal
            }
        }
        return nil
    }

    private enum NamedClass {
        case found(ByteSet)
        /// No `:]` follows: it is a `[` like any other.
        case none
        case unknown
    }

    /// What follows the `[` of `[:alpha:]`.
    private static func namedClass(_ rest: inout ArraySlice<UInt8>) -> NamedClass {
        let body = rest.dropFirst()
        guard let end = body.firstIndex(of: UInt8(ascii: "]")) else { return .unknown }
        guard end > body.startIndex, body[end - 1] == UInt8(ascii: ":") else { return .none }
        guard let bytes = ByteSet(named: String(decoding: body[..<(end - 1)], as: UTF8.self)) else { return .unknown }
        rest = rest[(end + 1)...]
        return .found(bytes)
    }
}

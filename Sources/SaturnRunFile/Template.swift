internal import SaturnCore

/// A text with parameters in braces, read once and filled in for every task of a sweep:
///
///     let template = Template("train.py --lr {lr}", parameters: ["lr": 0], in: .shell)
///     template.filled([Variable("lr", "a b")])        // train.py --lr 'a b'
///
/// `{lr:raw}` is verbatim. A brace behind a `$` begins no parameter, nor does one that a shell's backslash escapes.
struct Template {
    /// How a value is written at a place.
    enum Use {
        case verbatim
        /// In a name, which cannot hold `/` and control characters.
        case name
        /// A word of a shell command, and parts of one in quotes and in a here-document.
        case word, doubleQuoted, singleQuoted, hereDocument
    }

    enum Place {
        case shell
        case plain(Use)
    }

    /// Something in braces that may be meant as a parameter.
    struct Placeholder {
        var name: String
        var isRaw: Bool
        /// Of the braces, in bytes.
        var range: Range<Int>
    }

    private enum Segment {
        case text(String)
        case parameter(Int, Use)
    }

    let text: String
    private var segments: [Segment] = []
    /// What looks like a parameter, and is none of the sweep.
    private(set) var unknown: [Placeholder] = []
    /// Parameters where a value cannot be quoted, and where that is.
    private(set) var unquotable: [(Placeholder, place: String)] = []
    /// The parameters that occur.
    private(set) var used: Set<Int> = []

    /// - Parameter parameters: Their numbers, by name.
    init(_ text: String, parameters: [String: Int], in place: Place) {
        self.text = text
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "{")) else { return }
        var quotes = ShellQuotes(bytes)
        var (index, done) = (0, 0)
        while index < bytes.count {
            if let found = Self.placeholder(at: index, in: bytes) {
                if let parameter = parameters[found.name] {
                    if done < index { segments.append(.text(String(decoding: bytes[done..<index], as: UTF8.self))) }
                    var use = quotes.use
                    if case .plain(let wanted) = place {
                        use = wanted
                    } else if !found.isRaw, let obstacle = quotes.obstacle {
                        unquotable.append((found, obstacle))
                    }
                    segments.append(.parameter(parameter, found.isRaw && use != .name ? .verbatim : use))
                    used.insert(parameter)
                    (index, done) = (found.range.upperBound, found.range.upperBound)
                    continue
                }
                unknown.append(found)
            }
            index = if case .shell = place { min(quotes.step(over: index), bytes.count) } else { index + 1 }
        }
        if !segments.isEmpty, done < bytes.count {
            segments.append(.text(String(decoding: bytes[done...], as: UTF8.self)))
        }
    }

    /// Whether it is the same for every task.
    var isConstant: Bool { segments.isEmpty }

    /// - Parameter parameters: In the order of their numbers.
    func filled(_ parameters: [Variable]) -> String {
        guard !isConstant else { return text }
        var filled = ""
        for segment in segments {
            switch segment {
            case .text(let text): filled += text
            case .parameter(let number, let use): filled += use.written(parameters[number].value)
            }
        }
        return filled
    }

    /// Adds `-name={name}` for each of these parameters.
    mutating func append(_ parameters: [(number: Int, name: String)]) {
        guard !parameters.isEmpty else { return }
        if segments.isEmpty, !text.isEmpty { segments = [.text(text)] }
        for parameter in parameters {
            segments.append(.text((segments.isEmpty ? "" : "-") + parameter.name + "="))
            segments.append(.parameter(parameter.number, .name))
        }
    }

    /// `{name}` or `{name:raw}`.
    private static func placeholder(at start: Int, in bytes: [UInt8]) -> Placeholder? {
        guard bytes[start] == UInt8(ascii: "{"), start == 0 || bytes[start - 1] != UInt8(ascii: "$") else { return nil }
        var end = start + 1
        while end < bytes.count, SweepReader.isNameByte(bytes[end]) { end += 1 }
        let name = String(decoding: bytes[start + 1..<end], as: UTF8.self)
        guard SweepReader.isName(name) else { return nil }
        let isRaw = bytes[end...].starts(with: ":raw".utf8)
        if isRaw { end += 4 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: "}") else { return nil }
        return Placeholder(name: name, isRaw: isRaw, range: start..<end + 1)
    }
}

extension Template.Use {
    func written(_ value: String) -> String {
        switch self {
        case .verbatim: value
        case .name: Self.name(value)
        case .word: ShellText.quoted(value)
        case .doubleQuoted: Self.escape(value, "\\\"$`")
        case .hereDocument: Self.escape(value, "\\$`")
        case .singleQuoted:
            value.utf8.contains(UInt8(ascii: "'")) ? value.replacing("'", with: "'\\''") : value
        }
    }

    private static func escape(_ value: String, _ special: String) -> String {
        guard value.utf8.contains(where: { special.utf8.contains($0) }) else { return value }
        var bytes: [UInt8] = []
        for byte in value.utf8 {
            if special.utf8.contains(byte) { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func name(_ value: String) -> String {
        // Most values are words and numbers.
        if value.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "/") }) { return value }
        var name = ""
        for scalar in value.unicodeScalars {
            let isOut = scalar == "/" || scalar.properties.generalCategory == .control
            name.unicodeScalars.append(isOut ? "_" : scalar)
        }
        return name
    }
}

/// Texts as scalars of YAML.
public enum YAMLScalar {
    /// As it stands where every reader takes it for that text and nothing else, in a list too; else in double quotes.
    ///
    /// For a run file, in which scalars are texts: `0.10` and `no` need no quotes.
    public static func text(_ value: String) -> String { isPlain(value) ? value : quoted(value) }

    private static func isPlain(_ value: String) -> Bool {
        guard value.lowercased() != "null" else { return false }
        let isSafe = value.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "._/+-=".utf8.contains(byte)
            }
        }
        // A dash alone, or three of them, mean something.
        return isSafe && !value.utf8.allSatisfy { "-.=".utf8.contains($0) }
    }

    public static func quoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\0"..."\u{1f}", "\u{7f}"..."\u{9f}": text += "\\x" + Hex.encode([UInt8(scalar.value)])
            // Line breaks to some readers of YAML, and what none takes.
            case "\u{2028}", "\u{2029}", "\u{feff}", "\u{fffe}", "\u{ffff}":
                text += "\\u" + Hex.encode([UInt8(scalar.value >> 8), UInt8(scalar.value & 0xFF)])
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}

/// Text that is safe to show on a terminal: control characters become visible escapes.
enum Printable {
    /// - Parameter keepsLines: leaves newlines and tabs as they are.
    static func text(_ text: String, keepsLines: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: { needsEscape($0, keepsLines) }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if needsEscape(scalar, keepsLines) {
                result += "\\x" + String(scalar.value, radix: 16).leftPadded(to: 2)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func needsEscape(_ scalar: Unicode.Scalar, _ keepsLines: Bool) -> Bool {
        if keepsLines, scalar == "\n" || scalar == "\t" { return false }
        return needsEscape(scalar)
    }

    /// Whether it does something to a terminal.
    static func needsEscape(_ scalar: Unicode.Scalar) -> Bool {
        // C0, DEL, C1, and the marks that turn the direction of text.
        return scalar.value < 32 || (127...159).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
            || (0x2066...0x2069).contains(scalar.value)
    }
}

extension String {
    func leftPadded(to width: Int, with pad: Character = "0") -> String {
        String(repeating: pad, count: max(0, width - count)) + self
    }

    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

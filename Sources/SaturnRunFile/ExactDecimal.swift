/// A decimal number as it is written: `0.10` is 10 hundredths, with two decimals, and nothing is rounded.
struct ExactDecimal: Hashable {
    /// The number times ten to the power of `decimals`.
    var digits: Int
    var decimals: Int

    init(digits: Int, decimals: Int) {
        self.digits = digits
        self.decimals = decimals
    }

    /// `nil` when `text` is no decimal number, or one of more digits than fit.
    init?(_ text: String) {
        guard let parts = NumberParts(text) else { return nil }
        var decimals = parts.fraction.utf8.count - parts.exponent
        guard decimals <= 18, var digits = Int(parts.sign + parts.whole + parts.fraction) else { return nil }
        while decimals < 0 {
            guard let shifted = digits.times(10) else { return nil }
            (digits, decimals) = (shifted, decimals + 1)
        }
        (self.digits, self.decimals) = (digits, decimals)
    }

    /// The digits of the same number with as many decimals, at least its own; `nil` when they do not fit.
    func digits(decimals wanted: Int) -> Int? {
        var result: Int? = digits
        for _ in decimals..<max(decimals, wanted) { result = result.flatMap { $0.times(10) } }
        return result
    }

    /// In plain notation, with all its decimals.
    var text: String {
        guard decimals > 0 else { return "\(digits)" }
        let text = String(digits.magnitude)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - text.utf8.count)) + text
        return (digits < 0 ? "-" : "") + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }
}

/// The parts of a number as it is written: `-1.5e3`. `Double` alone would take `inf`, `nan` and `0x1p3` too.
struct NumberParts {
    var sign = ""
    var whole = ""
    var fraction = ""
    var exponent = 0

    init?(_ text: String) {
        var rest = text[...]
        if rest.first == "-" || rest.first == "+" { sign = rest.removeFirst() == "-" ? "-" : "" }
        whole = Self.takeDigits(&rest)
        if rest.first == "." {
            rest.removeFirst()
            fraction = Self.takeDigits(&rest)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        if rest.first == "e" || rest.first == "E" {
            rest.removeFirst()
            guard let power = Int(rest), abs(power) < 1000 else { return nil }
            (exponent, rest) = (power, "")
        }
        guard rest.isEmpty else { return nil }
    }

    private static func takeDigits(_ rest: inout Substring) -> String {
        let digits = rest.prefix { $0.isASCII && $0.isWholeNumber }
        rest = rest[digits.endIndex...]
        return String(digits)
    }
}

extension Int {
    /// The product, or `nil` when it does not fit.
    func times(_ other: Int) -> Int? {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? nil : product
    }

    /// The sum, or `nil` when it does not fit.
    func plus(_ other: Int) -> Int? {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? nil : sum
    }

    /// `1,000,000`.
    var grouped: String {
        var text = ""
        for (index, digit) in String(magnitude).enumerated() {
            if index > 0, (String(magnitude).utf8.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return (self < 0 ? "-" : "") + text
    }
}

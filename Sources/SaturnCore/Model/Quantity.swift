/// Durations and sizes as people write them: `Quantity.seconds("5m")` is 300, `Quantity.bytes("4GB")` is 4,000,000,000.
///
/// A quantity is a decimal number without sign or exponent, then a unit, with at most one space between them.
public enum Quantity {
    /// Ten years, in seconds: the longest duration that makes sense for a run.
    public static let longestSeconds: Double = 3650 * 86_400

    /// The seconds of `90`, `90s`, `5m`, `2h`, `1d` or `1.5h`; `nil` when `text` is not such a duration.
    ///
    /// Zero is a duration; whether it is wanted is for the caller to say.
    public static func seconds(_ text: String) -> Double? {
        guard let (number, unit) = split(text), let value = Double(number) else { return nil }
        switch unit {
        case "", "s": return value
        case "m": return value * 60
        case "h": return value * 3600
        case "d": return value * 86_400
        default: return nil
        }
    }

    /// The bytes of `512MiB`, `4GB`, `100KB`, `1.5G` or `4096`; `nil` when `text` is not such a size, or one above 2⁶³.
    ///
    /// `KB` is 1000 bytes and `KiB` is 1024, in any case; the `B` can be left out.
    public static func bytes(_ text: String) -> Int? {
        guard let (number, unit) = split(text), let factor = factor(of: unit.lowercased()) else { return nil }
        if let whole = Int(number) {
            let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
            return overflow ? nil : product
        }
        guard let value = Double(number) else { return nil }
        return Int(exactly: (value * Double(factor)).rounded())
    }

    /// `4 GiB`, `4 GB`, `1500 kB`, `4097 bytes`: exact, in the largest unit that is.
    public static func text(_ bytes: Int) -> String {
        for power in (1...5).reversed() {
            let letter = ["k", "M", "G", "T", "P"][power - 1]
            let decimal = (0..<power).reduce(1) { product, _ in product * 1000 }
            for (unit, size) in [(letter.uppercased() + "iB", 1 << (10 * power)), (letter + "B", decimal)]
            where bytes >= size && bytes % size == 0 {
                return "\(bytes / size) \(unit)"
            }
        }
        return "\(bytes) bytes"
    }

    private static func factor(of unit: String) -> Int? {
        if unit.isEmpty || unit == "b" { return 1 }
        for (power, letter) in ["k", "m", "g", "t", "p"].enumerated() {
            switch unit {
            case letter, letter + "b": return (0...power).reduce(1) { product, _ in product * 1000 }
            case letter + "i", letter + "ib": return 1 << (10 * (power + 1))
            default: continue
            }
        }
        return nil
    }

    /// `1.5` and `h` of `1.5h`. `Double` alone would also take `1e9`, `inf` and `0x1p3`.
    private static func split(_ text: String) -> (number: Substring, unit: Substring)? {
        let isDigit = { (character: Character) in character >= "0" && character <= "9" && character.isASCII }
        var rest = text.drop(while: isDigit)
        guard rest.startIndex != text.startIndex else { return nil }
        if rest.first == "." {
            let fraction = rest.dropFirst()
            rest = fraction.drop(while: isDigit)
            guard rest.startIndex != fraction.startIndex else { return nil }
        }
        let number = text[..<rest.startIndex]
        if rest.first == " " {
            rest = rest.dropFirst()
            guard !rest.isEmpty else { return nil }
        }
        return (number, rest)
    }
}

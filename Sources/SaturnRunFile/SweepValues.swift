internal import Glibc
internal import SaturnCore

/// The values of a parameter: how many there are is known without making them.
enum SweepValues {
    case list([Marked<String>])
    case range(DecimalRange)
    case linear(LinearSpace)
    case geometric(GeometricSpace)
    /// A column of a file.
    case column(ValueTable, Int)

    var count: Int {
        switch self {
        case .list(let values): values.count
        case .range(let range): range.count
        case .linear(let space): space.count
        case .geometric(let space): space.count
        case .column(let table, _): table.count
        }
    }

    /// All of them, which the caller has found to be few enough.
    func texts() -> [String] {
        switch self {
        case .list(let values): values.map(\.value)
        case .range(let range): (0..<range.count).map { range[$0] }
        case .linear(let space): (0..<space.count).map { space[$0] }
        case .geometric(let space): (0..<space.count).map { space[$0] }
        case .column(let table, let column): table.columns[column]
        }
    }
}

/// `{range: [0.1, 0.5, 0.1]}`: both ends are among the values, as far as the steps meet the second.
struct DecimalRange {
    let count: Int
    private let first: Int
    private let step: Int
    /// Of `first` and `step`: as many as the more precise one is written with.
    private let decimals: Int
    /// Those of `start`: no value has fewer, and another step gives the same values the same texts.
    private let fewest: Int

    /// `nil` when the numbers do not fit; a step in the wrong direction gives a count of 0.
    ///
    /// - Parameter step: Not 0.
    init?(from start: ExactDecimal, to stop: ExactDecimal, by step: ExactDecimal) {
        let scale = max(start.decimals, step.decimals, stop.decimals)
        guard let first = start.digits(decimals: scale), let last = stop.digits(decimals: scale),
            let stride = step.digits(decimals: scale), stride != 0, let negative = first.times(-1),
            let span = last.plus(negative), span != Int.min, let count = (span / stride).plus(1)
        else { return nil }
        decimals = max(start.decimals, step.decimals)
        fewest = max(0, start.decimals)
        guard let first = start.digits(decimals: decimals), let stride = step.digits(decimals: decimals) else {
            return nil
        }
        (self.first, self.step) = (first, stride)
        self.count = (span < 0) == (stride < 0) || span == 0 ? count : 0
    }

    subscript(index: Int) -> String {
        var value = ExactDecimal(digits: first + index * step, decimals: decimals)
        while value.decimals > fewest, value.digits.isMultiple(of: 10) {
            value = ExactDecimal(digits: value.digits / 10, decimals: value.decimals - 1)
        }
        return value.text
    }
}

/// `{linspace: [0, 1, 5]}`: evenly spaced, both ends included.
struct LinearSpace {
    let count: Int
    private let first: Int
    private let last: Int
    private let scale: Double

    /// `nil` when the numbers do not fit.
    ///
    /// - Parameter count: At least 2.
    init?(from start: ExactDecimal, to stop: ExactDecimal, count: Int) {
        let decimals = max(start.decimals, stop.decimals)
        guard let first = start.digits(decimals: decimals), let last = stop.digits(decimals: decimals) else {
            return nil
        }
        (self.first, self.last, self.count) = (first, last, count)
        scale = pow(10, Double(decimals))
    }

    /// From whole numbers, so that what ought to be 0 is.
    subscript(index: Int) -> String {
        let steps = Int128(count - 1)
        let sum = Int128(first) * (steps - Int128(index)) + Int128(last) * Int128(index)
        return NumberText.rounded(Double(sum) / Double(steps) / scale)
    }
}

/// `{logspace: [0.0001, 0.1, 4]}`: each value is the one before times the same factor, both ends included.
struct GeometricSpace {
    let count: Int
    private let first: Double
    private let last: Double

    /// - Parameters:
    ///   - start: More than 0, like `stop`.
    ///   - count: At least 2.
    init(from start: Double, to stop: Double, count: Int) {
        (first, last) = (log10(start), log10(stop))
        self.count = count
    }

    subscript(index: Int) -> String {
        NumberText.rounded(pow(10, first + (last - first) * (Double(index) / Double(count - 1))))
    }
}

/// Computed numbers as a person would write them: `0.001`, `5`, `0.333333333333`.
enum NumberText {
    /// Twelve significant digits hide what binary arithmetic leaves behind the last one that matters.
    static func rounded(_ value: Double) -> String {
        guard value.isFinite, let parts = NumberParts(value.description) else { return value.description }
        var digits = (parts.whole + parts.fraction).utf8.map { $0 - 48 }
        // The number is 0.d₁d₂d₃… times ten to this power.
        var power = parts.whole.utf8.count + parts.exponent
        let zeros = digits.prefix { $0 == 0 }.count
        digits.removeFirst(zeros)
        power -= zeros
        round(&digits, &power)
        while digits.last == 0 { digits.removeLast() }
        guard !digits.isEmpty else { return "0" }
        return parts.sign + text(digits.map { "\($0)" }.joined(), power)
    }

    private static func round(_ digits: inout [UInt8], _ power: inout Int) {
        let kept = 12
        guard digits.count > kept else { return }
        let roundsUp = digits[kept] >= 5
        digits.removeLast(digits.count - kept)
        guard roundsUp else { return }
        var index = kept - 1
        while index >= 0, digits[index] == 9 {
            digits[index] = 0
            index -= 1
        }
        if index >= 0 {
            digits[index] += 1
        } else {
            digits.insert(1, at: 0)
            power += 1
        }
    }

    private static func text(_ digits: String, _ power: Int) -> String {
        let count = digits.utf8.count
        switch power {
        case -6...0: return "0." + String(repeating: "0", count: -power) + digits
        case 1...15 where count <= power: return digits + String(repeating: "0", count: power - count)
        case 1...15: return "\(digits.prefix(power)).\(digits.dropFirst(power))"
        default: return "\(digits.prefix(1))" + (count > 1 ? ".\(digits.dropFirst())" : "") + "e\(power - 1)"
        }
    }
}

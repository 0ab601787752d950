/// A wall-clock time: microseconds since 1970-01-01 UTC, written `2022-09-11T20:31:59.555695+00:00`.
public struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var microseconds: Int64

    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Reads what `description` writes.
    public init?(_ text: some StringProtocol) {
        let parts = text.utf8.split { !(48...57).contains($0) }.map { Int64(String(decoding: $0, as: UTF8.self)) ?? 0 }
        guard parts.count == 9, text.hasSuffix("+00:00"), (1...12).contains(parts[1]), (1...31).contains(parts[2])
        else {
            return nil
        }
        let seconds = (Self.days(parts[0], parts[1], parts[2]) * 24 + parts[3]) * 3600 + parts[4] * 60 + parts[5]
        self.init(microseconds: seconds * 1_000_000 + parts[6])
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    public var description: String {
        let day = Int64(86_400_000_000)
        let days = microseconds >= 0 ? microseconds / day : (microseconds - day + 1) / day
        let within = microseconds - days * day
        let (year, month, date) = Self.civil(days)
        let seconds = within / 1_000_000
        var text = Array("0000-00-00T00:00:00.000000+00:00".utf8)
        let numbers = [
            (month, 6), (date, 9), (seconds / 3600, 12), (seconds / 60 % 60, 15), (seconds % 60, 18),
            (within % 1_000_000, 25),
        ]
        for (number, end) in numbers { Self.write(number, in: &text, upTo: end) }
        guard (0...9999).contains(year) else { return "\(year)" + String(decoding: text[4...], as: UTF8.self) }
        Self.write(year, in: &text, upTo: 3)
        return String(decoding: text, as: UTF8.self)
    }

    /// Its digits, over zeros; the last one at `end`.
    private static func write(_ number: Int64, in text: inout [UInt8], upTo end: Int) {
        var (rest, position) = (number, end)
        while rest > 0 {
            text[position] += UInt8(rest % 10)
            rest /= 10
            position -= 1
        }
    }

    /// Year, month and day of a count of days since 1970-01-01, in the proleptic Gregorian calendar.
    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        // Eras of 400 years that begin on 1 March, so that the leap day is the last of its year.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// The inverse of ``civil(_:)``.
    private static func days(_ year: Int64, _ month: Int64, _ date: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + date - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

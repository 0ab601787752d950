import SaturnCore

/// Times as servers write them, in seconds since 1970.
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Sun, 11 Sep 2022 20:31:59 GMT`
    static func seconds(_ text: String?) -> Int64? {
        guard let parts = text?.split(separator: " "), parts.count >= 5,
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        let day = parts[1].count == 1 ? "0\(parts[1])" : "\(parts[1])"
        return iso("\(parts[3])-\(number)-\(day)T\(parts[4])Z")
    }

    /// `2022-09-11T20:31:59.000Z`
    static func iso(_ text: String) -> Int64? {
        // A number of too many digits would overflow.
        let shape = text.utf8.prefix(19).map { (48...57).contains($0) ? UInt8(ascii: "0") : $0 }
        guard shape == Array("0000-00-00T00:00:00".utf8) else { return nil }
        return Timestamp("\(text.prefix(19)).000000+00:00").map { $0.microseconds / 1_000_000 }
    }
}

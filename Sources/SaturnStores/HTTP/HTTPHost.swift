/// What a URL says of the server, as in `Host`: `s3.example.org`, `127.0.0.1:9000`, `[::1]:80`.
struct HTTPHost: Hashable, Sendable {
    /// An address of IPv6 with its brackets.
    let name: String
    let port: UInt16?

    /// `nil` when it is none, also with a user's name before it.
    init?(_ text: String) {
        let bytes = text.utf8
        // The colons of an address of IPv6 are in brackets.
        let bracket = bytes.first == UInt8(ascii: "[") ? bytes.firstIndex(of: UInt8(ascii: "]")) : bytes.startIndex
        guard let bracket, !bytes.contains(UInt8(ascii: "@")) else { return nil }
        let colon = bytes[bracket...].firstIndex(of: UInt8(ascii: ":"))
        name = String(text[..<(colon ?? bytes.endIndex)])
        guard !name.isEmpty else { return nil }
        guard let colon else {
            port = nil
            return
        }
        let digits = text[bytes.index(after: colon)...]
        guard let number = UInt16(digits), number > 0, digits.utf8.first != UInt8(ascii: "+") else { return nil }
        port = number
    }
}

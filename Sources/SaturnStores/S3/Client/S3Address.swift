/// Where results are, as the ledger names it: `s3://bucket/prefix`, with `?endpoint=URL&region=NAME` where the run file says
/// so.
struct S3Address: Hashable, Sendable {
    var bucket: String
    /// Empty, or with a slash at the end.
    var prefix: String
    var endpoint: String?
    var region: String?

    /// As people write it: every character of the path stands for itself. `nil` when it is no address of a bucket.
    init?(url: String) {
        guard url.hasPrefix("s3://") else { return nil }
        let place = url.dropFirst(5)
        let slash = place.firstIndex(of: "/") ?? place.endIndex
        bucket = String(place[..<slash])
        let path = place[slash...].split(separator: "/").joined(separator: "/")
        prefix = path.isEmpty ? "" : path + "/"
        guard (3...63).contains(bucket.utf8.count), bucket.utf8.allSatisfy(Self.isInName) else { return nil }
    }

    /// As the ledger has it, see ``text``.
    init?(location: String) {
        let parts = location.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let place = parts[0].replacing("%3F", with: "?").replacing("%25", with: "%")
        self.init(url: String(place))
        for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let value = pair.firstIndex(of: "=").map { String(pair[pair.index(after: $0)...]) }
            if pair.hasPrefix("endpoint=") { endpoint = value }
            if pair.hasPrefix("region=") { region = value }
        }
    }

    private static func isInName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }

    var text: String {
        let settings = [endpoint.map { "endpoint=\($0)" }, region.map { "region=\($0)" }].compactMap(\.self)
        let path = prefix.isEmpty ? "" : "/" + prefix.dropLast().replacing("%", with: "%25").replacing("?", with: "%3F")
        return "s3://\(bucket)\(path)" + (settings.isEmpty ? "" : "?" + settings.joined(separator: "&"))
    }
}

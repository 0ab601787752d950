/// Where results are, as the ledger names it: `s3://bucket/prefix`, with `?endpoint=URL&region=NAME` where the run file says
/// so.
struct S3Address: Hashable, Sendable {
    var bucket: String
    /// Empty, or with a slash at the end.
    var prefix: String
    var endpoint: String?
    var region: String?

    /// `nil` when it is no address of a bucket.
    init?(_ text: String) {
        guard text.hasPrefix("s3://") else { return nil }
        let parts = text.dropFirst(5).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let place = parts.first else { return nil }
        let slash = place.firstIndex(of: "/") ?? place.endIndex
        bucket = String(place[..<slash])
        let path = place[slash...].split(separator: "/").joined(separator: "/")
        prefix = path.isEmpty ? "" : path + "/"
        for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let value = pair.firstIndex(of: "=").map { String(pair[pair.index(after: $0)...]) }
            if pair.hasPrefix("endpoint=") { endpoint = value }
            if pair.hasPrefix("region=") { region = value }
        }
        guard (3...63).contains(bucket.utf8.count), bucket.utf8.allSatisfy(Self.isInName) else { return nil }
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
        let path = prefix.isEmpty ? "" : "/" + prefix.dropLast()
        return "s3://\(bucket)\(path)" + (settings.isEmpty ? "" : "?" + settings.joined(separator: "&"))
    }
}

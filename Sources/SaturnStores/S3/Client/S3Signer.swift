import Crypto
import SaturnCore

/// Signs requests with AWS Signature Version 4, as the documentation of S3 and its published test vectors have it.
struct S3Signer: Sendable {
    var credentials: S3Credentials
    var region: String
    var service = "s3"

    /// A request as it is signed: parts that are not encoded yet, but for the path.
    struct Request: Sendable {
        var method: String
        var host: String
        /// Encoded once, with a slash in front.
        var path: String
        var query: [(name: String, value: String)] = []
        /// Beside `host`; all of them are signed.
        var headers: [(name: String, value: String)] = []
        /// SHA-256 of the body in hexadecimal, or `UNSIGNED-PAYLOAD`.
        var payload: String
    }

    static let emptyPayload = SaturnCore.Digest(of: []).description

    /// The headers to send, with `host` left out.
    ///
    /// - Parameter time: of the request: servers take it when it is within 15 minutes of theirs.
    func sign(_ request: Request, at time: Timestamp, withPayloadHeader: Bool = true) -> [(name: String, value: String)]
    {
        let stamp = Self.stamp(time)
        var headers = request.headers + [("x-amz-date", stamp)]
        if withPayloadHeader { headers.append(("x-amz-content-sha256", request.payload)) }
        if let token = credentials.sessionToken { headers.append(("x-amz-security-token", token)) }
        let (names, canonical) = Self.canonical(request, headers)
        let scope = "\(stamp.prefix(8))/\(region)/\(service)/aws4_request"
        let text = "AWS4-HMAC-SHA256\n\(stamp)\n\(scope)\n\(SaturnCore.Digest(of: canonical.utf8))"
        let signature = Hex.encode(Array(Self.mac(key(String(stamp.prefix(8))), text)))
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), SignedHeaders=\(names), Signature=\(signature)"
        return headers + [("Authorization", authorization)]
    }

    /// `20220911T203159Z`
    static func stamp(_ time: Timestamp) -> String {
        time.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }

    static func canonical(
        _ request: Request, _ headers: [(name: String, value: String)]
    ) -> (names: String, text: String) {
        let lowered = (headers + [("host", request.host)]).map { ($0.name.lowercased(), trimmed($0.value)) }
        let sorted = lowered.sorted { $0.0 < $1.0 }
        let names = sorted.map(\.0).joined(separator: ";")
        let lines = sorted.map { "\($0.0):\($0.1)\n" }.joined()
        let text =
            "\(request.method)\n\(request.path)\n\(query(request.query))\n\(lines)\n\(names)\n\(request.payload)"
        return (names, text)
    }

    /// Encoded and sorted, the same for the URL and for the signature.
    static func query(_ query: [(name: String, value: String)]) -> String {
        query.map { (S3Encoding.encode($0.name), S3Encoding.encode($0.value)) }
            .sorted { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0 < $1.0 }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    /// Without space around it, and with single spaces in it.
    private static func trimmed(_ value: String) -> String {
        value.split(separator: " ").joined(separator: " ")
    }

    private func key(_ day: String) -> SymmetricKey {
        var key = SymmetricKey(data: Array("AWS4\(credentials.secretKey)".utf8))
        for part in [day, region, service, "aws4_request"] { key = SymmetricKey(data: Array(Self.mac(key, part))) }
        return key
    }

    private static func mac(_ key: SymmetricKey, _ text: String) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
    }
}

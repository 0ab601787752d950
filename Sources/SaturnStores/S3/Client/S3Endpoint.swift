import SaturnCore

/// Where a bucket is reached.
struct S3Endpoint: Hashable, Sendable {
    var bucket: String
    var region: String
    /// `http` or `https`.
    private var scheme = "https"
    /// With its port where that is not the scheme's.
    var host: String
    /// Before each key, encoded, with slashes around it.
    private var path = "/"

    /// - Parameter endpoint: another server than AWS's: its buckets are folders of the path. So are those of AWS whose
    ///   names have dots, for which no certificate is good.
    init(bucket: String, region: String, endpoint: String?) throws {
        self.bucket = bucket
        self.region = region
        if let endpoint {
            let parts = endpoint.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
            guard parts.count >= 2, ["http:", "https:"].contains(parts[0]), HTTPHost(parts[1]) != nil else {
                throw Failure(
                    .usage, "the endpoint '\(endpoint)' is no address of a server",
                    hint: "endpoint_url: \"https://s3.example.org\"")
            }
            scheme = String(parts[0].dropLast())
            host = Self.withoutUsualPort(parts[1], scheme)
            path = "/" + (parts.dropFirst(2) + [bucket]).joined(separator: "/") + "/"
        } else if bucket.contains(".") {
            host = "s3.\(region).amazonaws.com"
            path = "/\(bucket)/"
        } else {
            host = "\(bucket).s3.\(region).amazonaws.com"
        }
    }

    /// As libcurl sends it in `Host`, which is signed.
    private static func withoutUsualPort(_ host: String, _ scheme: String) -> String {
        let usual = scheme == "http" ? ":80" : ":443"
        return host.hasSuffix(usual) ? String(host.dropLast(usual.count)) : host
    }

    /// The encoded path of a key; the bucket's own of an empty one.
    func path(of key: String) -> String {
        let encoded = S3Encoding.encode(key, keepsSlashes: true)
        return key.isEmpty && path != "/" ? String(path.dropLast()) : path + encoded
    }

    func url(_ path: String, _ query: String) -> String {
        "\(scheme)://\(host)\(path)" + (query.isEmpty ? "" : "?\(query)")
    }
}

import SaturnCore

/// What a server answered instead of doing what it was asked to.
struct S3Problem: Error {
    var status: Int
    /// S3's own word, as `NoSuchBucket`; empty where there is none.
    var code: String
    var message: String
    /// Of the bucket, where the server names it.
    var region: String?
    var retryAfter: Double?

    init(_ response: HTTPResponse) {
        let xml = S3XML(response.body)
        status = response.status
        code = xml.first("Code") ?? ""
        message = xml.first("Message") ?? ""
        region = response.headers["x-amz-bucket-region"] ?? xml.first("Region")
        retryAfter = response.headers["retry-after"].flatMap { Double($0) }
    }

    var isPassing: Bool {
        [429, 500, 502, 503, 504].contains(status)
            || ["SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable"].contains(code)
    }

    var isExpired: Bool { ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"].contains(code) }

    /// For people: a sentence and what to do.
    func failure(_ what: String, _ endpoint: S3Endpoint) -> Failure {
        let server = "the server at \(endpoint.host)"
        switch code {
        case "SignatureDoesNotMatch":
            return Failure(
                .engine, "cannot \(what): \(server) refuses the signature: the secret key is wrong",
                hint: "check AWS_SECRET_ACCESS_KEY, or the profile's aws_secret_access_key; and the region")
        case "InvalidAccessKeyId", "InvalidToken":
            return Failure(
                .engine, "cannot \(what): \(server) does not know the access key",
                hint: "check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, or AWS_PROFILE")
        case "NoSuchBucket":
            return Failure(
                .engine, "cannot \(what): there is no bucket '\(endpoint.bucket)' at \(endpoint.host)",
                hint: "make it, or check s3_url and endpoint_url")
        case "RequestTimeTooSkewed":
            return Failure(
                .engine, "cannot \(what): the clock of this machine is not the one of \(endpoint.host)",
                hint: "set the clock")
        default: break
        }
        if isExpired {
            return Failure(
                .engine, "cannot \(what): \(server) says that the credentials have expired", hint: "get new ones")
        }
        if let region, region != endpoint.region, status == 301 || status == 400 {
            return Failure(
                .engine, "cannot \(what): the bucket '\(endpoint.bucket)' is in the region \(region)",
                hint: "region: \(region)")
        }
        let words = [code, message].filter { !$0.isEmpty }.joined(separator: ": ")
        if status == 403 {
            return Failure(
                .engine, "cannot \(what): \(server) does not allow it" + (words.isEmpty ? "" : " (\(words))"),
                hint: "the key needs GetObject, PutObject, DeleteObject and ListBucket for '\(endpoint.bucket)'")
        }
        return Failure(.engine, "cannot \(what): \(server) answers \(status)" + (words.isEmpty ? "" : " (\(words))"))
    }
}

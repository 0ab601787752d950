import SaturnCore

/// A token in a file, as a cluster gives it to its pods, exchanged for credentials of a role.
struct WebIdentity: Sendable {
    private let file: String
    private let role: String
    private let session: String
    let url: String

    /// `nil` where neither the environment nor the profile names one.
    init?(_ environment: [String: String], _ profile: Profile) throws {
        guard let file = environment["AWS_WEB_IDENTITY_TOKEN_FILE"] ?? profile["web_identity_token_file"] else {
            return nil
        }
        guard let role = environment["AWS_ROLE_ARN"] ?? profile["role_arn"] else {
            throw Failure(.engine, "there is a web identity for S3, and no AWS_ROLE_ARN")
        }
        (self.file, self.role) = (file, role)
        session = environment["AWS_ROLE_SESSION_NAME"] ?? profile["role_session_name"] ?? "saturn"
        let region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? profile["region"]
        let isIgnored = environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() == "true"
        let own = isIgnored ? nil : environment["AWS_ENDPOINT_URL_STS"] ?? environment["AWS_ENDPOINT_URL"]
        let end = region?.hasPrefix("cn-") == true ? "amazonaws.com.cn" : "amazonaws.com"
        url = own ?? "https://sts.\(region.map { "\($0)." } ?? "")\(end)"
    }

    func credentials(_ transport: any HTTPTransport) throws -> S3Credentials {
        let bytes: [UInt8]?
        do { bytes = try Files.read(file, limit: 1 << 16, followsLinks: true) } catch let error as FileProblem {
            throw Failure(.engine, "cannot read the web identity in \(file): \(error.text)")
        }
        let token = String(decoding: bytes ?? [], as: UTF8.self).filter { !$0.isWhitespace }
        guard !token.isEmpty else { throw Failure(.engine, "there is no web identity in \(file)") }
        let query = [
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", session), ("WebIdentityToken", token),
        ]
        let body = query.map { "\($0)=\(S3Encoding.encode($1))" }.joined(separator: "&")
        let request = HTTPRequest(
            method: "POST", url: url, headers: [("content-type", "application/x-www-form-urlencoded")],
            body: .bytes(Array(body.utf8)), timeout: 30)
        let response: HTTPResponse
        do { response = try transport.perform(request, into: .memory(limit: 1 << 20)) } catch {
            throw Failure(.engine, "cannot exchange the web identity at \(url): \(error.text)")
        }
        let xml = S3XML(response.body)
        guard response.status == 200, let key = xml.first("AccessKeyId"), let secret = xml.first("SecretAccessKey"),
            !key.isEmpty, !secret.isEmpty
        else {
            let words = xml.first("Message") ?? "\(response.status)"
            throw Failure(.engine, "cannot exchange the web identity at \(url) for \(role): \(words)")
        }
        return S3Credentials(
            accessKey: key, secretKey: secret, sessionToken: xml.first("SessionToken"),
            expires: xml.first("Expiration").flatMap { S3Credentials.time($0) })
    }
}

import SaturnCore

/// Credentials that the machine itself gives: a container's (ECS, EKS) and an instance's (EC2, version 2 only).
struct MetadataService: Sendable {
    private let environment: [String: String]
    private let transport: any HTTPTransport

    init(_ environment: [String: String], _ transport: any HTTPTransport) {
        self.environment = environment
        self.transport = transport
    }

    /// `nil` where there is no such service.
    func credentials() throws -> S3Credentials? { try ofContainer() ?? ofInstance() }

    private func ofContainer() throws -> S3Credentials? {
        var url = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            guard path.hasPrefix("/") else {
                throw Failure(
                    .engine, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path: it does not begin with '/'")
            }
            url = "http://169.254.170.2\(path)"
        }
        guard let url else { return nil }
        guard Self.isTrusted(url) else {
            throw Failure(.engine, "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor this machine's")
        }
        var headers: [(name: String, value: String)] = []
        if let token = try token() { headers.append(("Authorization", token)) }
        let answer = try? get(url, headers, timeout: 5)
        guard let answer, answer.status == 200, let found = JSONText(answer.body).flatMap({ S3Credentials($0) }) else {
            let words =
                answer.map { $0.status == 200 ? "answers without an access key" : "answers \($0.status)" }
                ?? "does not answer"
            throw Failure(.engine, "the container's credentials cannot be had: \(url) \(words)")
        }
        return found
    }

    private func token() throws -> String? {
        guard let file = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] else {
            return environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"].map { Self.line($0.utf8) }
        }
        let bytes = (try? Files.read(file, limit: 1 << 16, followsLinks: true)) ?? nil
        guard let bytes else { throw Failure(.engine, "cannot read \(file)") }
        return Self.line(bytes)
    }

    /// A header's value, which ends where its line does.
    private static func line(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self).filter { !$0.isNewline }
    }

    /// A token must not go to whoever was put into the variable.
    private static func isTrusted(_ url: String) -> Bool {
        if url.hasPrefix("https://") { return true }
        guard url.hasPrefix("http://") else { return false }
        guard let name = HTTPHost(String(url.dropFirst(7).prefix { !"/?#".contains($0) }))?.name else { return false }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return ["localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"].contains(name)
            || parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil && $0.allSatisfy(isDigit) }
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

    private func ofInstance() throws -> S3Credentials? {
        guard environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else { return nil }
        let base = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254"
        let root = base.hasSuffix("/") ? String(base.dropLast()) : base
        let ask = HTTPRequest(
            method: "PUT", url: root + "/latest/api/token",
            headers: [("X-aws-ec2-metadata-token-ttl-seconds", "21600")], body: .bytes([]), timeout: 1, usesProxy: false
        )
        // Most machines are no such instance: nobody answers there.
        guard let token = try? transport.perform(ask, into: .memory(limit: 4096)), token.status == 200 else {
            return nil
        }
        let header = [(name: "X-aws-ec2-metadata-token", value: Self.line(token.body))]
        let roles = root + "/latest/meta-data/iam/security-credentials/"
        guard let list = try? get(roles, header, timeout: 2), list.status == 200,
            let role = String(decoding: list.body, as: UTF8.self).split(whereSeparator: \.isNewline).first
        else { return nil }
        let answer = try? get(roles + role, header, timeout: 2)
        guard let answer, answer.status == 200, let found = JSONText(answer.body).flatMap({ S3Credentials($0) }) else {
            throw Failure(.engine, "the instance's role \(role) gives no credentials")
        }
        return found
    }

    private func get(
        _ url: String, _ headers: [(name: String, value: String)], timeout: Int
    ) throws -> HTTPResponse {
        let request = HTTPRequest(method: "GET", url: url, headers: headers, timeout: timeout, usesProxy: false)
        return try transport.perform(request, into: .memory(limit: 1 << 20))
    }
}

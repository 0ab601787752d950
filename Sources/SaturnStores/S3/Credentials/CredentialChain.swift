import SaturnCore
import Synchronization

/// Finds credentials where AWS's own tools do, in their order, and renews those that expire.
///
/// Environment; profile; the profile's `credential_process` (which covers SSO and assumed roles); web identity; a
/// container's; an instance's.
final class CredentialChain: S3CredentialSource {
    private let environment: [String: String]
    private let transport: any HTTPTransport
    private let now: @Sendable () -> Timestamp
    private let known = Mutex<S3Credentials?>(nil)
    /// Credentials are fetched by one caller, while others wait.
    private let fetching = Mutex(())
    /// In seconds: so long before they expire new ones are fetched.
    private static let margin: Int64 = 300

    init(
        _ environment: [String: String], transport: any HTTPTransport,
        now: @escaping @Sendable () -> Timestamp = { S3Results.wallClock() }
    ) {
        self.environment = environment
        self.transport = transport
        self.now = now
    }

    func credentials() throws -> S3Credentials {
        if let fresh = cached(margin: Self.margin) { return fresh }
        return try fetching.withLock { _ in
            if let fresh = cached(margin: Self.margin) { return fresh }
            do {
                let found = try find()
                known.withLock { $0 = found }
                return found
            } catch {
                // While the old ones are good there is another try.
                guard let old = cached(margin: 0) else { throw error }
                return old
            }
        }
    }

    private func cached(margin: Int64) -> S3Credentials? {
        known.withLock { known in
            guard let found = known else { return nil }
            guard let expires = found.expires else { return found }
            return expires.microseconds - now().microseconds > margin * 1_000_000 ? found : nil
        }
    }

    func refuse(_ credentials: S3Credentials) { known.withLock { if $0 == credentials { $0 = nil } } }

    private func find() throws -> S3Credentials {
        if let found = try fromEnvironment() { return found }
        let profile = try Profile(environment)
        if let found = try fromKeys(of: profile) { return found }
        if let command = profile["credential_process"] {
            return try CredentialProcess(command: command, profile: profile.name).run(environment)
        }
        if let found = try WebIdentity(environment, profile).map({ try $0.credentials(transport) }) { return found }
        if let found = try MetadataService(environment, transport).credentials() { return found }
        let isIndirect = ["sso_session", "sso_start_url", "source_profile", "role_arn"].contains { profile[$0] != nil }
        let hint =
            isIndirect
            ? "in the profile: credential_process = aws configure export-credentials --format process --profile OTHER"
            : "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        throw Failure(
            .engine,
            "no credentials for S3 were found: not in the environment, the profile '\(profile.name)', "
                + "a web identity, a container or an instance", hint: hint)
    }

    private func fromEnvironment() throws -> S3Credentials? {
        let value = { (name: String) in self.environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        switch (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
        case (nil, nil): return nil
        case (let key?, let secret?):
            return S3Credentials(
                accessKey: key, secretKey: secret, sessionToken: value("AWS_SESSION_TOKEN"), expires: nil)
        case (let key, _):
            let missing = key == nil ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"
            throw Failure(.engine, "credentials for S3 are incomplete: \(missing) is not set")
        }
    }

    private func fromKeys(of profile: Profile) throws -> S3Credentials? {
        switch (profile["aws_access_key_id"], profile["aws_secret_access_key"]) {
        case (nil, nil): return nil
        case (let key?, let secret?):
            return S3Credentials(
                accessKey: key, secretKey: secret, sessionToken: profile["aws_session_token"], expires: nil)
        default:
            throw Failure(.engine, "the profile '\(profile.name)' has only one of its two keys")
        }
    }
}

extension S3Credentials {
    /// What a process, a container or an instance answers; the names of the token differ.
    init?(_ json: JSONText) {
        guard let key = json["AccessKeyId"], let secret = json["SecretAccessKey"], !key.isEmpty, !secret.isEmpty else {
            return nil
        }
        let token = json["SessionToken"] ?? json["Token"]
        self.init(
            accessKey: key, secretKey: secret, sessionToken: token.flatMap { $0.isEmpty ? nil : $0 },
            expires: json["Expiration"].flatMap { Self.time($0) })
    }

    /// `2026-11-24T10:00:00Z`, also with a fraction or an offset.
    static func time(_ text: String) -> Timestamp? {
        guard let seconds = HTTPDate.iso(text) else { return nil }
        var offset: Int64 = 0
        let zone = text.dropFirst(19).drop { $0 == "." || $0.isNumber }
        if let sign = zone.first, sign == "+" || sign == "-" {
            let numbers = zone.dropFirst().split(separator: ":").compactMap { Int64($0) }
            guard numbers.count == 2 else { return nil }
            offset = (numbers[0] * 3600 + numbers[1] * 60) * (sign == "+" ? 1 : -1)
        }
        return Timestamp(microseconds: (seconds - offset) * 1_000_000)
    }
}

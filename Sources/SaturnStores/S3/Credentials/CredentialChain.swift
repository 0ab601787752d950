import SaturnCore
import Synchronization

/// Finds credentials where AWS's own tools do, in their order, and renews those that expire.
///
/// Environment; profile; the profile's `credential_process` (which covers SSO and assumed roles); web identity; a
/// container's; an instance's.
final class CredentialChain: S3CredentialSource {
    private struct Known {
        var credentials: S3Credentials
        /// Until then they are used without asking for others, as long as they are good.
        var settled: Timestamp
    }

    private let environment: [String: String]
    private let transport: any HTTPTransport
    private let now: @Sendable () -> Timestamp
    private let known = Mutex<Known?>(nil)
    /// Credentials are fetched by one caller, while others wait.
    private let fetching = Mutex(())
    /// In seconds: so long before they expire new ones are fetched.
    private static let margin: Int64 = 300
    /// In seconds: whoever gives none, or such as are good for less than the margin, is not asked for each request.
    private static let pause: Int64 = 60

    init(
        _ environment: [String: String], transport: any HTTPTransport,
        now: @escaping @Sendable () -> Timestamp = { S3Results.wallClock() }
    ) {
        self.environment = environment
        self.transport = transport
        self.now = now
    }

    func credentials() throws -> S3Credentials {
        if let fresh = cached() { return fresh }
        return try fetching.withLock { _ in
            if let fresh = cached() { return fresh }
            do {
                let found = try find()
                known.withLock { $0 = Known(credentials: found, settled: settled) }
                return found
            } catch {
                // While the old ones are good there is another try, later.
                known.withLock { $0?.settled = settled }
                guard let old = cached() else { throw error }
                return old
            }
        }
    }

    private var settled: Timestamp { Timestamp(microseconds: now().microseconds + Self.pause * 1_000_000) }

    private func cached() -> S3Credentials? {
        known.withLock { known in
            guard let known else { return nil }
            guard let expires = known.credentials.expires else { return known.credentials }
            let now = now()
            let left = expires.microseconds - now.microseconds
            return left > Self.margin * 1_000_000 || left > 0 && now < known.settled ? known.credentials : nil
        }
    }

    func refuse(_ credentials: S3Credentials) { known.withLock { if $0?.credentials == credentials { $0 = nil } } }

    private func find() throws -> S3Credentials {
        let environment = Self.set(environment)
        if let found = try Self.keys(in: environment) { return found }
        let profile = try Profile(environment)
        if let found = try fromKeys(of: profile) { return found }
        if let command = profile["credential_process"] {
            return try CredentialProcess(command: command, profile: profile.name).run(self.environment)
        }
        if let found = try WebIdentity(environment, profile).map({ try $0.credentials(transport) }) { return found }
        // The machine's own would be another identity than the one that the profile is for.
        if let name = ["sso_session", "sso_start_url", "source_profile", "role_arn"].first(where: { profile[$0] != nil }
        ) {
            throw Failure(
                .engine,
                "no credentials for S3 were found: the profile '\(profile.name)' has '\(name)', "
                    + "which only AWS's own tools can use",
                hint: "in the profile: credential_process = "
                    + "aws configure export-credentials --format process --profile OTHER")
        }
        if let found = try MetadataService(environment, transport).credentials() { return found }
        throw Failure(
            .engine,
            "no credentials for S3 were found: not in the environment, the profile '\(profile.name)', "
                + "a web identity, a container or an instance",
            hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
    }

    /// A variable that is empty is none, for AWS's own tools too.
    static func set(_ environment: [String: String]) -> [String: String] { environment.filter { !$0.value.isEmpty } }

    private static func keys(in environment: [String: String]) throws -> S3Credentials? {
        switch (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]) {
        case (nil, nil): return nil
        case (let key?, let secret?):
            return S3Credentials(
                accessKey: key, secretKey: secret, sessionToken: environment["AWS_SESSION_TOKEN"], expires: nil)
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
        guard let key = json.text("AccessKeyId"), let secret = json.text("SecretAccessKey"), !key.isEmpty,
            !secret.isEmpty
        else { return nil }
        let token = json.text("SessionToken") ?? json.text("Token")
        self.init(
            accessKey: key, secretKey: secret, sessionToken: token.flatMap { $0.isEmpty ? nil : $0 },
            expires: json["Expiration"].flatMap { Self.time($0) })
    }

    /// `2026-11-24T10:00:00Z`, also with a fraction or an offset: `+02:00`, `+0200` or `+02`.
    static func time(_ text: String) -> Timestamp? {
        guard let seconds = HTTPDate.iso(text) else { return nil }
        var offset: Int64 = 0
        let zone = text.dropFirst(19).drop { $0 == "." || $0.isNumber }
        if let sign = zone.first, sign == "+" || sign == "-" {
            let digits = zone.dropFirst().filter { $0 != ":" }
            guard digits.count == 2 || digits.count == 4, !digits.contains("-"), let hours = Int64(digits.prefix(2)),
                let minutes = Int64("0" + digits.dropFirst(2))
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (sign == "+" ? 1 : -1)
        }
        return Timestamp(microseconds: (seconds - offset) * 1_000_000)
    }
}

import SaturnCore

struct S3Credentials: Hashable, Sendable {
    var accessKey: String
    var secretKey: String
    var sessionToken: String? = nil
    /// `nil` when they do not expire.
    var expires: Timestamp? = nil
}

/// Where credentials come from; they are renewed before they expire.
protocol S3CredentialSource: Sendable {
    /// Throws a ``Failure`` that says where was looked. Waits for whatever gives them.
    func credentials() throws -> S3Credentials
    /// A server has refused them as expired: the next are to be new ones.
    func refuse(_ credentials: S3Credentials)
}

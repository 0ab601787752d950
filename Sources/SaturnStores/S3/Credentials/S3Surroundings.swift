/// What the environment and the profile say of servers and regions, where the run file says nothing, and of whom to believe.
struct S3Surroundings: Hashable, Sendable {
    var region: String?
    var endpoint: String?
    /// A file of certificates.
    var authorities: String?

    init(_ environment: [String: String]) throws {
        let environment = CredentialChain.set(environment)
        let profile = try Profile(environment)
        region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? profile["region"]
        authorities = environment["AWS_CA_BUNDLE"] ?? profile["ca_bundle"]
        guard environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() != "true" else { return }
        endpoint = environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"] ?? profile["endpoint_url"]
    }
}

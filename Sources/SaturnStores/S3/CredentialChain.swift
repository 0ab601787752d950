import SaturnCore

final class CredentialChain: S3CredentialSource {
    private let environment: [String: String]

    init(_ environment: [String: String], transport: any HTTPTransport) {
        self.environment = environment
    }

    func credentials() throws -> S3Credentials {
        guard let key = environment["AWS_ACCESS_KEY_ID"], let secret = environment["AWS_SECRET_ACCESS_KEY"] else {
            throw Failure(.engine, "no credentials for S3 were found")
        }
        return S3Credentials(
            accessKey: key, secretKey: secret, sessionToken: environment["AWS_SESSION_TOKEN"], expires: nil)
    }

    func refuse(_ credentials: S3Credentials) {}
}

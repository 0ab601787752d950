/// What the environment says of servers and regions.
struct S3Surroundings: Hashable, Sendable {
    var region: String?
    var endpoint: String?

    init(_ environment: [String: String]) throws {
        region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"]
        endpoint = environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"]
    }
}

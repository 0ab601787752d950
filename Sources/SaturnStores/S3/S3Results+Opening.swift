public import SaturnCore

extension S3Results {
    /// What is wrong with the settings of a run file, each with its place.
    public static func problems(with spec: ComponentSpec, run: String) -> [Diagnostic] {
        S3Settings(spec, run: run).problems
    }

    /// Of a run file; nothing is asked of the bucket yet.
    ///
    /// - Parameters:
    ///   - spec: with no ``problems(with:run:)``.
    ///   - staging: the folder in which each store has its workspaces.
    ///   - environment: the caller's: credentials, and what the run file leaves out.
    public convenience init(
        _ spec: ComponentSpec, run: String, staging: String, environment: [String: String]
    ) throws {
        let settings = S3Settings(spec, run: run)
        guard let address = settings.address, settings.problems.isEmpty else {
            throw Failure(.usage, settings.problems.first?.message ?? "results in S3 need an s3_url")
        }
        try self.init(address, staging: staging, logChunk: settings.logChunk, environment)
    }

    /// Of the ledger's name for it.
    public convenience init(location: String, staging: String, environment: [String: String]) throws {
        guard let address = S3Address(location: location) else {
            throw Failure(.engine, "'\(location)' is no address of a bucket")
        }
        try self.init(address, staging: staging, logChunk: 300, environment)
    }

    private convenience init(
        _ address: S3Address, staging: String, logChunk: Int64, _ environment: [String: String]
    ) throws {
        let surroundings = try S3Surroundings(environment)
        let endpoint = try S3Endpoint(
            bucket: address.bucket, region: address.region ?? surroundings.region ?? "us-east-1",
            endpoint: address.endpoint ?? surroundings.endpoint)
        let transport = CurlTransport(authorities: surroundings.authorities)
        let credentials = CredentialChain(environment, transport: transport)
        let folder = "\(staging)/\(Digest(of: address.text.utf8).description.prefix(16))"
        let bucket = S3Bucket(
            endpoint, credentials: credentials, transport: transport,
            uploads: UploadMemory(folder: folder + "/.saturn/uploads"))
        let leases = S3Bucket(
            endpoint, credentials: credentials,
            transport: CurlTransport(connections: 1, authorities: surroundings.authorities))
        self.init(
            location: address.text, storage: bucket, prefix: address.prefix, staging: folder,
            logChunk: logChunk, leases: leases)
    }
}

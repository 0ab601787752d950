public import SaturnCore

extension S3Results {
    /// In bytes: S3 takes keys of 1,024.
    private static let longestPrefix = 512

    /// Of a run file; nothing is asked of the bucket yet.
    ///
    /// - Parameters:
    ///   - staging: the folder in which each store has its workspaces.
    ///   - environment: the caller's: credentials, and what the run file leaves out.
    public convenience init(
        _ spec: ComponentSpec, run: String, staging: String, environment: [String: String]
    ) throws {
        guard let url = spec.settings["s3_url"]?.text else {
            throw Failure(
                .usage, "results in S3 need an s3_url", hint: "s3_url: \"s3://bucket/prefix/{name}\"")
        }
        guard var address = S3Address(url: url.replacing("{name}", with: run)) else {
            throw Failure(.usage, "'\(url)' is no address of a bucket", hint: "s3_url: \"s3://bucket/prefix/{name}\"")
        }
        guard address.prefix.utf8.count <= Self.longestPrefix else {
            throw Failure(
                .usage,
                "the prefix in s3_url is longer than \(Self.longestPrefix) bytes: no key would have room for a result")
        }
        address.endpoint = spec.settings["endpoint_url"]?.text
        address.region = spec.settings["region"]?.text
        let chunk = spec.settings["log_chunk"]?.text
        guard let seconds = Self.seconds(chunk ?? "5") else {
            throw Failure(.usage, "log_chunk wants minutes, or a duration like 30s, not '\(chunk ?? "")'")
        }
        try self.init(address, staging: staging, logChunk: seconds, environment)
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

    /// Minutes where there is no unit.
    private static func seconds(_ text: String) -> Int64? {
        let isPlain = text.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: ".") }
        guard let value = Quantity.seconds(text), case let seconds = isPlain ? value * 60 : value,
            (1...Quantity.longestSeconds).contains(seconds)
        else { return nil }
        return Int64(seconds)
    }
}

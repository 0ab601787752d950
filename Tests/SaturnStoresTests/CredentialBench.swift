import Engines
import SaturnCore
import SaturnTesting

@testable import SaturnStores

/// Where tests look for credentials: a home of their own, a clock that stands still, real programs and servers.
///
/// ```swift
/// let bench = try CredentialBench()
/// try bench.write(".aws/config", "[default]\nregion = eu-central-1\n")
/// #expect(try bench.found([:]).accessKey == "…")
/// ```
final class CredentialBench {
    let space: TestSpace
    let clock = ManualClock(now: noon)
    private var servers: [MetadataServer] = []

    static let noon = Timestamp(microseconds: 1_795_694_400_000_000)
    /// Of what the servers give: an hour after noon.
    static let expiration = "2026-11-26T13:00:00Z"
    static let keys = ["AWS_ACCESS_KEY_ID": "environment", "AWS_SECRET_ACCESS_KEY": "s"]

    init() throws {
        space = try TestSpace()
    }

    /// Nothing of this machine's: `HOME` is a folder of the test's, and no instance is asked unless the test says so.
    func environment(_ own: [String: String]) -> [String: String] {
        let none = ["HOME": space.folder, "PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true"]
        return none.merging(own) { $1 }
    }

    func chain(_ own: [String: String]) -> CredentialChain {
        CredentialChain(environment(own), transport: CurlTransport(), now: { [clock] in clock.now() })
    }

    func found(_ own: [String: String]) throws -> S3Credentials { try chain(own).credentials() }

    func profile(_ own: [String: String] = [:]) throws -> Profile { try Profile(environment(own)) }

    func surroundings(_ own: [String: String]) throws -> S3Surroundings { try S3Surroundings(environment(own)) }

    func server() throws -> MetadataServer {
        let server = try MetadataServer(expiration: Self.expiration, in: space)
        servers.append(server)
        return server
    }

    /// None must be held elsewhere.
    func stopServers() { servers = [] }
    func pauseServers() { for server in servers { server.pause() } }

    /// Of an instance whose service is at `url`.
    static func instance(_ url: String) -> [String: String] {
        ["AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_EC2_METADATA_DISABLED": "false"]
    }

    /// A program for `credential_process` that counts how often it runs: the lines of the file `runs`.
    ///
    /// The keys are numbered as the runs are; it fails while there is a file `fail`.
    func writeProgram(expiration: String?) throws {
        let end = expiration.map { ", \\\"Expiration\\\": \\\"\($0)\\\"" } ?? ""
        try space.write(
            "give",
            """
            #!/bin/sh
            echo run >>'\(space.path("runs"))'
            test ! -e '\(space.path("fail"))' || exit 1
            number=$(grep -c . '\(space.path("runs"))')
            echo "{\\"Version\\": 1, \\"AccessKeyId\\": \\"$number\\", \\"SecretAccessKey\\": \\"s\\"\(end)}"

            """, executable: true)
        try space.write(".aws/config", "[default]\ncredential_process = \(space.path("give"))\n")
    }

    /// How often the program has run.
    var runs: Int { ((try? space.read("runs")) ?? "").count { $0 == "\n" } }
}

import Engines
import Glibc
import SaturnCore
import SaturnTesting
import Synchronization
import Testing

@testable import SaturnStores

/// Where credentials are found, and in which order; with real files, programs and servers.
@Suite final class CredentialTests {
    let space: TestSpace
    private var servers: [MetadataServer] = []
    private let clock = Clock()

    private final class Clock: Sendable {
        let time = Mutex(CredentialTests.noon)
    }

    static let noon = Timestamp(microseconds: 1_795_694_400_000_000)
    /// An hour after noon.
    static let expiration = "2026-11-26T13:00:00Z"

    init() throws {
        space = try TestSpace()
    }

    /// Nothing of this machine's: `HOME` is a folder of the test's.
    private func chain(_ environment: [String: String]) -> CredentialChain {
        let own = ["HOME": space.folder, "PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true"]
        return CredentialChain(
            own.merging(environment) { $1 }, transport: CurlTransport(), now: { [clock] in clock.time.withLock { $0 } })
    }

    private func found(_ environment: [String: String]) throws -> S3Credentials {
        try chain(environment).credentials()
    }

    private func server() throws -> MetadataServer {
        servers.append(try MetadataServer(expiration: Self.expiration, in: space))
        return servers[servers.count - 1]
    }

    private static let keys = ["AWS_ACCESS_KEY_ID": "environment", "AWS_SECRET_ACCESS_KEY": "s"]

    // MARK: Each kind

    @Test func environment() throws {
        let found = try found(Self.keys.merging(["AWS_SESSION_TOKEN": "t"]) { $1 })
        #expect(found == S3Credentials(accessKey: "environment", secretKey: "s", sessionToken: "t"))
    }

    @Test(arguments: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) func halfAnEnvironment(_ missing: String) throws {
        let problem = try failure { _ = try found(Self.keys.filter { $0.key != missing }) }
        #expect(problem.kind == .engine)
        #expect(problem.message == "credentials for S3 are incomplete: \(missing) is not set")
    }

    @Test(arguments: ["\n", "\r\n"]) func profiles(_ end: String) throws {
        try space.write(
            ".aws/credentials",
            [
                "# mine", "[default]", "aws_access_key_id = d", "aws_secret_access_key=s # of last year", "",
                "[two words]",
            ]
            .joined(separator: end) + end)
        try space.write(
            ".aws/config",
            [
                "[profile \"other one\"]", "aws_access_key_id=o", "s3 =", "  aws_access_key_id=nested",
                "aws_secret_access_key = a#b",
            ]
            .joined(separator: end))
        #expect(try found([:]) == S3Credentials(accessKey: "d", secretKey: "s"))
        #expect(try found(["AWS_PROFILE": "other one"]) == S3Credentials(accessKey: "o", secretKey: "a#b"))
        let none = try failure { _ = try found(["AWS_PROFILE": "nobody"]) }
        #expect(none.message.hasPrefix("there is no profile 'nobody' in "))
        try space.write("elsewhere", "[default]\naws_access_key_id = e\naws_secret_access_key = s\n")
        #expect(try found(["AWS_SHARED_CREDENTIALS_FILE": space.path("elsewhere")]).accessKey == "e")
        try space.write(".aws/credentials", "[default]\naws_access_key_id = d\n")
        #expect(try failure { _ = try found([:]) }.message == "the profile 'default' has only one of its two keys")
    }

    private func process(_ command: String) throws -> S3Credentials {
        try space.write(".aws/config", "[default]\ncredential_process = \(command)\n")
        return try found([:])
    }

    @Test func credentialProcess() throws {
        try space.write(
            "give",
            "#!/bin/sh\necho \"{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"$1\\\", \\\"SecretAccessKey\\\": \\\"s\\\"}\"\n",
            executable: true)
        #expect(try process("\(space.path("give")) 'a key'").accessKey == "a key")
        for (command, words) in [
            ("exit 3", "exits with 3"), ("echo no", "prints no JSON object"),
            (
                "echo '{\"Version\": 2, \"AccessKeyId\": \"a\", \"SecretAccessKey\": \"s\"}'",
                "prints no AccessKeyId and SecretAccessKey of Version 1"
            ),
            ("kill -9 $$", "exits with 137"), ("/nowhere/at/all 2>/dev/null", "exits with 127"),
        ] {
            let problem = try failure { _ = try process(command) }
            #expect(problem.message == "the credential_process of the profile 'default' \(words)", "\(command)")
        }
    }

    @Test func aProcessThatHangs() throws {
        let slow = CredentialProcess(command: "exec sleep 60", profile: "p", timeout: 200)
        let problem = try failure { _ = try slow.run(["PATH": "/usr/bin:/bin"]) }
        #expect(problem.message == "the credential_process of the profile 'p' does not end")
    }

    @Test func webIdentity() throws {
        let server = try server()
        try space.write("token", "web-token+/=\n")
        let environment = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": space.path("token"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
            "AWS_ENDPOINT_URL_STS": server.url,
        ]
        let given = try found(environment)
        #expect((given.accessKey, given.secretKey, given.sessionToken) == ("web-1", "s&s", "t"))
        #expect(given.expires == Timestamp("2026-11-26T13:00:00.000000+00:00"))
        #expect(try server.requests == ["POST / AssumeRoleWithWebIdentity"])
        try space.write("token", "another")
        let problem = try failure { _ = try found(environment) }
        #expect(problem.message.hasSuffix("for arn:aws:iam::1:role/r: no such role"), "\(problem)")
        let none = try failure { _ = try found(environment.filter { $0.key != "AWS_ROLE_ARN" }) }
        #expect(none.message == "there is a web identity for S3, and no AWS_ROLE_ARN")
    }

    @Test func container() throws {
        let server = try server()
        try space.write("token", "container-token\n")
        let url = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url + "/container"]
        let withFile = url.merging(["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": space.path("token")]) { $1 }
        let found = try found(withFile)
        #expect(
            found.accessKey == "container-1" && found.secretKey == "a/secret+" && found.sessionToken == "a \"token\" é")
        #expect(found.expires == Timestamp("2026-11-26T13:00:00.000000+00:00"))
        #expect(
            try self.found(url.merging(["AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token"]) { $1 }).accessKey
                == "container-2")
        let refused = try failure { _ = try self.found(url) }
        #expect(refused.message.hasSuffix("answers 403"), "\(refused)")
        for host in ["http://example.org/x", "http://127.0.0.1@example.org/x", "http://127.0.0.1.example.org/x"] {
            let problem = try failure { _ = try self.found(["AWS_CONTAINER_CREDENTIALS_FULL_URI": host]) }
            #expect(problem.message.contains("is neither https nor this machine's"), "\(host)")
        }
    }

    @Test func instance() throws {
        let server = try server()
        let environment = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url + "/", "AWS_EC2_METADATA_DISABLED": "false"]
        #expect(try found(environment).accessKey == "instance-1")
        let role = "/latest/meta-data/iam/security-credentials/"
        #expect(try server.requests == ["PUT /latest/api/token", "GET \(role)", "GET \(role)the-role"])
    }

    @Test func nothing() throws {
        let problem = try failure { _ = try found([:]) }
        #expect(
            problem.message.hasPrefix("no credentials for S3 were found: not in the environment, the profile 'default'")
        )
        try space.write(".aws/config", "[default]\nsso_session = x\n")
        let indirect = try failure { _ = try found([:]) }
        #expect(indirect.hint?.contains("aws configure export-credentials --format process") == true)
    }

    // MARK: Their order, and their end

    /// All are there; one after the other is taken away.
    @Test func order() throws {
        let server = try server()
        try space.write("token", "container-token")
        try space.write(
            "give", "#!/bin/sh\necho '{\"Version\": 1, \"AccessKeyId\": \"process\", \"SecretAccessKey\": \"s\"}'\n",
            executable: true)
        try space.write(".aws/credentials", "[default]\naws_access_key_id = profile\naws_secret_access_key = s\n")
        try space.write(".aws/config", "[default]\ncredential_process = \(space.path("give"))\n")
        let machine = [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url + "/container",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": space.path("token"),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url, "AWS_EC2_METADATA_DISABLED": "false",
        ]
        #expect(try found(Self.keys.merging(machine) { $1 }).accessKey == "environment")
        #expect(try found(machine).accessKey == "profile")
        space.remove(".aws/credentials")
        #expect(try found(machine).accessKey == "process")
        space.remove(".aws/config")
        #expect(try found(machine).accessKey == "container-1")
        #expect(
            try found(machine.filter { !$0.key.hasPrefix("AWS_CONTAINER") }).accessKey == "instance-2")
    }

    @Test func renewal() throws {
        let chain = chain(["AWS_EC2_METADATA_SERVICE_ENDPOINT": try server().url, "AWS_EC2_METADATA_DISABLED": "false"])
        #expect(try chain.credentials().accessKey == "instance-1")
        clock.time.withLock { $0 = Timestamp(microseconds: Self.noon.microseconds + 54 * 60_000_000) }
        #expect(try chain.credentials().accessKey == "instance-1", "six minutes are enough")
        clock.time.withLock { $0 = Timestamp(microseconds: Self.noon.microseconds + 56 * 60_000_000) }
        #expect(try chain.credentials().accessKey == "instance-2")
        try chain.refuse(chain.credentials())
        let after = try chain.credentials()
        #expect(Int(after.accessKey.dropFirst("instance-".count)) ?? 0 > 3)
        // While the old ones are good, a service that is away for a moment does no harm.
        servers = []
        #expect(try chain.credentials() == after)
        clock.time.withLock { $0 = Timestamp(microseconds: Self.noon.microseconds + 61 * 60_000_000) }
        #expect(throws: Failure.self) { try chain.credentials() }
    }

    // MARK: What else is in there

    @Test func surroundings() throws {
        try space.write(".aws/config", "[default]\nregion = eu-central-1\nendpoint_url = http://127.0.0.1:1\n")
        let home = ["HOME": space.folder]
        let found = try S3Surroundings(home)
        #expect((found.region, found.endpoint) == ("eu-central-1", "http://127.0.0.1:1"))
        let own = [
            "AWS_DEFAULT_REGION": "a", "AWS_REGION": "b", "AWS_ENDPOINT_URL": "http://c",
            "AWS_ENDPOINT_URL_S3": "http://d",
        ]
        let better = try S3Surroundings(home.merging(own) { $1 })
        #expect((better.region, better.endpoint) == ("b", "http://d"))
        #expect(
            try S3Surroundings(home.merging(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"]) { $1 }).endpoint == nil)
    }

    @Test func json() throws {
        let text = """
             {"a": "x\\"\\u00e9\\ud83d\\ude00\\n", "b": {"c": [1, "]}"], "d": {}}, "n": -1.5e3, "t": true, "e": "", "é": "ü"}
            """
        let found = try #require(JSONText(text.utf8))
        #expect(found["a"] == "x\"é😀\n")
        #expect(found["b"] == "{\"c\": [1, \"]}\"], \"d\": {}}")
        #expect((found["n"], found["t"], found["e"], found["é"]) == ("-1.5e3", "true", "", "ü"))
        for length in 0..<text.utf8.count { #expect(JSONText(text.utf8.prefix(length)) == nil, "\(length)") }
        for bad in ["", "[]", "{\"a\" 1}", "{\"a\": }", "{\"a\": \"\\q\"}", "{\"a\": \"\\u00\"}", "{a: 1}"] {
            #expect(JSONText(bad.utf8) == nil, "\(bad)")
        }
    }

    @Test(arguments: [
        ("2026-11-26T13:00:00Z", 1_795_698_000), ("2026-11-26T13:00:00.123Z", 1_795_698_000),
        ("2026-11-26T15:00:00+02:00", 1_795_698_000), ("2026-11-26T08:30:00-04:30", 1_795_698_000),
    ]) func times(_ text: String, _ seconds: Int64) {
        #expect(S3Credentials.time(text)?.microseconds == seconds * 1_000_000)
    }
}

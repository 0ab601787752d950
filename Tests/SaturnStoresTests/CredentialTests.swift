import Engines
import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnStores

/// Where credentials are found, and in which order; with real files, programs and servers.
@Suite struct CredentialTests {
    let bench: CredentialBench
    private var space: TestSpace { bench.space }

    init() throws {
        bench = try CredentialBench()
    }

    private func found(_ environment: [String: String]) throws -> S3Credentials { try bench.found(environment) }

    private static let keys = CredentialBench.keys

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
        let server = try bench.server()
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
        let server = try bench.server()
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
        let server = try bench.server()
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
        let server = try bench.server()
        try space.write("token", "container-token")
        try space.write("web", "web-token+/=")
        try space.write(
            "give", "#!/bin/sh\necho '{\"Version\": 1, \"AccessKeyId\": \"process\", \"SecretAccessKey\": \"s\"}'\n",
            executable: true)
        try space.write(".aws/credentials", "[default]\naws_access_key_id = profile\naws_secret_access_key = s\n")
        try space.write(".aws/config", "[default]\ncredential_process = \(space.path("give"))\n")
        let machine = [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url + "/container",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": space.path("token"),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url, "AWS_EC2_METADATA_DISABLED": "false",
            "AWS_WEB_IDENTITY_TOKEN_FILE": space.path("web"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
            "AWS_ENDPOINT_URL_STS": server.url,
        ]
        #expect(try found(Self.keys.merging(machine) { $1 }).accessKey == "environment")
        #expect(try found(machine).accessKey == "profile")
        space.remove(".aws/credentials")
        #expect(try found(machine).accessKey == "process")
        space.remove(".aws/config")
        #expect(try found(machine).accessKey == "web-1")
        let withoutRole = machine.filter { !$0.key.hasPrefix("AWS_WEB") }
        #expect(try found(withoutRole).accessKey == "container-2")
        #expect(try found(withoutRole.filter { !$0.key.hasPrefix("AWS_CONTAINER") }).accessKey == "instance-3")
    }

    @Test func renewal() throws {
        let chain = bench.chain(CredentialBench.instance(try bench.server().url))
        #expect(try chain.credentials().accessKey == "instance-1")
        bench.clock.advance(by: 54 * 60)
        #expect(try chain.credentials().accessKey == "instance-1", "six minutes are enough")
        bench.clock.advance(by: 2 * 60)
        #expect(try chain.credentials().accessKey == "instance-2")
        try chain.refuse(chain.credentials())
        let after = try chain.credentials()
        #expect(after.accessKey == "instance-3")
        // While the old ones are good, a service that is away for a moment does no harm.
        bench.stopServers()
        bench.clock.advance(by: 2 * 60)
        #expect(try chain.credentials() == after)
        bench.clock.advance(by: 2 * 60)
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

    /// As many tools leave a variable that they do not need.
    @Test func emptyVariables() throws {
        try space.write(
            ".aws/config",
            "[default]\nregion = r\nendpoint_url = http://e\nca_bundle = /c\naws_access_key_id = a\n"
                + "aws_secret_access_key = s\n")
        let names = [
            "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
            "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        ]
        let empty = names.reduce(into: [:]) { $0[$1] = "" }
        #expect(try found(empty).accessKey == "a")
        let surroundings = try bench.surroundings(empty)
        #expect((surroundings.region, surroundings.endpoint, surroundings.authorities) == ("r", "http://e", "/c"))
        space.remove(".aws/config")
        #expect(try failure { _ = try found(empty) }.message.hasPrefix("no credentials for S3 were found"))
    }
}

import Engines
import SaturnCore
import Testing

@testable import SaturnStores

/// What a machine, a container or a cluster gives over HTTP, when it does not go as it should.
@Suite(.timeLimit(.minutes(25))) struct CredentialServiceTests {
    let bench: CredentialBench

    init() throws {
        bench = try CredentialBench()
    }

    // MARK: A container

    private func container(_ url: String, _ more: [String: String] = [:]) -> [String: String] {
        ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url].merging(more) { $1 }
    }

    @Test func containerToken() throws {
        let url = try bench.server().url + "/container"
        try bench.space.write("wrong", "wrong")
        let variable = ["AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token\n"]
        #expect(try bench.found(container(url, variable)).accessKey == "container-1", "a line's end is none of it")
        let file = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
        let both = container(url, variable.merging([file: bench.space.path("wrong")]) { $1 })
        #expect(try failure { _ = try bench.found(both) }.message.hasSuffix("answers 403"), "the file comes first")
        let none = container(url, [file: bench.space.path("nowhere")])
        #expect(try failure { _ = try bench.found(none) }.message == "cannot read \(bench.space.path("nowhere"))")
    }

    @Test func containerAnswers() throws {
        let server = try bench.server()
        let token = ["AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token"]
        for (path, words) in [
            ("/nothing", "answers 404"), ("/moved", "answers 302"), ("/empty", "answers without an access key"),
        ] {
            let problem = try failure { _ = try bench.found(container(server.url + path, token)) }
            #expect(problem.message == "the container's credentials cannot be had: \(server.url)\(path) \(words)")
        }
        #expect(try server.requests == ["GET /nothing", "GET /moved", "GET /empty"], "no token goes elsewhere")
    }

    @Test(arguments: ["http://127.0.0.1:1/x", "http://127.255.0.9:1", "http://localhost:1/x?y", "http://[::1]:1/x"])
    func ownHosts(_ url: String) throws {
        let problem = try failure { _ = try bench.found(container(url)) }
        #expect(problem.message.hasSuffix("cannot be had: \(url) does not answer"), "\(problem.message)")
    }

    @Test(arguments: [
        "http://example.org/x", "http://127.0.0.1@example.org/x", "http://127.0.0.1:80@example.org/x",
        "http://127.0.0.1.example.org/x", "http://localhost.example.org/", "http://[::1].example.org/",
        "http://[::1]@example.org/", "http://[::2]/", "http://127.0.0.1\\.example.org/", "http://127..0.0.1/",
        "http://127.0.0.+1/", "http://localhost:/", "http://localhost:+1/", "http://localhost:65536/",
        "http://128.0.0.1/", "http://169.254.169.254/", "http:///x", "http://",
        "ftp://localhost/",
        "file:///etc/passwd", "127.0.0.1/x", "//localhost/x",
    ]) func strangers(_ url: String) throws {
        let problem = try failure { _ = try bench.found(container(url)) }
        #expect(problem.message == "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor this machine's")
    }

    /// A path is one; it cannot make another host of the service's.
    @Test(arguments: ["@example.org/", ".example.org/", ":80@example.org/", "x"])
    func relative(_ path: String) throws {
        let url = try bench.server().url + "/container"
        let own = container(url, ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": path])
        let problem = try failure { _ = try bench.found(own) }
        #expect(problem.message == "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path: it does not begin with '/'")
    }

    // MARK: An instance

    @Test(arguments: ["", "/", "/line"]) func instance(_ path: String) throws {
        let server = try bench.server()
        let found = try bench.found(CredentialBench.instance(server.url + path))
        #expect(found.accessKey == "instance-1" && found.sessionToken == "a \"token\" é")
    }

    /// Its first version answers whoever makes a program of the machine ask: without a token there is nothing.
    @Test func firstVersionOnly() throws {
        let server = try bench.server()
        let problem = try failure { _ = try bench.found(CredentialBench.instance(server.url + "/old")) }
        #expect(problem.message.hasPrefix("no credentials for S3 were found"))
        #expect(try server.requests == ["PUT /old/latest/api/token"])
    }

    @Test func instanceWithoutARole() throws {
        let problem = try failure { _ = try bench.found(CredentialBench.instance(bench.server().url + "/no-role")) }
        #expect(problem.message.hasPrefix("no credentials for S3 were found"))
    }

    @Test func instanceWhoseRoleIsBroken() throws {
        let problem = try failure { _ = try bench.found(CredentialBench.instance(bench.server().url + "/failed")) }
        #expect(problem.message == "the instance's role the-role gives no credentials")
    }

    @Test(arguments: ["true", "TRUE"]) func instanceSwitchedOff(_ word: String) throws {
        let server = try bench.server()
        let own = CredentialBench.instance(server.url).merging(["AWS_EC2_METADATA_DISABLED": word]) { $1 }
        #expect(throws: Failure.self) { try bench.found(own) }
        #expect(try server.requests == [])
    }

    /// Most machines are no instance: nobody listens at the address, or what is sent there is lost.
    @Test(arguments: [true, false]) func noInstance(_ isSilent: Bool) throws {
        let own = CredentialBench.instance(try bench.server().url)
        if isSilent { bench.pauseServers() } else { bench.stopServers() }
        let time = try ContinuousClock().measure {
            let problem = try failure { _ = try bench.found(own) }
            #expect(problem.message.hasPrefix("no credentials for S3 were found"))
        }
        #expect(time < .seconds(3))
    }

    // MARK: A web identity

    private static let role = "arn:aws:iam::1:role/r"

    @Test func ofAProfile() throws {
        try bench.space.write("token", "web-token+/=")
        try bench.space.write(
            ".aws/config",
            "[profile p]\nweb_identity_token_file = \(bench.space.path("token"))\nrole_arn = \(Self.role)\n")
        let own = ["AWS_PROFILE": "p", "AWS_ENDPOINT_URL_STS": try bench.server().url]
        #expect(try bench.found(own).accessKey == "web-1")
    }

    @Test func withoutATokenOrAServer() throws {
        let own = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": bench.space.path("token"), "AWS_ROLE_ARN": Self.role,
            "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
        ]
        for text in [nil, "", "\n"] as [String?] {
            if let text { try bench.space.write("token", text) }
            let problem = try failure { _ = try bench.found(own) }
            #expect(problem.message == "there is no web identity in \(bench.space.path("token"))")
        }
        try bench.space.write("token", "web-token+/=")
        let problem = try failure { _ = try bench.found(own) }
        #expect(problem.message.hasPrefix("cannot exchange the web identity at http://127.0.0.1:1: "))
    }

    @Test(
        "where it is exchanged",
        arguments: [
            ([:], "https://sts.amazonaws.com"),
            (["AWS_REGION": "eu-central-1"], "https://sts.eu-central-1.amazonaws.com"),
            (["AWS_REGION": "", "AWS_DEFAULT_REGION": "us-west-2"], "https://sts.us-west-2.amazonaws.com"),
            (["AWS_REGION": "cn-north-1"], "https://sts.cn-north-1.amazonaws.com.cn"),
            (["AWS_ENDPOINT_URL": "http://a", "AWS_REGION": "x"], "http://a"),
            (["AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_STS": "http://b"], "http://b"),
            (["AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_S3": "http://b"], "http://a"),
            (
                ["AWS_ENDPOINT_URL": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"],
                "https://sts.amazonaws.com"
            ),
        ] as [([String: String], String)]) func tokenService(_ own: [String: String], _ url: String) throws
    {
        let all = own.merging(["AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": Self.role]) { $1 }
        let environment = bench.environment(all).filter { !$0.value.isEmpty }
        #expect(try WebIdentity(environment, bench.profile())?.url == url)
    }
}

import SaturnCore
import Testing

@testable import SaturnStores

/// The files of profiles, as people and their tools write them.
@Suite struct CredentialProfileTests {
    let bench: CredentialBench

    init() throws {
        bench = try CredentialBench()
    }

    @Test(
        "what a file says of the region",
        arguments: [
            ("[default]\nregion = a", "a"),
            ("[default]\r\nregion = a\r\n", "a"),
            ("\u{feff}[default]\nregion = a\n", "a"),
            ("\n# one\n; two\n[default]\n# three\nregion=a\n", "a"),
            ("[ default ] # mine\nREGION =  a  \n", "a"),
            ("[default]\n  region = a\n  output = json\n", "a"),
            ("[default]\n\toutput = json\n\tregion = a\n", "a"),
            ("[default]\noutput = json\n\n[default]\nregion = a\n", "a"),
            ("[default]\nregion = b\nregion = a\n", "a"),
            ("[default]\ns3 =\n  region = b\nregion = a\n", "a"),
            ("[default]\nregion = a\ns3 =\n  region = b\n", "a"),
            ("[default]\n  s3 =\n    region = b\n", nil),
            ("[default]\nregion = a\n  [other]\n", "a"),
            ("[default]\nregion = b=c\n", "b=c"),
            ("[default]\nregion = a#b;c\n", "a#b;c"),
            ("[default]\nregion = a ; b # c\n", "a"),
            ("[default]\nregion = a # b ; c\n", "a"),
            ("[default]\nregion = a\t# b\n", "a"),
            ("[default]\nregion = # none\n", nil),
            ("[default]\nregion =\n", nil),
            ("[default]\nregion\n", nil),
            ("region = b\n[other]\nregion = c\n", nil),
            ("[default]\nregion = b\n[profile default]\nregion = a\n", "a"),
            ("", nil),
        ]) func region(_ text: String, _ region: String?) throws
    {
        try bench.space.write(".aws/config", text)
        #expect(try bench.profile()["region"] == region)
    }

    @Test(arguments: [
        "[profile two words]", "[profile \"two words\"]", "[profile 'two words']", "[ profile\ttwo  words ]",
    ])
    func names(_ heading: String) throws {
        try bench.space.write(".aws/config", "[profile two]\nregion = b\n\(heading)\nregion = a\n")
        #expect(try bench.profile(["AWS_PROFILE": "two words"])["region"] == "a")
    }

    /// Without its "profile" a heading of this file is of something else.
    @Test func otherHeadings() throws {
        try bench.space.write(".aws/config", "[sweeps]\nregion = a\n[sso-session sweeps]\nsso_region = b\n")
        let problem = try failure { _ = try bench.profile(["AWS_PROFILE": "sweeps"]) }
        #expect(problem.kind == .engine)
        let (config, secrets) = (bench.space.path(".aws/config"), bench.space.path(".aws/credentials"))
        #expect(problem.message == "there is no profile 'sweeps' in \(config) or \(secrets)")
        #expect(problem.hint == "check AWS_PROFILE, or unset it")
    }

    @Test func bothFiles() throws {
        try bench.space.write(
            ".aws/config", "[profile p]\nregion = r\naws_access_key_id = c\naws_secret_access_key = c\n")
        try bench.space.write(
            ".aws/credentials", "[p]\naws_access_key_id = a\naws_secret_access_key = s\naws_session_token = t\n")
        let own = ["AWS_PROFILE": "p"]
        #expect(try bench.found(own) == S3Credentials(accessKey: "a", secretKey: "s", sessionToken: "t"))
        #expect(try bench.surroundings(own).region == "r")
    }

    @Test func elsewhere() throws {
        try bench.space.write(".aws/config", "[default]\nregion = home\n")
        try bench.space.write("config", "[default]\nregion = elsewhere\n")
        bench.space.makeFolder("links")
        try bench.space.link("links/config", to: bench.space.path("config"))
        #expect(try bench.profile(["AWS_CONFIG_FILE": bench.space.path("links/config")])["region"] == "elsewhere")
        #expect(try bench.profile(["AWS_CONFIG_FILE": bench.space.path("nowhere")])["region"] == nil)
        #expect(try bench.profile(["AWS_CONFIG_FILE": ""])["region"] == "home")
        #expect(try bench.profile(["AWS_CONFIG_FILE": bench.space.folder])["region"] == nil, "a folder")
    }

    @Test func chosen() throws {
        try bench.space.write(
            ".aws/config", "[profile a]\nregion = a\n[profile b]\nregion = b\n[default]\nregion = d\n")
        #expect(try bench.profile(["AWS_DEFAULT_PROFILE": "a"])["region"] == "a")
        #expect(try bench.profile(["AWS_DEFAULT_PROFILE": "a", "AWS_PROFILE": "b"])["region"] == "b")
        #expect(try bench.profile(["AWS_DEFAULT_PROFILE": "a", "AWS_PROFILE": ""])["region"] == "a")
        #expect(try bench.profile(["AWS_PROFILE": ""])["region"] == "d")
        #expect(try bench.profile(["AWS_PROFILE": "default"])["region"] == "d")
    }

    @Test func emptyKeys() throws {
        try bench.space.write(
            ".aws/credentials", "[default]\naws_access_key_id = a\naws_secret_access_key = s\naws_session_token =\n")
        #expect(try bench.found([:]) == S3Credentials(accessKey: "a", secretKey: "s", sessionToken: nil))
        try bench.space.write(".aws/credentials", "[default]\naws_access_key_id = a\naws_secret_access_key =\n")
        #expect(
            try failure { _ = try bench.found([:]) }.message == "the profile 'default' has only one of its two keys")
    }

    /// Another identity than the one that was asked for must not be taken because the machine has one too.
    @Test(arguments: [
        "role_arn = arn:aws:iam::1:role/r\nsource_profile = other", "sso_session = x",
        "role_arn = arn:aws:iam::1:role/r\ncredential_source = Ec2InstanceMetadata", "sso_start_url = https://x",
    ]) func indirect(_ lines: String) throws {
        let server = try bench.server()
        try bench.space.write(".aws/config", "[profile p]\n\(lines)\n")
        let own = CredentialBench.instance(server.url).merging(["AWS_PROFILE": "p"]) { $1 }
        let problem = try failure { _ = try bench.found(own) }
        #expect(problem.hint?.contains("aws configure export-credentials --format process") == true)
        #expect(try server.requests == [])
    }
}

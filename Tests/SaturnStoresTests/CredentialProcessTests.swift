import Glibc
import SaturnCore
import Testing

@testable import SaturnStores

/// Programs of the user's that give credentials: good ones, and those that hang, chatter or leave something behind.
@Suite(.timeLimit(.minutes(25))) struct CredentialProcessTests {
    let bench: CredentialBench
    private static let path = ["PATH": "/usr/bin:/bin", "WHO": "a friend"]
    private static let json = #"{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "s"}"#

    init() throws {
        bench = try CredentialBench()
    }

    private func run(_ command: String, timeout: Int32 = 60_000) throws -> S3Credentials {
        try CredentialProcess(command: command, profile: "p", timeout: timeout).run(Self.path)
    }

    private func problem(_ command: String, timeout: Int32 = 60_000) throws -> String {
        let problem = try failure { _ = try run(command, timeout: timeout) }
        #expect(problem.kind == .engine)
        let start = "the credential_process of the profile 'p' "
        #expect(problem.message.hasPrefix(start))
        return String(problem.message.dropFirst(start.count))
    }

    @Test(
        "what it prints",
        arguments: [
            (json, S3Credentials(accessKey: "a", secretKey: "s")),
            (
                "\n {\"SecretAccessKey\":\"s/+=\",\"AccessKeyId\":\"a\",\n\"SessionToken\":\"t\",\"Version\":1}\n\n",
                S3Credentials(accessKey: "a", secretKey: "s/+=", sessionToken: "t")
            ),
            (
                #"{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": null, "Expiration": null}"#,
                S3Credentials(accessKey: "a", secretKey: "s")
            ),
            (
                #"{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "", "Expiration": ""}"#,
                S3Credentials(accessKey: "a", secretKey: "s")
            ),
            (
                #"{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "s", "Expiration": "2026-11-26T12:00:00+00:00"}"#,
                S3Credentials(accessKey: "a", secretKey: "s", expires: CredentialBench.noon)
            ),
        ]) func good(_ text: String, _ credentials: S3Credentials) throws
    {
        try bench.space.write("text", text)
        #expect(try run("cat '\(bench.space.path("text"))'") == credentials)
    }

    @Test(
        "what is no credentials",
        arguments: [
            ("", "no JSON object"), ("[1]", "no JSON object"), (String(json.dropLast()), "no JSON object"),
            (#"{"AccessKeyId": "a", "SecretAccessKey": "s"}"#, nil),
            (#"{"Version": 2, "AccessKeyId": "a", "SecretAccessKey": "s"}"#, nil),
            (#"{"Version": 1, "AccessKeyId": "a"}"#, nil),
            (#"{"Version": 1, "AccessKeyId": "", "SecretAccessKey": "s"}"#, nil),
            (#"{"Version": 1, "AccessKeyId": null, "SecretAccessKey": "s"}"#, nil),
            (#"{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": {"x": "s"}}"#, nil),
            (#"{"Version": 1, "Credentials": {"AccessKeyId": "a", "SecretAccessKey": "s"}}"#, nil),
        ]) func bad(_ text: String, _ what: String?) throws
    {
        try bench.space.write("text", text)
        let expected = "prints " + (what ?? "no AccessKeyId and SecretAccessKey of Version 1")
        #expect(try problem("cat '\(bench.space.path("text"))'") == expected)
    }

    /// Whatever it has printed before.
    @Test(arguments: [("exit 1", 1), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143)])
    func failing(_ end: String, _ status: Int) throws {
        #expect(try problem("echo '\(Self.json)'; \(end)") == "exits with \(status)")
    }

    @Test func itsSurroundings() throws {
        let found = try run(
            """
            blocked=$(sed -n 's/^SigBlk:[[:space:]]*0*\\([0-9a-f]\\)/\\1/p' /proc/self/status)
            echo '{"Version": 1, "SecretAccessKey": "s", "AccessKeyId": "'"$WHO, $blocked, $(cat)"'"}'
            """)
        #expect(found.accessKey == "a friend, 0, ", "its variables, no blocked signal, and nothing to read")
    }

    /// More than a pipe takes at once.
    @Test func muchOutput() throws {
        let found = try run("printf '%200000s' ''; echo '\(Self.json)'")
        #expect(found.accessKey == "a")
    }

    @Test func endlessOutput() throws {
        #expect(try problem("exec yes") == "prints more than 1 MiB")
    }

    @Test(arguments: ["exec sleep 600", "exec >&-; exec sleep 600", "trap '' TERM INT HUP; exec sleep 600"])
    func hanging(_ command: String) throws {
        let file = bench.space.path("pid")
        #expect(try problem("echo $$ >'\(file)'; \(command)", timeout: 2000) == "does not end")
        let pid = try #require(pid_t(bench.space.read("pid").dropLast()))
        #expect(kill(pid, 0) != 0 && errno == ESRCH, "it is gone")
    }

    /// Such as an agent that stays: nobody waits for it, and it is left alone.
    @Test func grandchild() throws {
        let file = bench.space.path("pid")
        let found = try run("sleep 600 & echo $! >'\(file)'; echo '\(Self.json)'")
        #expect(found.accessKey == "a")
        let pid = try #require(pid_t(bench.space.read("pid").dropLast()))
        #expect(kill(pid, SIGKILL) == 0)
        // Executors under test make this process the parent of orphans. One that nobody waits for would stay there as
        // a zombie, and the library of the tests, which waits for any child, would see no end of its exit tests.
        waitpid(pid, nil, 0)
    }

    @Test func ofTheChosenProfile() throws {
        try bench.space.write("text", Self.json)
        let command = "cat '\(bench.space.path("text"))'"
        try bench.space.write(".aws/credentials", "[p]\ncredential_process = \(command)\n")
        #expect(try bench.found(["AWS_PROFILE": "p"]).accessKey == "a")
        let hidden = "\(bench.space.path("nothing")) --password hunter2 2>/dev/null"
        try bench.space.write(".aws/credentials", "[p]\ncredential_process = \(hidden)\n")
        let problem = try failure { _ = try bench.found(["AWS_PROFILE": "p"]) }
        #expect(problem.message == "the credential_process of the profile 'p' exits with 127")
        #expect(problem.hint == "try it by hand: \(bench.space.path("nothing"))", "its arguments may be secret")
    }
}

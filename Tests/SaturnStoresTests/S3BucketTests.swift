import Engines
import Glibc
import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnStores

/// The client against real servers.
@Suite(.enabled(if: S3Server.missing == nil, Comment(rawValue: S3Server.missing ?? "")))
final class S3BucketTests {
    let space: TestSpace
    private var servers: [S3Server] = []

    init() throws {
        space = try TestSpace()
    }

    struct Keys: S3CredentialSource {
        var secret = S3Server.secretKey
        func credentials() throws -> S3Credentials {
            S3Credentials(accessKey: S3Server.accessKey, secretKey: secret)
        }
        func refuse(_ credentials: S3Credentials) {}
    }

    /// A server of its own, which lives as long as the test.
    func server(_ kind: S3Server.Kind) throws -> S3Server {
        servers.append(try S3Server(kind, in: space))
        return servers[servers.count - 1]
    }

    func bucket(
        _ server: S3Server, _ name: String = "bucket", secret: String = S3Server.secretKey, tries: Int = 9
    ) throws -> S3Bucket {
        S3Bucket(
            try S3Endpoint(bucket: name, region: "us-east-1", endpoint: server.url), credentials: Keys(secret: secret),
            transport: CurlTransport(), policy: RetryPolicy(tries: tries))
    }

    static let odd = [
        "plain", "with space", "a+b", "é", "e\u{301}", "%41", "100%", "a&b=c?d#e", "quote\"'", "(x)[y]{z}", "日本/語",
        "~-._",
        "a;b:c@d,e", "<&>",
    ]

    @Test(arguments: S3Server.Kind.allCases) func oddKeys(_ kind: S3Server.Kind) throws {
        let bucket = try bucket(server(kind))
        for name in Self.odd { try bucket.put("p/\(name)", Array("in \(name)".utf8), type: "text/plain") }
        for name in Self.odd {
            let found = try bucket.get("p/\(name)", limit: 1000)
            #expect(found?.bytes == Array("in \(name)".utf8), "\(name)")
        }
        let expected = Self.odd.map { "p/\($0)" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(
            try bucket.list("p/", isFlat: false).objects.map { Array($0.key.utf8) } == expected.map { Array($0.utf8) })
        for name in Self.odd { #expect(try bucket.copy("p/\(name)", to: "q/\(name)", size: 1), "\(name)") }
        try bucket.delete(expected)
        #expect(try bucket.list("p/", isFlat: false).objects == [])
        for name in Self.odd { #expect(try bucket.get("q/\(name)", limit: 1000)?.bytes == Array("in \(name)".utf8)) }
        #expect(try bucket.get("p/plain", limit: 10) == nil)
        #expect(try bucket.copy("p/plain", to: "q/none", size: 1) == false)
    }

    @Test(arguments: S3Server.Kind.allCases) func manyObjects(_ kind: S3Server.Kind) throws {
        let bucket = try bucket(server(kind))
        let queue = WorkQueue(width: 8)
        for number in 0..<1500 {
            queue.submit([]) { try bucket.put("m/\(number)/x", [1, 2, 3], type: "text/plain") }
        }
        try queue.finish()
        let before = bucket.requests
        let listing = try bucket.list("m/", isFlat: false)
        #expect(listing.objects.count == 1500)
        #expect(bucket.requests - before == 2)
        #expect(listing.objects.allSatisfy { $0.size == 3 && abs($0.modified - listing.now) < 600 })
        #expect(try bucket.list("m/", isFlat: true).folders.count == 1500)
        try bucket.delete(listing.objects.map(\.key))
        #expect(try bucket.list("m/", isFlat: false).objects == [])
    }

    @Test(arguments: S3Server.Kind.allCases) func largeFile(_ kind: S3Server.Kind) throws {
        let bucket = try bucket(server(kind))
        _ = try space.run(["dd", "if=/dev/urandom", "of=large", "bs=1M", "count=50"])
        try space.write("tail", "x")
        _ = try space.run(["sh", "-c", "cat tail >> large"])
        let file = try FileInFolder("large", in: OpenFolder(space.folder))
        let digest = try bucket.put(
            "large", file: file.descriptor, offset: 3, length: file.size - 3, type: "application/octet-stream")
        let back = open(space.path("back"), O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        defer { close(back) }
        let sum = try bucket.get("large", into: back, offset: 0, size: file.size - 3)
        #expect(sum == ObjectSum(size: file.size - 3, sha256: digest))
        #expect(try space.run(["sh", "-c", "tail -c +4 large | cmp - back"]).status == 0)
        #expect(try bucket.copy("large", to: "copy", size: file.size - 3))
        #expect(try bucket.get("copy", into: back, offset: 0, size: file.size - 3)?.sha256 == digest)
        #expect(try bucket.get("none", into: back, offset: 0, size: file.size) == nil)
        #expect(try failure { _ = try bucket.get("large", into: back, offset: 0, size: file.size) }.kind == .engine)
    }

    @Test func wrongSecret() throws {
        let server = try server(.rclone)
        let problem = try failure { try bucket(server, secret: "no").put("a", [1], type: "text/plain") }
        #expect(problem.kind == .engine)
        #expect(
            problem.message
                == "cannot write s3://bucket/a: the server at 127.0.0.1:\(server.port) refuses the signature: the secret key is wrong"
        )
        #expect(problem.hint?.contains("AWS_SECRET_ACCESS_KEY") == true)
    }

    @Test(arguments: S3Server.Kind.allCases) func noSuchBucket(_ kind: S3Server.Kind) throws {
        let server = try server(kind)
        let none = try bucket(server, "nowhere")
        for problem in [
            try failure { try none.put("a", [1], type: "text/plain") }, try failure { _ = try none.get("a", limit: 1) },
            try failure { _ = try none.list("a", isFlat: false) },
        ] {
            #expect(problem.message.contains("there is no bucket 'nowhere'"), "\(problem)")
        }
    }

    @Test func aServerThatGoesAndComes() throws {
        let server = try server(.rclone)
        let (quick, patient) = (try bucket(server, tries: 2), try bucket(server))
        #expect(try patient.get("a", limit: 10) == nil)
        server.stop()
        let problem = try failure { try quick.put("a", [1], type: "text/plain") }
        #expect(problem.message.hasSuffix("in 2 tries"), "\(problem)")
        let queue = WorkQueue(width: 1)
        queue.submit([]) { try patient.put("a", [1], type: "text/plain") }
        try server.start()
        try queue.finish()
        #expect(try patient.get("a", limit: 10)?.bytes == [1])
        server.stop()
        let stranger = try failure { try bucket(server).put("a", [1], type: "text/plain") }
        #expect(stranger.message.hasSuffix("in 5 tries"), "\(stranger)")
    }
}

import Engines
import Glibc
import SaturnCore
import SaturnTesting
import Synchronization
import Testing

@testable import SaturnStores

/// What a server may say instead of doing what it is asked, and uploads that are cut off.
@Suite(.enabled(if: S3Server.missing == nil, Comment(rawValue: S3Server.missing ?? "")))
final class S3RefusalTests {
    let space: TestSpace
    let server: S3Server
    private var proxies: [FaultProxy] = []

    init() throws {
        space = try TestSpace()
        server = try S3Server(.rclone, in: space)
    }

    private final class Keys: S3CredentialSource {
        let refusals = Mutex(0)
        func credentials() throws -> S3Credentials {
            S3Credentials(accessKey: S3Server.accessKey, secretKey: S3Server.secretKey)
        }
        func refuse(_ credentials: S3Credentials) { refusals.withLock { $0 += 1 } }
    }

    private let keys = Keys()

    private func bucket(_ first: [String], tries: Int = 9) throws -> S3Bucket {
        proxies.append(try FaultProxy(before: server, rate: 0, seed: 1, first: first, in: space))
        return S3Bucket(
            try S3Endpoint(bucket: "bucket", region: "us-east-1", endpoint: proxies[proxies.count - 1].url),
            credentials: keys, transport: CurlTransport(), policy: RetryPolicy(tries: tries),
            uploads: UploadMemory(folder: space.path("uploads")))
    }

    @Test(arguments: ["500", "503", "429", "reset", "half-sent", "half-answered", "lost-reply"])
    func isTriedAgain(_ fault: String) throws {
        let bucket = try bucket([fault, fault])
        try bucket.put("a", Array("value".utf8), type: "text/plain")
        #expect(try bucket.get("a", limit: 10)?.bytes == Array("value".utf8))
        // The answer to a PUT has no half.
        #expect(bucket.requests == (fault == "half-answered" ? 3 : 4))
    }

    @Test func itsTimeIsWaited() throws {
        let bucket = try bucket(["slow"])
        let clock = ContinuousClock()
        let begin = clock.now
        try bucket.put("a", [1], type: "text/plain")
        #expect(clock.now - begin >= .seconds(1))
    }

    @Test func expiredCredentialsAreRenewedOnce() throws {
        try bucket(["expired"]).put("a", [1], type: "text/plain")
        #expect(keys.refusals.withLock { $0 } == 1)
        let problem = try failure { try bucket(["expired", "expired"]).put("a", [1], type: "text/plain") }
        #expect(problem.message.hasSuffix("says that the credentials have expired"), "\(problem)")
        #expect(problem.kind == .engine)
    }

    @Test func anotherRegion() throws {
        let bucket = try bucket(["region"])
        try bucket.put("a", [1], type: "text/plain")
        #expect(bucket.endpoint.region == "eu-central-1")
        #expect(bucket.requests == 2)
        let problem = try failure { try self.bucket(["region", "region"]).put("a", [1], type: "text/plain") }
        #expect(problem.message.contains("answers 301 (PermanentRedirect"), "\(problem)")
    }

    @Test func isNotAllowed() throws {
        let bucket = try bucket(["denied"])
        let problem = try failure { try bucket.put("a", [1], type: "text/plain") }
        #expect(problem.message.contains("does not allow it (AccessDenied: by the test)"), "\(problem)")
        #expect(problem.hint == "the key needs GetObject, PutObject, DeleteObject and ListBucket for 'bucket'")
        #expect(bucket.requests == 1)
    }

    @Test func isTooMuch() throws {
        let problem = try failure {
            try bucket(Array(repeating: "503", count: 3), tries: 3).put("a", [1], type: "text/plain")
        }
        #expect(problem.message.contains("answers 503 (SlowDown: by the test)"), "\(problem)")
    }

    // MARK: Uploads in parts

    private func file(_ name: String, megabytes: Int) throws -> FileInFolder {
        _ = try space.run(["dd", "if=/dev/urandom", "of=\(name)", "bs=1M", "count=\(megabytes)"])
        return try FileInFolder(name, in: OpenFolder(space.folder))
    }

    private func send(_ file: FileInFolder, to bucket: S3Bucket) throws -> SaturnCore.Digest {
        try bucket.put("large", file: file.descriptor, offset: 0, length: file.size, type: "application/x-test")
    }

    private func check(_ file: FileInFolder, in bucket: S3Bucket) throws {
        let back = open(space.path("back"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        defer { close(back) }
        let sum = try bucket.get("large", into: back, offset: 0, size: file.size)
        #expect(try sum == ObjectSum(size: file.size, sha256: file.digest()))
    }

    /// The server goes away after two parts of four; then only the other two are sent.
    @Test func goesOn() throws {
        let file = try file("four", megabytes: 64)
        let cut = try bucket(["-", "-", "-"] + Array(repeating: "reset", count: 30), tries: 1)
        #expect(throws: Failure.self) { try send(file, to: cut) }
        let whole = try bucket([])
        #expect(try send(file, to: whole) == file.digest())
        let sent = try proxies[1].requests.filter { $0.contains("partNumber=") && $0.hasPrefix("PUT") }
        #expect(sent.count == 2, "\(sent)")
        try check(file, in: whole)
        #expect(try space.list("uploads") == [])
        #expect(try whole.unfinishedUploads("").isEmpty)
    }

    /// What is sent next is something else: nothing of the first is taken.
    @Test func doesNotGoOnWithSomethingElse() throws {
        let cut = try bucket(["-", "-", "-"] + Array(repeating: "reset", count: 30), tries: 1)
        #expect(throws: Failure.self) { try send(self.file("one", megabytes: 64), to: cut) }
        let whole = try bucket([])
        let file = try file("other", megabytes: 64)
        #expect(try send(file, to: whole) == file.digest())
        let sent = try proxies[1].requests.filter { $0.contains("partNumber=") && $0.hasPrefix("PUT") }
        #expect(sent.count == 4, "\(sent)")
        try check(file, in: whole)
        #expect(try whole.unfinishedUploads("").isEmpty)
    }

    @Test func isGivenUp() throws {
        let bucket = try bucket(["-", "-", "denied"], tries: 1)
        let problem = try failure { _ = try send(file("four", megabytes: 64), to: bucket) }
        #expect(problem.message.contains("does not allow it"))
        #expect(try bucket.unfinishedUploads("").isEmpty)
        #expect(try space.list("uploads") == [])
        #expect(try bucket.list("", isFlat: false).objects.isEmpty)
    }

    /// The answer to the completion is lost: it is done all the same.
    @Test func itsEndIsLost() throws {
        let file = try file("two", megabytes: 30)
        let bucket = try bucket(["-", "-", "-", "lost-reply"])
        #expect(try send(file, to: bucket) == file.digest())
        try check(file, in: bucket)
    }

    /// Of a run that did not come back.
    @Test func strangersAreAborted() throws {
        let cut = try bucket(["-", "-", "-"] + Array(repeating: "reset", count: 30), tries: 1)
        #expect(throws: Failure.self) { try send(file("one", megabytes: 40), to: cut) }
        let whole = try bucket([])
        #expect(try whole.unfinishedUploads("").map(\.key) == ["large"])
        try whole.abortUploads("la")
        #expect(try whole.unfinishedUploads("").isEmpty)
    }
}

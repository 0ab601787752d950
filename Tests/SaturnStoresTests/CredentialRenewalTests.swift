import Dispatch
import SaturnCore
import Synchronization
import Testing

@testable import SaturnStores

/// Credentials that end, by a clock that the tests move.
@Suite struct CredentialRenewalTests {
    let bench: CredentialBench

    init() throws {
        bench = try CredentialBench()
    }

    @Test func fiveMinutesBefore() throws {
        try bench.writeProgram(expiration: CredentialBench.expiration)
        let chain = bench.chain([:])
        #expect(try chain.credentials().accessKey == "1")
        bench.clock.advance(by: 55 * 60 - 1)
        #expect(try chain.credentials().accessKey == "1")
        bench.clock.advance(by: 1)
        #expect(try chain.credentials().accessKey == "2")
    }

    @Test func thoseThatDoNotEnd() throws {
        try bench.writeProgram(expiration: nil)
        let chain = bench.chain([:])
        for _ in 0..<3 {
            #expect(try chain.credentials().accessKey == "1")
            bench.clock.advance(by: 1e9)
        }
        #expect(bench.runs == 1)
    }

    /// Good for less than the margin from the start: not one program for each request.
    @Test func shortLived() throws {
        try bench.writeProgram(expiration: "2026-11-26T12:04:00Z")
        let chain = bench.chain([:])
        for _ in 0..<5 { #expect(try chain.credentials().accessKey == "1") }
        bench.clock.advance(by: 60)
        for _ in 0..<5 { #expect(try chain.credentials().accessKey == "2") }
        #expect(bench.runs == 2)
    }

    @Test func alreadyEnded() throws {
        try bench.writeProgram(expiration: "2026-11-26T11:59:00Z")
        let chain = bench.chain([:])
        #expect(try chain.credentials().accessKey == "1", "the server's clock decides, which may be another")
        #expect(try chain.credentials().accessKey == "2")
    }

    /// Old ones serve as long as they are good; whoever has none to give is not asked for every request.
    @Test func failing() throws {
        try bench.writeProgram(expiration: CredentialBench.expiration)
        let chain = bench.chain([:])
        #expect(try chain.credentials().accessKey == "1")
        try bench.space.write("fail", "")
        bench.clock.advance(by: 56 * 60)
        for _ in 0..<5 { #expect(try chain.credentials().accessKey == "1") }
        #expect(bench.runs == 2)
        bench.clock.advance(by: 60)
        for _ in 0..<5 { #expect(try chain.credentials().accessKey == "1") }
        #expect(bench.runs == 3)
        bench.clock.advance(by: 3 * 60)
        for _ in 0..<2 {
            let problem = try failure { _ = try chain.credentials() }
            #expect(problem.message == "the credential_process of the profile 'default' exits with 1")
        }
        bench.space.remove("fail")
        #expect(try chain.credentials().accessKey == "6")
    }

    @Test func refused() throws {
        try bench.writeProgram(expiration: CredentialBench.expiration)
        let chain = bench.chain([:])
        let first = try chain.credentials()
        chain.refuse(first)
        let second = try chain.credentials()
        #expect(second.accessKey == "2")
        // Of another request, which was under way with the first.
        chain.refuse(first)
        #expect(try chain.credentials() == second)
        try bench.space.write("fail", "")
        chain.refuse(second)
        #expect(throws: Failure.self, "no server takes them any more") { try chain.credentials() }
    }

    /// A tool has put new ones into the file meanwhile.
    @Test func refusedOfAFile() throws {
        let chain = bench.chain([:])
        for key in ["a", "b"] {
            try bench.space.write(
                ".aws/credentials", "[default]\naws_access_key_id = \(key)\naws_secret_access_key = s\n")
            let found = try chain.credentials()
            #expect(found.accessKey == key)
            chain.refuse(found)
        }
    }

    @Test func manyAtOnce() throws {
        try bench.writeProgram(expiration: CredentialBench.expiration)
        let chain = bench.chain([:])
        let found = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 16) { _ in
            let key = (try? chain.credentials())?.accessKey ?? "none"
            found.withLock { $0.append(key) }
        }
        #expect(found.withLock { $0 } == Array(repeating: "1", count: 16))
        #expect(bench.runs == 1)
    }
}

import Glibc
import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnEngine

@Suite struct ContentDigestsTests {
    private let space: TestSpace
    private let ledger = MemoryLedger()

    init() throws { space = try TestSpace() }

    /// As a run does that begins `seconds` from now.
    private func digests(after seconds: Double = 0) -> ContentDigests {
        let now = SystemClock().now().microseconds + Int64(seconds * 1e6)
        return ContentDigests(ledger: ledger, clock: ManualClock(now: Timestamp(microseconds: now)))
    }

    private func digest(_ name: String) throws -> Digest? { try digests().digest(of: space.path(name)) }

    /// Other bytes of the same number behind the ledger's back: what is remembered shows.
    private func remember(_ name: String, in digests: ContentDigests) throws -> [DigestRecord] {
        _ = try digests.digest(of: space.path(name))
        return digests.takeFresh()
    }

    // MARK: Files

    @Test func aFileIsItsContent() throws {
        try space.write("a", "abc")
        try space.write("b", "abc")
        try space.write("large", [UInt8](repeating: 7, count: 200_000))
        #expect(try digest("a") == Digest(of: "abc".utf8))
        #expect(try digest("b") == digest("a"))
        #expect(try digest("large") == Digest(of: [UInt8](repeating: 7, count: 200_000)))
        #expect(try digest("nothing") == nil)
    }

    @Test func aLinkIsWhatItLeadsTo() throws {
        try space.write("a", "abc")
        try space.link("link", to: "a")
        try space.link("broken", to: "nowhere")
        #expect(try digest("link") == digest("a"))
        #expect(try digest("broken") == nil)
    }

    @Test func whatIsNeitherFileNorFolderIsRefused() throws {
        #expect(mkfifo(space.path("pipe"), 0o600) == 0)
        #expect(throws: Failure.self) { try digest("pipe") }
    }

    @Test func anOldFileIsRememberedAndAYoungOneIsNot() throws {
        try space.write("a", "abc")
        #expect(try remember("a", in: digests()).isEmpty)
        #expect(try remember("a", in: digests(after: 1.5)).isEmpty)
        let fresh = try remember("a", in: digests(after: 3))
        #expect(fresh.map(\.path) == [space.path("a")])
        #expect(fresh.map(\.digest) == [Digest(of: "abc".utf8)])
    }

    @Test func whatIsRememberedIsNotReadAgain() throws {
        try space.write("a", "abc")
        var record = try #require(try remember("a", in: digests(after: 3)).first)
        // A digest that the content cannot have tells where an answer comes from.
        record.digest = Digest(of: "remembered".utf8)
        var batch = LedgerBatch()
        batch.digests = [record]
        try ledger.commit(batch)
        let later = digests(after: 3)
        #expect(try later.digest(of: space.path("a")) == record.digest)
        #expect(later.takeFresh().isEmpty)
        // Another file of that name has another stamp, even of the same size and time.
        try space.write("new", "xyz")
        try space.rename("new", to: "a")
        #expect(try digests().digest(of: space.path("a")) == Digest(of: "xyz".utf8))
    }

    @Test func everyPartOfTheStampCounts() throws {
        try space.write("a", "abc")
        let record = try #require(try remember("a", in: digests(after: 3)).first)
        let changes: [(inout FileStamp) -> Void] = [
            { $0.inode += 1 }, { $0.size += 1 }, { $0.modified += 1 }, { $0.changed += 1 },
        ]
        for change in changes {
            var other = record
            other.digest = Digest(of: "remembered".utf8)
            change(&other.stamp)
            var batch = LedgerBatch()
            batch.digests = [other]
            try ledger.commit(batch)
            #expect(try digest("a") == Digest(of: "abc".utf8))
        }
    }

    // MARK: Folders

    @Test func aFoldersDigestFollowsEverythingInIt() throws {
        try space.write("d/a", "1")
        try space.write("d/sub/b", "2")
        try space.link("d/link", to: "a")
        space.makeFolder("d/empty")
        var seen = [try #require(try digest("d"))]
        func expectChange(_ what: String, _ change: () throws -> Void) throws {
            try change()
            let now = try #require(try digest("d"))
            #expect(!seen.contains(now), "\(what)")
            seen.append(now)
        }
        try expectChange("content") { try space.write("d/sub/b", "3") }
        try expectChange("a new file") { try space.write("d/new", "1") }
        try expectChange("a name") { try space.rename("d/new", to: "d/newer") }
        try expectChange("a move") { try space.rename("d/newer", to: "d/sub/newer") }
        try expectChange("execute bit") { try space.setMode("d/a", 0o755) }
        try expectChange("a link's text") {
            space.remove("d/link")
            try space.link("d/link", to: "sub")
        }
        try expectChange("a link becomes a file") {
            space.remove("d/link")
            try space.write("d/link", "sub")
        }
        try expectChange("an empty folder") { space.remove("d/empty") }
        try expectChange("a dotfile") { try space.write("d/.hidden", "") }
        // What does not count: times and other permission bits.
        try space.write("d/a", "1", executable: true)
        try space.setMode("d/sub/b", 0o600)
        #expect(try digest("d") == seen.last)
    }

    /// A folder of inputs is often one of links to where the data are; in results a task may plant any.
    @Test func whatLinksInAFolderLeadToCountsForInputsAlone() throws {
        try space.write("outside/file", "1")
        try space.write("outside/folder/x", "1")
        try space.write("in/own", "1")
        try space.link("in/file", to: "../outside/file")
        try space.link("in/folder", to: "../outside/folder")
        try space.link("in/circle", to: "..")
        try space.link("in/nowhere", to: "gone")
        func inputs() throws -> Digest? { try digests().digest(of: space.path("in"), followsLinks: true) }
        let (results, before) = (try digest("in"), try inputs())
        #expect(results != before)
        try space.write("outside/file", "2")
        let first = try inputs()
        #expect(first != before)
        try space.write("outside/folder/x", "2")
        let second = try inputs()
        #expect(second != first)
        // Not to what the folder itself lies in: a link to `/` would be everything.
        try space.link("in/everything", to: "/")
        let third = try inputs()
        try space.write("outside/unrelated", "1")
        #expect(third != second)
        #expect(try inputs() == third)
        space.remove("in/everything")
        #expect(try digest("in") == results)
    }

    @Test func equalFoldersHaveOneDigestWhereverTheyAre() throws {
        for name in ["x", "y/z"] {
            // In another order each.
            for file in name == "x" ? ["a", "b/c"] : ["b/c", "a"] { try space.write("\(name)/\(file)", file) }
            try space.link("\(name)/link", to: "nowhere")
        }
        #expect(try digest("x") == digest("y/z"))
        #expect(try digest("x") != digest("y"))
    }

    @Test func anEmptyFolderIsNothingWritten() throws {
        space.makeFolder("empty")
        #expect(try digest("empty") == Digest(of: [UInt8]()))
    }
}

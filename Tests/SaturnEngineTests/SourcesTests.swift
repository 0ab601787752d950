import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnEngine

@Suite struct SourcesTests {
    private let space: TestSpace
    private let sources: Sources

    init() throws {
        space = try TestSpace()
        sources = Sources(
            code: ManualCode(), digests: ContentDigests(ledger: MemoryLedger(), clock: SystemClock()))
    }

    /// The kernel gives a file the time of its last tick, which may be before that of a task that was started first.
    @Test(arguments: [(-1_000_000, true), (0, true), (1, true), (12_000, true), (50_000, true), (1_000_000, false)])
    func aFileOfTheLastTickMayBeNewer(_ later: Int64, _ isDoubtful: Bool) throws {
        try space.write("data", "x")
        let path = space.path("data")
        let index = try #require(try sources.content(path)).source
        let started = Timestamp(microseconds: FileStamps(at: path).lastChange / 1000 + later)
        #expect(sources.haveChanged([index], since: started) == isDoubtful)
    }
}

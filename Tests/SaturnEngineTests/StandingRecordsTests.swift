import SaturnCore
import Testing

@testable import SaturnEngine

@Suite struct StandingRecordsTests {
    private func record(_ task: String, _ number: UInt64) -> AttemptRecord {
        var generator = SystemRandomNumberGenerator()
        var id = AttemptID(using: &generator)
        id.low = number
        return AttemptRecord(
            id: id, key: Digest(of: []), location: "/", task: task, run: "run", state: .success, place: .standing)
    }

    /// In whatever order they are asked for, also for one twice.
    @Test func eachIsFoundByItsName() {
        let names = ["0", "B", "a", "a b", "b", "e\u{301}", "é", "日本"]
        var records = StandingRecords(names.enumerated().map { record($1, UInt64($0)) })
        for order in [Array(names.indices), names.indices.reversed(), [3, 3, 0, 7, 4, 4, 5, 1]] {
            for index in order { #expect(records.record(of: names[index])?.id.low == UInt64(index)) }
            for unknown in ["", "00", "aa", "zz", "\u{10FFFF}"] { #expect(records.record(of: unknown) == nil) }
        }
        var none = StandingRecords([])
        #expect(none.isEmpty && none.record(of: "a") == nil)
    }
}

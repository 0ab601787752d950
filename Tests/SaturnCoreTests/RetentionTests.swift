import SaturnCore
import SaturnTesting
import Testing

/// What of the attic goes, and why.
@Suite struct RetentionTests {
    private static let now = Timestamp(microseconds: 1_700_000_000_000_000)
    private static let day = 86_400.0

    /// An entry that was superseded that many days ago.
    private func entry(
        _ task: String, days: Double, size: Int64 = 10, isSuccess: Bool = true, hold: Retention.Hold? = nil,
        location: String = "/results"
    ) -> Retention.Entry {
        var generator = SystemRandomNumberGenerator()
        return Retention.Entry(
            rank: Retention.Rank(location: location, task: task, isSuccess: isSuccess),
            attempt: AttemptID(using: &generator),
            since: Timestamp(microseconds: Self.now.microseconds - Int64(days * Self.day * 1e6)), size: size, hold: hold
        )
    }

    private func verdicts(
        _ limits: RetentionLimits, _ entries: [Retention.Entry], standing: Set<Retention.Rank> = []
    ) -> [Retention.Verdict] {
        Retention(limits, now: Self.now).verdicts(on: entries, standing: standing)
    }

    /// The positions of those that go.
    private func gone(
        _ limits: RetentionLimits, _ entries: [Retention.Entry], standing: Set<Retention.Rank> = []
    ) -> [Int] {
        let verdicts = verdicts(limits, entries, standing: standing)
        return verdicts.indices.filter { verdicts[$0].goes }
    }

    private let standingA = Retention.Rank(location: "/results", task: "a", isSuccess: true)

    // MARK: Age

    @Test func thirtyDaysWithoutALimit() {
        let entries = [entry("a", days: 31), entry("a", days: 29), entry("b", days: 30), entry("b", days: 300)]
        #expect(
            verdicts(RetentionLimits(), entries) == [
                .goes(.age(limit: 30 * Self.day)), .stays(nil), .stays(nil), .goes(.age(limit: 30 * Self.day)),
            ])
    }

    @Test func anotherAge() {
        let entries = [entry("a", days: 8), entry("a", days: 6), entry("a", days: 0)]
        #expect(gone(RetentionLimits(olderThan: 7 * Self.day), entries) == [0])
        #expect(gone(RetentionLimits(olderThan: 0), entries) == [0, 1])
    }

    /// With another limit the thirty days are none.
    @Test func ageDoesNotCountBesideAnotherLimit() {
        #expect(gone(RetentionLimits(maxSize: 1000), [entry("a", days: 100)]) == [])
        #expect(gone(RetentionLimits(keepLast: 1), [entry("a", days: 100)]) == [])
    }

    @Test func aClockThatWasSetBack() {
        let entries = [entry("a", days: -400), entry("a", days: -0.001)]
        #expect(gone(RetentionLimits(), entries) == [])
        #expect(gone(RetentionLimits(olderThan: 0), entries) == [])
        let extremes = [Int64.min, Int64.max].map { time in
            var entry = entry("a", days: 0)
            entry.since = Timestamp(microseconds: time)
            return entry
        }
        #expect(gone(RetentionLimits(olderThan: 1), extremes) == [], "a time that cannot be is not old either")
    }

    // MARK: Count

    @Test func theNewestOfEachTask() {
        let entries = [
            entry("a", days: 3), entry("a", days: 1), entry("b", days: 9), entry("a", days: 2),
            entry("a", days: 5, location: "/elsewhere"),
        ]
        #expect(gone(RetentionLimits(keepLast: 2), entries) == [0])
        #expect(gone(RetentionLimits(keepLast: 1), entries) == [0, 3])
        #expect(gone(RetentionLimits(keepLast: 2), entries, standing: [standingA]) == [0, 3])
        #expect(gone(RetentionLimits(keepLast: 1), entries, standing: [standingA]) == [0, 1, 3])
        #expect(verdicts(RetentionLimits(keepLast: 2), entries)[0] == .goes(.count(limit: 2)))
    }

    @Test func failuresDoNotPushOutASuccess() {
        let entries = [
            entry("a", days: 9), entry("a", days: 1, isSuccess: false), entry("a", days: 2, isSuccess: false),
            entry("a", days: 3, isSuccess: false),
        ]
        #expect(gone(RetentionLimits(keepLast: 1), entries) == [2, 3])
        let failing = Retention.Rank(location: "/results", task: "a", isSuccess: false)
        #expect(gone(RetentionLimits(keepLast: 1), entries, standing: [failing]) == [1, 2, 3])
    }

    @Test func equalTimesAreDecidedAlike() {
        let entries = (0..<6).map { _ in entry("a", days: 1) }
        let first = gone(RetentionLimits(keepLast: 3), entries).map { entries[$0].attempt }
        let again = entries.shuffled()
        #expect(Set(first) == Set(gone(RetentionLimits(keepLast: 3), again).map { again[$0].attempt }))
        #expect(first.count == 3)
    }

    // MARK: Size

    @Test func theOldestUntilTheRestFits() {
        let entries = [entry("a", days: 1, size: 30), entry("b", days: 3, size: 40), entry("c", days: 2, size: 50)]
        #expect(gone(RetentionLimits(maxSize: 120), entries) == [])
        #expect(gone(RetentionLimits(maxSize: 119), entries) == [1])
        #expect(gone(RetentionLimits(maxSize: 79), entries) == [1, 2])
        #expect(gone(RetentionLimits(maxSize: 0), entries) == [0, 1, 2])
        #expect(verdicts(RetentionLimits(maxSize: 119), entries)[1] == .goes(.size(limit: 119)))
    }

    @Test func whatIsPinnedCountsAndStays() {
        let entries = [
            entry("a", days: 9, size: 80, hold: .pinned), entry("b", days: 3, size: 40), entry("c", days: 2, size: 40),
            entry("d", days: 99, size: 1000, hold: .foreign),
        ]
        #expect(gone(RetentionLimits(maxSize: 120), entries) == [1])
    }

    // MARK: Together

    @Test func anyOfTheLimits() {
        let entries = [
            entry("a", days: 40, size: 1), entry("b", days: 2, size: 1), entry("b", days: 1, size: 1),
            entry("c", days: 1, size: 1),
        ]
        let limits = RetentionLimits(olderThan: 30 * Self.day, keepLast: 1, maxSize: 1)
        #expect(
            verdicts(limits, entries).filter(\.goes).sorted { "\($0)" < "\($1)" } == [
                .goes(.age(limit: 30 * Self.day)), .goes(.count(limit: 1)), .goes(.size(limit: 1)),
            ])
    }

    @Test(arguments: [
        RetentionLimits(), RetentionLimits(olderThan: 0), RetentionLimits(keepLast: 1), RetentionLimits(maxSize: 0),
        RetentionLimits(all: true),
    ])
    func whatIsHeldNeverGoes(_ limits: RetentionLimits) {
        let entries = [entry("a", days: 99, hold: .pinned), entry("a", days: 98, hold: .foreign)]
        #expect(verdicts(limits, entries, standing: [standingA]) == [.stays(.pinned), .stays(.foreign)])
    }

    @Test func all() {
        let entries = [entry("a", days: 0), entry("b", days: -5)]
        #expect(verdicts(RetentionLimits(all: true), entries) == [.goes(.all), .goes(.all)])
    }

    // MARK: Checkpoints

    private func checkpoint(days: Double, replica: Int = 0) -> ArchivedCheckpoint {
        ArchivedCheckpoint(
            key: Digest(of: []), replica: replica,
            since: Timestamp(microseconds: Self.now.microseconds - Int64(days * Self.day * 1e6)))
    }

    private func reason(
        _ limits: RetentionLimits, days: Double, replica: Int = 0, successes: Int = 0, unfinished: Int = 0,
        isKnown: Bool = true
    ) -> CheckpointRetention.Reason? {
        var key = CheckpointRetention.KeyState()
        (key.successes, key.unfinished, key.isKnown) = (successes, unfinished, isKnown)
        return CheckpointRetention(limits, now: Self.now).reason(checkpoint(days: days, replica: replica), key)
    }

    @Test func oldCheckpoints() {
        #expect(reason(RetentionLimits(), days: 31) == .age(limit: 30 * Self.day))
        #expect(reason(RetentionLimits(), days: 29) == nil)
        #expect(reason(RetentionLimits(keepLast: 1), days: 29) == nil)
        #expect(reason(RetentionLimits(olderThan: 7 * Self.day), days: 8) == .age(limit: 7 * Self.day))
        #expect(reason(RetentionLimits(all: true), days: 0) == .all)
    }

    @Test func checkpointsOfASuccess() {
        #expect(reason(RetentionLimits(), days: 0, successes: 1) == .succeeded)
        #expect(reason(RetentionLimits(), days: 0, replica: 1, successes: 1) == nil, "the other's may be the one")
        #expect(reason(RetentionLimits(), days: 0, replica: 1, successes: 2) == .succeeded)
        #expect(reason(RetentionLimits(), days: 0, successes: 1, unfinished: 1) == nil, "one is to go on from it")
    }

    @Test func checkpointsOfAKeyThatNobodyKnows() {
        #expect(reason(RetentionLimits(all: true), days: 29, isKnown: false) == nil)
        #expect(reason(RetentionLimits(olderThan: 1), days: 29, isKnown: false) == nil)
        #expect(reason(RetentionLimits(all: true), days: 31, isKnown: false) == .age(limit: 30 * Self.day))
        #expect(
            reason(RetentionLimits(olderThan: 60 * Self.day), days: 31, isKnown: false) == nil,
            "a longer limit counts for them too")
    }
}

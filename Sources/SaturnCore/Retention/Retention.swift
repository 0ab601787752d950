/// Decides what of the attic goes, and why; does nothing itself.
///
/// ```swift
/// let verdicts = Retention(RetentionLimits(keepLast: 2), now: clock.now()).verdicts(on: entries)
/// ```
public struct Retention: Sendable {
    public enum Verdict: Hashable, Sendable {
        case goes(Reason)
        case stays(Hold?)

        public var goes: Bool { if case .goes = self { true } else { false } }
    }

    public enum Reason: Hashable, Sendable {
        /// Superseded longer ago than that many seconds.
        case age(limit: Double)
        /// That many newer results of its task are kept.
        case count(limit: Int)
        /// The attic had more bytes than that.
        case size(limit: Int64)
        case all
    }

    /// What keeps an entry whatever the limits say.
    public enum Hold: Hashable, Sendable {
        case pinned
        /// Another project put it there.
        case foreign
    }

    /// Results of one task compete for their places, successes and failures apart: however often a task fails later,
    /// its last success is kept.
    public struct Rank: Hashable, Sendable {
        public var location: String
        public var task: String
        public var isSuccess: Bool

        public init(location: String, task: String, isSuccess: Bool) {
            self.location = location
            self.task = task
            self.isSuccess = isSuccess
        }
    }

    /// A superseded result.
    public struct Entry: Hashable, Sendable {
        public var rank: Rank
        public var attempt: AttemptID
        public var since: Timestamp
        /// Bytes.
        public var size: Int64
        public var hold: Hold?

        public init(rank: Rank, attempt: AttemptID, since: Timestamp, size: Int64, hold: Hold? = nil) {
            self.rank = rank
            self.attempt = attempt
            self.since = since
            self.size = size
            self.hold = hold
        }
    }

    private let limits: RetentionLimits
    private let now: Timestamp

    public init(_ limits: RetentionLimits, now: Timestamp) {
        self.limits = limits
        self.now = now
    }

    /// One verdict for each entry.
    ///
    /// - Parameter standing: one for each result that stands in its task's folder; it counts as the newest.
    public func verdicts(on entries: [Entry], standing: Set<Rank> = []) -> [Verdict] {
        var verdicts = entries.map { entry in entry.hold.map { .stays($0) } ?? ageVerdict(entry) }
        // The newest first. Equal times are told apart by the attempt, so that two looks decide the same.
        let order = entries.indices.sorted {
            (entries[$1].since, entries[$1].attempt.high, entries[$1].attempt.low)
                < (entries[$0].since, entries[$0].attempt.high, entries[$0].attempt.low)
        }
        applyCount(order, entries, standing, &verdicts)
        applySize(order, entries, &verdicts)
        return verdicts
    }

    /// Whether something that has been there since `time` is old. A clock that was set back makes nothing old.
    public func isOld(_ time: Timestamp, age: Double) -> Bool {
        let (past, overflow) = now.microseconds.subtractingReportingOverflow(time.microseconds)
        return !overflow && Double(past) > age * 1e6
    }

    private func ageVerdict(_ entry: Entry) -> Verdict {
        if limits.all { return .goes(.all) }
        guard let age = limits.age, isOld(entry.since, age: age) else { return .stays(nil) }
        return .goes(.age(limit: age))
    }

    private func applyCount(_ order: [Int], _ entries: [Entry], _ standing: Set<Rank>, _ verdicts: inout [Verdict]) {
        guard let keepLast = limits.keepLast else { return }
        var newer: [Rank: Int] = [:]
        for rank in standing { newer[rank] = 1 }
        for index in order where entries[index].hold != .foreign {
            let count = newer[entries[index].rank, default: 0]
            newer[entries[index].rank] = count + 1
            if count >= keepLast, verdicts[index] == .stays(nil) { verdicts[index] = .goes(.count(limit: keepLast)) }
        }
    }

    /// The oldest of what the other limits leave, until the rest is small enough. What is pinned counts, and stays.
    private func applySize(_ order: [Int], _ entries: [Entry], _ verdicts: inout [Verdict]) {
        guard let maxSize = limits.maxSize else { return }
        let staying = order.filter { !verdicts[$0].goes && entries[$0].hold != .foreign }
        var total = staying.reduce(Int64(0)) { $0 + entries[$1].size }
        for index in staying.reversed() where total > maxSize && verdicts[index] == .stays(nil) {
            verdicts[index] = .goes(.size(limit: maxSize))
            total -= entries[index].size
        }
    }
}

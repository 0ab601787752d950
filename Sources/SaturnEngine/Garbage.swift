public import SaturnCore

/// What `saturn gc` is asked to do.
public struct GarbageRequest: Sendable {
    public var limits: RetentionLimits
    /// Only what is of this run.
    public var run: RunRecord?
    /// Also the results of that run that stand in the layout, and its record.
    public var removesResults: Bool

    public init(limits: RetentionLimits, run: RunRecord? = nil, removesResults: Bool = false) {
        self.limits = limits
        self.run = run
        self.removesResults = removesResults
    }

    /// Of the stores that it concerns.
    func locations(in ledger: any Ledger) throws -> [String] {
        if let run { return [run.location] }
        return Set(try ledger.locations() + ledger.runs().map(\.location)).sorted()
    }
}

/// What goes and what stays, each with its reason.
public struct Garbage: Sendable {
    public enum Reason: Hashable, Sendable {
        case superseded(Retention.Reason)
        case checkpoint(CheckpointRetention.Reason)
        /// It stands in the layout, and was asked for.
        case result
    }

    public struct Item: Sendable {
        public var location: String
        /// The name of its task; `nil` when nobody knows it any more.
        public var task: String?
        public var key: TaskKey
        /// `nil` for a checkpoint.
        public var attempt: AttemptID?
        public var place: ResultPlace
        /// When it was superseded, or last changed.
        public var since: Timestamp
        /// Bytes.
        public var size: Int64
        public var reason: Reason

        public init(
            location: String, task: String?, key: TaskKey, attempt: AttemptID?, place: ResultPlace, since: Timestamp,
            size: Int64, reason: Reason
        ) {
            self.location = location
            self.task = task
            self.key = key
            self.attempt = attempt
            self.place = place
            self.since = since
            self.size = size
            self.reason = reason
        }
    }

    public struct Share: Hashable, Sendable {
        public var count: Int
        /// On the disk.
        public var bytes: Int64

        public init(count: Int = 0, bytes: Int64 = 0) {
            self.count = count
            self.bytes = bytes
        }

        mutating func add(_ size: Int64) {
            count += 1
            bytes += size
        }
    }

    /// What another limit would delete of what stays.
    public struct Alternative: Hashable, Sendable {
        public var limits: RetentionLimits
        public var bytes: Int64

        public init(limits: RetentionLimits, bytes: Int64) {
            self.limits = limits
            self.bytes = bytes
        }
    }

    public var going: [Item] = []
    /// Superseded results that are within the limits.
    public var kept = Share()
    public var pinned = Share()
    /// Put there by other projects; their size is nobody's business here.
    public var foreign = 0
    public var checkpoints = Share()
    /// Copies of code that go: no active run uses them.
    public var snapshots = Share()
    /// Paths of what is there and is not saturn's.
    public var unknown: [String] = []
    /// Runs that are not to be remembered.
    public var forgottenRuns: [RunRecord] = []
    public var alternatives: [Alternative] = []
    /// What else there is to say.
    public var notes: [String] = []

    public init() {}

    /// Of all that goes.
    public var bytes: Int64 { going.reduce(snapshots.bytes) { $0 + $1.size } }
}

/// Decides which checkpoints go.
public struct CheckpointRetention: Sendable {
    public enum Reason: Hashable, Sendable {
        /// Nothing in it changed for longer than that many seconds.
        case age(limit: Double)
        /// Its task has succeeded: nobody will ask for it.
        case succeeded
        case all
    }

    /// What is known of a key at one location.
    public struct KeyState: Hashable, Sendable {
        /// Successes that stand or are in the attic.
        public var successes = 0
        /// Attempts in their tasks' folders that are no successes: they will go on from a checkpoint.
        public var unfinished = 0
        /// The project has heard of it.
        public var isKnown = false

        public init() {}
    }

    private let limits: RetentionLimits
    private let retention: Retention

    public init(_ limits: RetentionLimits, now: Timestamp) {
        self.limits = limits
        retention = Retention(limits, now: now)
    }

    /// `nil` when it stays, as long as an attempt that did not succeed stands under its key.
    ///
    /// A folder of checkpoints does not say whose it is. One of a key that the project does not know may be another
    /// project's: only 30 days make it waste.
    public func reason(_ checkpoint: ArchivedCheckpoint, _ key: KeyState) -> Reason? {
        guard key.isKnown else {
            let age = max(limits.sideAge, RetentionLimits.defaultAge)
            return retention.isOld(checkpoint.since, age: age) ? .age(limit: age) : nil
        }
        // One success of several tasks with equal manifests does not say that the others have theirs.
        if key.successes > checkpoint.replica, key.unfinished == 0 { return .succeeded }
        // Its task was cut off, and will go on from there: whatever else is wanted, that is not superseded.
        if key.unfinished > 0 { return nil }
        if limits.all { return .all }
        return retention.isOld(checkpoint.since, age: limits.sideAge) ? .age(limit: limits.sideAge) : nil
    }
}

/// How much of what was superseded is kept; something goes when any of the limits says so.
public struct RetentionLimits: Hashable, Sendable {
    /// Without any limit, what was superseded longer ago than this goes: 30 days, in seconds.
    public static let defaultAge: Double = 30 * 86_400

    /// Seconds since something was superseded.
    public var olderThan: Double?
    /// The newest results of each task that are kept, the one that stands among them.
    public var keepLast: Int?
    /// Bytes that the attic may have.
    public var maxSize: Int64?
    /// Nothing is kept.
    public var all: Bool

    public init(olderThan: Double? = nil, keepLast: Int? = nil, maxSize: Int64? = nil, all: Bool = false) {
        self.olderThan = olderThan
        self.keepLast = keepLast
        self.maxSize = maxSize
        self.all = all
    }

    /// Seconds after which a superseded result goes; `nil` when other limits decide.
    public var age: Double? {
        if let olderThan { return olderThan }
        return keepLast == nil && maxSize == nil && !all ? Self.defaultAge : nil
    }

    /// Seconds after which what is no result goes: checkpoints, records of runs.
    public var sideAge: Double { all ? 0 : olderThan ?? Self.defaultAge }
}

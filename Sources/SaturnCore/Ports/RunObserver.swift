/// Listens to a run as it goes; decides nothing.
public protocol RunObserver: Sendable {
    func observe(_ event: RunEvent)
}

public enum RunEvent: Sendable {
    case started(task: Int)
    case settled(task: Int, TaskState, Settled)
    /// Failed, and tried again as attempt `number`, after so many seconds at the earliest.
    case retrying(task: Int, number: Int, Cause, after: Double)
    /// Nothing more is started; what runs goes on.
    case draining
    case stopping(signal: Int32, again: Bool)
    case warning(String)
    /// A beat, about ten a second.
    case beat
}

/// What is told of a task that has come to its end.
public struct Settled: Sendable {
    /// `nil` unless it failed.
    public var cause: Cause?
    /// Seconds; 0 when it did not run.
    public var duration: Double
    /// Path of its log, when it ran.
    public var log: String?
    /// The needed task that failed, when it is blocked.
    public var blockedBy: Int?

    public init(cause: Cause? = nil, duration: Double = 0, log: String? = nil, blockedBy: Int? = nil) {
        self.cause = cause
        self.duration = duration
        self.log = log
        self.blockedBy = blockedBy
    }
}

/// Where a task is in a run.
///
/// ```
/// waiting → ready → running → succeeded | failed | terminated
///                      ↑  │
///                      └──┘ another attempt
/// waiting → reused | restored  decided when its needs are met: their results are the ones it has used before
/// waiting → blocked            a needed task failed
/// waiting, ready → skipped     the run was stopped before it started
/// running → skipped            the same, and the executor had it already
/// reused, restored, excluded   as the plan has decided, never run
/// ```
public enum TaskState: String, Hashable, Sendable {
    /// Some task that it needs has not succeeded yet.
    case waiting
    /// All needs are met; it waits for a slot.
    case ready
    /// An attempt is with the executor.
    case running
    case succeeded, failed, terminated
    case blocked
    /// Planned, and not started when the run ended.
    case skipped
    case reused, restored
    /// Not selected by `--only`.
    case excluded

    /// Its result can be used by the tasks that need it.
    public var hasResult: Bool { self == .succeeded || self == .reused || self == .restored }
    public var isSettled: Bool { self != .waiting && self != .ready && self != .running }
}

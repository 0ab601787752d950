/// Runs commands somewhere.
///
/// An executor that shares this machine's disk writes in place: `Launch.workspace` is the task's folder.
public protocol Executor: Sendable {
    /// How many attempts it runs at once.
    var slots: Int { get }
    /// Where whoever hears its events does best what follows from them: where they come from, nothing is handed from thread
    /// to thread. `nil` is anywhere. To be used between ``start(_:)`` and ``stop()``.
    var workplace: (any TaskExecutor)? { get }
    /// What of the executor counts in the key: a container image.
    var identity: [Manifest.Value] { get }
    /// What it can never give to these tasks, before anything runs.
    func problems(with tasks: [TaskSpec]) -> [Diagnostic]
    /// Starts it; from then on `deliver` is called with batches of events, one call at a time, until ``stop()``.
    func start(_ deliver: @escaping @Sendable ([ExecutorEvent]) -> Void) throws
    func launch(_ launches: [Launch])
    /// Asks an attempt to end (SIGTERM to its group), or ends it (SIGKILL).
    func cancel(_ attempt: AttemptID, force: Bool)
    /// Attempts still running are killed.
    func stop() async
}

extension Executor {
    public var workplace: (any TaskExecutor)? { nil }
}

/// One attempt to execute.
public struct Launch: Sendable {
    public var attempt: AttemptID
    public var command: Command
    /// Absolute.
    public var workdir: String
    /// Beside the environment that the executor gives; the later of two of one name wins.
    public var environment: [Variable]
    /// Variables that the command gets too, and whose values must not appear in its log.
    public var secrets: [Variable]
    public var workspace: Workspace

    public init(
        attempt: AttemptID, command: Command, workdir: String, environment: [Variable], secrets: [Variable] = [],
        workspace: Workspace
    ) {
        self.attempt = attempt
        self.command = command
        self.workdir = workdir
        self.environment = environment
        self.secrets = secrets
        self.workspace = workspace
    }
}

public enum ExecutorEvent: Sendable {
    /// It runs, and does so since then.
    case started(AttemptID, at: Timestamp, uptime: Int64)
    case exited(AttemptID, Exit)
    /// The executor itself is no more.
    case fatal(String)
}

/// How a process ended.
public enum Exit: Hashable, Sendable {
    case code(Int32)
    case signal(Int32)
    /// There never was a process; the code is 126 or 127 as a shell would give.
    case notStarted(String, code: Int32)
    /// Cancelled before it started.
    case cancelled
    /// The executor lost it.
    case lost(String)
}

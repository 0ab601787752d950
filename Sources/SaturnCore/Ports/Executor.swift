/// Runs commands somewhere.
///
/// An executor that shares this machine's disk writes in place: `Launch.workspace` is the task's folder. Any other fills
/// it before it tells that the attempt has ended.
public protocol Executor: Sendable {
    /// How many attempts it runs at once.
    var slots: Int { get }
    /// What tasks share, where saturn sees to it that they do not take more of it together; `nil` where an engine does, or
    /// nobody.
    var capacity: Capacity? { get }
    /// Where whoever hears its events does best what follows from them: where they come from, nothing is handed from thread
    /// to thread. `nil` is anywhere. To be used between ``start(_:)`` and ``stop()``.
    var workplace: (any TaskExecutor)? { get }
    /// Whether tasks run where this machine's paths are good.
    var sharesDisk: Bool { get }
    /// What of the executor counts in the key: a container image.
    var identity: [Manifest.Value] { get }
    /// Whether a task can have a container image of its own.
    var hasImages: Bool { get }
    /// What it can never give to these tasks, before anything runs.
    func problems(with tasks: [TaskSpec]) -> [Diagnostic]
    /// What people should know before these run, a sentence each.
    func notes(on tasks: [TaskNode]) -> [String]
    /// Starts it; from then on `deliver` is called with batches of events, one call at a time, until ``stop()``.
    func start(_ deliver: @escaping @Sendable ([ExecutorEvent]) -> Void) throws
    /// Ends a ``start(_:)`` that takes its time; it fails. After it, nothing.
    func interrupt()
    func launch(_ launches: [Launch])
    /// Asks an attempt to end (SIGTERM to its group), or ends it (SIGKILL).
    func cancel(_ attempt: AttemptID, force: Bool)
    /// Attempts still running are killed.
    func stop() async

    /// Whether attempts go on without saturn.
    var outlivesSaturn: Bool { get }
    /// Whether an earlier saturn has launched it and it is not released: launched again it is not executed again, but heard
    /// of. To be asked after ``start(_:)``.
    func knows(_ attempt: AttemptID) -> Bool
    /// Whether something that an earlier saturn has left of the run may still be there: whoever has nothing to run still
    /// has to start and to stop, then.
    var hasLeftovers: Bool { get }
    /// When something of an attempt was last heard, by the clock of ``ExecutorEvent/started(_:at:uptime:)``.
    var lastNews: Int64 { get }
    /// Leaves what runs to itself.
    func detach() async
    /// Those of the attempts that have not started are not to; they end as cancelled.
    func withdraw(_ attempts: [AttemptID])
    /// The result of an attempt is where it belongs: what the executor has kept of it can go.
    func release(_ attempt: AttemptID)
    /// Stops, and shuts down what tasks were running on, also when that is not the run's own.
    func stopCluster() async
}

extension Executor {
    public var capacity: Capacity? { nil }
    public var workplace: (any TaskExecutor)? { nil }
    public var sharesDisk: Bool { true }
    public var hasImages: Bool { false }
    public func notes(on tasks: [TaskNode]) -> [String] { [] }
    public func interrupt() {}
    public var outlivesSaturn: Bool { false }
    public func knows(_ attempt: AttemptID) -> Bool { false }
    public var hasLeftovers: Bool { false }
    public var lastNews: Int64 { 0 }
    public func detach() async { await stop() }
    public func withdraw(_ attempts: [AttemptID]) {}
    public func release(_ attempt: AttemptID) {}
    public func stopCluster() async { await stop() }
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
    /// What of it is elsewhere for a command that does not run on this machine.
    public var surroundings = Surroundings()
    /// What this attempt gets.
    public var resources: Resources?
    /// Seconds, for who can keep to it where the task runs.
    public var timeout: Double?
    /// Of its container, where it has one of its own.
    public var image: String?

    /// Paths of this machine that the environment or `workdir` name, and what is there.
    public struct Surroundings: Sendable {
        public struct Need: Sendable {
            public var task: String
            public var folder: String
            /// Whose results these are.
            public var attempt: AttemptID

            public init(task: String, folder: String, attempt: AttemptID) {
                self.task = task
                self.folder = folder
                self.attempt = attempt
            }
        }

        public var needs: [Need] = []
        /// The file that lists them.
        public var needsFile: String?
        public var checkpoint: String?
        /// The immutable copy of the code that `workdir` is in.
        public var snapshot: String?
        /// Of an attempt that an earlier saturn has launched: how much of its log is here.
        public var logSize: Int64 = 0
        /// Of an earlier saturn, to be ended before this one begins.
        public var supersedes: AttemptID?

        public init() {}
    }

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
    /// It runs, and does so since then, by both clocks; `details` are for its events.
    case started(AttemptID, at: Timestamp, uptime: Int64, details: [Variable] = [])
    /// The engine has begun it anew, elsewhere; that it has started is yet to be said again.
    case begunAnew(AttemptID)
    /// `seconds` is how long it ran, where that is not the time since it is known to run.
    case exited(AttemptID, Exit, seconds: Double? = nil)
    /// Something that people should know, and that does not end anything.
    case notice(String)
    /// The executor itself is no more.
    case fatal(Failure)
}

/// How a process ended.
public enum Exit: Hashable, Sendable {
    case code(Int32)
    case signal(Int32)
    /// There never was a process; the code is 126 or 127 as a shell would give.
    case notStarted(String, code: Int32)
    /// Cancelled before it started.
    case cancelled
    /// It ran longer than ``Launch/timeout``, and was ended for that where it ran.
    case timedOut
    /// It took more memory than it may have: how much that is, in words, where it is known.
    case outOfMemory(String)
    /// The executor lost it.
    case lost(String)
    /// Its place was taken from it: evicted, preempted, a node that is no more. Nothing of the task's doing.
    case displaced(String)
    /// It was asked to end while it ran, and then ended with code 0: nobody knows whether it has done all that it was to.
    public static let gaveWay = Exit.displaced("it was asked to end, and ended without an error")
}

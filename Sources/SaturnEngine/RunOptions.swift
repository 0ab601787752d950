public import SaturnCore

extension Run {
    /// Whatever was found when it was decided to restore it was gone when that was done.
    public static let alwaysVanishing = Failure(
        .engine, "results that are to be restored disappear all the time", hint: "is another gc at work?")

    public struct Options: Sendable {
        /// Failed tasks after which nothing more is started.
        public var maxFailures: Int?
        /// In place of what the tasks say.
        public var retries: Int?
        /// Seconds between asking a task to end and ending it.
        public var grace: Double
        public var host: String
        /// Absolute path of the run file.
        public var file: String
        /// The arguments of `saturn run` that do the same from any folder.
        public var arguments: [String] = []
        /// The tasks, by name, of the interrupted run that this one goes on with: those that this plan leaves out stay as
        /// they were.
        public var earlier: [String: TaskRecord] = [:]
        /// Attempts that it has left on an engine are wanted whatever has changed since; else only those that are as good
        /// as new ones.
        public var takesAllAttempts = false
        /// Nothing is started; what an earlier saturn has left on an engine gets this signal: with SIGTERM it ends, unless it
        /// has ended, with SIGUSR1 it is waited for.
        public var signal: Int32?
        /// When that run was started.
        public var started: Timestamp?
        /// Where a run that has all its results notes what they stand on.
        public var trace: TraceFile?

        public init(maxFailures: Int? = nil, grace: Double = 5, host: String, file: String) {
            self.maxFailures = maxFailures
            self.grace = grace
            self.host = host
            self.file = file
        }
    }

    public struct Summary: Sendable {
        /// By task.
        public var states: [TaskState]
        public var causes: [Int: Cause]
        public var blockedBy: [Int: Int]
        /// Seconds.
        public var duration: Double
        /// The signal that stopped it; SIGTERM when it was drained with tasks left to start.
        public var stoppedBy: Int32?
        /// Tasks whose results will not be reused, because the code or an input changed while they ran.
        public var notReusable: [Int]
        /// It was left to go on without this saturn.
        public var isHandedOver = false
        /// Something was moved into the attic.
        public var hasSuperseded = false
        /// As the ledger has them, in the order of the run file.
        public var tasks: [TaskRecord] = []
    }
}

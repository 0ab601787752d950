/// What the ledger keeps of one attempt; what stands in `events` decides where the two disagree.
public struct AttemptRecord: Hashable, Sendable {
    public enum State: String, Hashable, Sendable {
        case success, failure, terminated
        /// Neither ended nor running: saturn was killed.
        case unfinished
    }

    public enum Place: String, Hashable, Sendable {
        /// In the folder of its task.
        case standing
        /// Or nowhere any more, deleted by hand.
        case attic
    }

    public var id: AttemptID
    public var key: TaskKey
    /// Location of the results store, and the name of the task whose folder it filled.
    public var location: String
    public var task: String
    public var run: String
    public var state: State
    public var place: Place
    /// `false` when the code or an input changed while it ran.
    public var reusable = true
    /// Keys under which `saturn accept` has declared it good, beside its own.
    public var accepted: [TaskKey] = []
    /// The attempt that this one is a copy of.
    public var origin: AttemptID?
    public var exitCode: Int32?
    public var started: Timestamp?
    public var ended: Timestamp?
    /// Of the file `status`, to notice that another one stands in its place.
    public var stamp: FileStamp?

    public init(
        id: AttemptID, key: TaskKey, location: String, task: String, run: String, state: State, place: Place
    ) {
        self.id = id
        self.key = key
        self.location = location
        self.task = task
        self.run = run
        self.state = state
        self.place = place
    }

    /// Whether it is a result to use under `key`. One during which the code changed is so only where it was accepted.
    public func isGood(under key: TaskKey) -> Bool {
        state == .success && (self.key == key && reusable || accepted.contains(key))
    }
}

/// What tells one file from another that has taken its place.
public struct FileStamp: Hashable, Sendable {
    public var inode: UInt64
    public var size: Int64
    /// Nanoseconds since 1970.
    public var modified: Int64
    public var changed: Int64

    public init(inode: UInt64, size: Int64, modified: Int64, changed: Int64) {
        self.inode = inode
        self.size = size
        self.modified = modified
        self.changed = changed
    }
}

/// The newest execution of a run of one name.
public struct RunRecord: Hashable, Sendable {
    public enum State: String, Hashable, Sendable {
        case running, succeeded, failed, stopped
    }

    public var name: String
    /// The run file's own `name`.
    public var specName: String?
    /// Absolute path of the run file.
    public var file: String
    public var location: String
    public var state: State
    public var started: Timestamp
    public var ended: Timestamp?
    public var exitCode: Int32?
    /// The arguments of `saturn run` that do the same from any folder.
    public var arguments: [String] = []

    public init(
        name: String, specName: String?, file: String, location: String, state: State, started: Timestamp
    ) {
        self.name = name
        self.specName = specName
        self.file = file
        self.location = location
        self.state = state
        self.started = started
    }
}

/// One task of a run's latest plan.
public struct TaskRecord: Hashable, Sendable {
    public var name: String
    public var index: Int
    public var state: TaskState
    public var attempt: AttemptID?
    /// What there is to add: the cause of a failure, the task that blocks.
    public var note: String?
    /// An attempt of it has failed, and another one is to follow.
    public var isBetweenAttempts: Bool { state == .waiting && note != nil }

    public init(name: String, index: Int, state: TaskState, attempt: AttemptID? = nil, note: String? = nil) {
        self.name = name
        self.index = index
        self.state = state
        self.attempt = attempt
        self.note = note
    }
}

/// The digest of a file's content, good as long as its stamp is the same.
public struct DigestRecord: Hashable, Sendable {
    public var path: String
    public var stamp: FileStamp
    public var digest: Digest

    public init(path: String, stamp: FileStamp, digest: Digest) {
        self.path = path
        self.stamp = stamp
        self.digest = digest
    }
}

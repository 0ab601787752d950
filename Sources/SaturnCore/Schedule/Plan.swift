/// What a run would do with each task, and why.
public struct Plan: Sendable {
    /// By task; `nil` for a task that `--only` leaves out, unless its result is used by one that is selected.
    public var decisions: [Decision?]
    /// What a user should know of how the keys came about.
    public var notes: [String]

    public init(decisions: [Decision?], notes: [String] = []) {
        self.decisions = decisions
        self.notes = notes
    }

    /// Those that there are.
    public var counts: [Decision.Action: Int] {
        var counts = [Int](repeating: 0, count: Decision.Action.allCases.count)
        var last = (action: Decision.Action.run, position: 0)
        for index in decisions.indices {
            guard let action = decisions[index]?.action else { continue }
            if action != last.action { last = (action, Decision.Action.allCases.firstIndex(of: action) ?? 0) }
            counts[last.position] += 1
        }
        return Dictionary(uniqueKeysWithValues: zip(Decision.Action.allCases, counts).filter { $0.1 > 0 })
    }

    public func count(_ action: Decision.Action) -> Int { counts[action] ?? 0 }
}

/// What happens to one task.
public struct Decision: Hashable, Sendable {
    public enum Action: String, CaseIterable, Hashable, Sendable {
        case run, reuse, restore, maybe, blocked
    }

    /// How an existing result gets into the task's folder.
    public enum Transfer: Hashable, Sendable {
        /// Renamed, after the result that stands in its way has left.
        case move
        case clone
    }

    public var action: Action
    public var reason: Reason
    /// `nil` while it depends on results that are yet to come.
    public var key: TaskKey?
    public var transfer = Transfer.move
    /// Apart from the rest, and from each other: a plan may have a million tasks for which there is nothing yet, or
    /// nothing but the result.
    private var boxedResult: Box<StoredResult>?
    private var boxedOccupant: Box<Occupant>?
    private var boxedAgainst: Box<Occupant>?

    public init(action: Action, reason: Reason, key: TaskKey?, result: StoredResult? = nil) {
        self.action = action
        self.reason = reason
        self.key = key
        self.result = result
    }

    private final class Box<Value: Hashable & Sendable>: Hashable, Sendable {
        let value: Value

        init(_ value: Value) {
            self.value = value
        }

        static func == (left: Box, right: Box) -> Bool { left.value == right.value }

        func hash(into hasher: inout Hasher) { hasher.combine(value) }
    }

    /// The result to use, of a `reuse` or `restore`.
    public var result: StoredResult? {
        get { boxedResult?.value }
        set { boxedResult = newValue.map { Box($0) } }
    }

    /// What stands in the task's folder now, and must leave it before anything else comes.
    public var occupant: Occupant? {
        get { boxedOccupant?.value }
        set { boxedOccupant = newValue.map { Box($0) } }
    }

    /// The earlier attempt of a `run` that its reason speaks of.
    public var against: Occupant? {
        get { boxedAgainst?.value }
        set { boxedAgainst = newValue.map { Box($0) } }
    }

    /// The same, but that the task runs in spite of a result that there is.
    public var executed: Decision {
        var decision = Decision(action: .run, reason: .changedWhileRunning, key: key)
        decision.occupant = occupant
        if action == .reuse, let result {
            decision.occupant = Occupant(attempt: result.attempt, key: result.key, origin: result.origin)
        }
        return decision
    }

    /// Left to be decided when the tasks that it needs have their results.
    public var isOpen: Bool {
        guard key == nil, reason != .forced else { return false }
        return action == .run || action == .maybe
    }
}

/// A result that exists.
public struct StoredResult: Hashable, Sendable {
    public var attempt: AttemptID
    public var key: TaskKey
    /// The task in whose folder it stands or stood last.
    public var task: String
    public var place: ResultPlace
    /// The attempt that executed it: another one where this is a copy.
    public var origin: AttemptID

    public init(attempt: AttemptID, key: TaskKey, task: String, place: ResultPlace, origin: AttemptID? = nil) {
        self.attempt = attempt
        self.key = key
        self.task = task
        self.place = place
        self.origin = origin ?? attempt
    }
}

/// Whatever of saturn's own stands in a task's folder: the attempt that it is filed under.
public struct Occupant: Hashable, Sendable {
    public var attempt: AttemptID
    public var key: TaskKey
    /// The attempt that executed it: another one where this is a copy.
    public var origin: AttemptID
    /// Keys under which `saturn accept` has declared it good.
    public var accepted: [TaskKey]
    /// Not `nil` if nobody has looked, since its attempt started, whether the code and the inputs are what they were:
    /// saturn was killed before it could.
    public var unchecked: Unchecked?

    public struct Unchecked: Hashable, Sendable {
        public var started: Timestamp
        /// ``Manifest/sources`` of its key.
        public var sources: String?

        public init(started: Timestamp, sources: String?) {
            self.started = started
            self.sources = sources
        }
    }

    public init(attempt: AttemptID, key: TaskKey, origin: AttemptID? = nil, accepted: [TaskKey] = []) {
        self.attempt = attempt
        self.key = key
        self.origin = origin ?? attempt
        self.accepted = accepted
    }
}

/// Why a task is run, reused or blocked.
public enum Reason: Hashable, Sendable {
    case new
    case changed([FieldChange])
    /// Something in the key is not what it was, and what it was is not known.
    case changedUnknown
    /// The last attempt failed, with this exit code.
    case failed(Int32?)
    case terminated
    /// The last attempt was cut off: saturn was killed.
    case unfinished
    /// The code or an input changed while the last attempt ran.
    case changedWhileRunning
    /// The machine went down before all of the last attempt's files were on the disk.
    case unsynced
    case folderGone
    case statusGone
    /// Its folder stands, and what the task wrote was deleted; or it has left its folder, and is nowhere any more.
    case resultsGone
    case forced
    /// Tasks that it needs run first.
    case needs([Int])
    case inPlace
    case fromAttic
    /// From the folder of another task.
    case fromTask(String)
    /// From another results folder: its location.
    case fromLocation(String)
    /// A needed task will not have a result.
    case blocked(by: Int)
}

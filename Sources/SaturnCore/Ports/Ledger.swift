/// The memory of runs, keys and attempts. Reading never writes.
public protocol Ledger: AnyObject, Sendable {
    /// Attempts whose place is `standing`, by task.
    func standing(in location: String) throws -> [String: AttemptRecord]
    /// The same, in the order of the bytes of the tasks' names.
    func standingByName(in location: String) throws -> [AttemptRecord]
    /// Successes under `key`, also those that were accepted under it, wherever they are, newest first.
    func successes(of key: TaskKey) throws -> [AttemptRecord]
    /// The same for many keys at once; those without any are left out.
    func successes(of keys: Set<TaskKey>) throws -> [TaskKey: [AttemptRecord]]
    /// Of the stores that it has ever heard of.
    func locations() throws -> [String]
    func fields(of key: TaskKey) throws -> [Manifest.Field]?
    /// What a value of a manifest stands for: a ``CodeDetail`` of a tree, the listing of a folder's digest.
    func detail(of value: String) throws -> [UInt8]?
    /// The newest attempt of each task at this location, wherever its result is now.
    func latest(in location: String) throws -> [String: AttemptRecord]
    /// The keys under which attempts were accepted beside their own, of those that were.
    func accepted() throws -> [AttemptID: [TaskKey]]
    /// Whether the latest plan of a run other than `run` has a task of this name at this location.
    func isPlanned(_ task: String, in location: String, otherThan run: String) throws -> Bool
    /// Newest first.
    func runs() throws -> [RunRecord]
    /// In the order of the run file.
    func tasks(of run: String) throws -> [TaskRecord]
    func attempts(_ ids: [AttemptID]) throws -> [AttemptID: AttemptRecord]
    /// Of the tasks of a run's latest plan, in the order of the run file and each as its sweep declares them; tasks at the
    /// end may be left out that have none. `nil` when nobody wrote them down: an earlier saturn.
    func parameters(of run: String) throws -> [[Variable]]?
    func digest(of path: String) throws -> DigestRecord?
    /// The token of the run's ``LedgerBatch/traces`` as long as nothing at its location has changed since.
    func trace(of run: String) throws -> [UInt8]?
    /// All of it or nothing.
    func commit(_ batch: LedgerBatch) throws
}

extension Ledger {
    public func standingByName(in location: String) throws -> [AttemptRecord] {
        try standing(in: location).values.sorted { $0.task.utf8.lexicographicallyPrecedes($1.task.utf8) }
    }

    public func successes(of keys: Set<TaskKey>) throws -> [TaskKey: [AttemptRecord]] {
        var found: [TaskKey: [AttemptRecord]] = [:]
        for key in keys { found[key] = try successes(of: key) }
        return found
    }
}

/// What is written in one transaction, in this order.
public struct LedgerBatch: Sendable {
    public var runs: [RunRecord] = []
    /// The tasks of a run's plan, replacing the ones it had.
    public var plans: [String: [TaskRecord]] = [:]
    /// Of all tasks of such a plan, in order.
    public var parameters: [String: [[Variable]]] = [:]
    /// Manifests' encodings by key.
    public var manifests: [TaskKey: [UInt8]] = [:]
    /// What values of manifests stand for.
    public var details: [String: [UInt8]] = [:]
    /// New attempts, or all that is known of old ones. One that stands in a task's folder ends what stood there.
    public var attempts: [AttemptRecord] = []
    /// Attempts that changed their place.
    public var moved: [(attempt: AttemptID, place: AttemptRecord.Place, task: String)] = []
    /// Tasks of a run whose state changed.
    public var tasks: [(run: String, task: TaskRecord)] = []
    public var digests: [DigestRecord] = []
    /// Runs that have all their results, and a token for each. Later changes of attempts at the location remove it.
    public var traces: [(run: String, location: String, token: [UInt8])] = []
    /// Runs that found all their tasks up to date.
    public var upToDate: [String] = []
    /// Attempts that are deleted, and not to be remembered.
    public var forgotten: [AttemptID] = []
    /// Runs that are not to be remembered.
    public var forgottenRuns: [String] = []

    public init() {}

    public var isEmpty: Bool {
        runs.isEmpty && plans.isEmpty && parameters.isEmpty && manifests.isEmpty && details.isEmpty && moved.isEmpty
            && attempts.isEmpty && tasks.isEmpty && traces.isEmpty && upToDate.isEmpty
            && digests.isEmpty && forgotten.isEmpty && forgottenRuns.isEmpty
    }
}

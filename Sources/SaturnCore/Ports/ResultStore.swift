/// Where workspaces are filled and finished results stand, in the layout of DESIGN.md section 4.
///
/// A store that shares this machine's disk hands out the final folder as the workspace.
public protocol ResultStore: Archive {
    /// Absolute and unique; the ledger's name for the store.
    var location: String { get }
    /// One look at a task's folder; reads nothing.
    func look(at place: ResultPlace) throws -> FolderLook
    /// Whether what these tasks have is what they had: `false` at the first whose `status` is another file, or whose
    /// `results` are gone.
    func stand(_ statuses: StatusList) throws -> Bool
    /// Does the same for many tasks one after another, faster; for a while in which nobody takes the store away. `nil` when
    /// it cannot be had.
    func looker() -> (any FolderLooker)?
    /// Names of the folders beside each other in which results stand, or something else does; none before there is a
    /// store.
    func tasks() throws -> [String]
    /// What `events` of a result says, or `nil` when it is not there or not saturn's.
    func events(of place: ResultPlace) throws -> EventLog?
    /// Whether there is a folder and nothing in it but what saturn puts there, by name.
    func hasLayout(_ place: ResultPlace) throws -> Bool
    /// "success" or "failure", as `status` says.
    func status(of place: ResultPlace) throws -> String?
    /// The local path of a result's folder; where results are elsewhere, of its workspace.
    func folder(of place: ResultPlace) -> String
    /// The local folder below which workspaces are: ``location``, unless results are elsewhere.
    var workplace: String { get }
    /// Whether results are not on this machine's disks.
    var isRemote: Bool { get }
    /// By which `needs` counts results, where that is known without reading them.
    func resultsDigest(at place: ResultPlace) throws -> Digest?
    /// The local path of what a task wrote, brought here where it is elsewhere.
    func results(of task: String) throws -> String
    /// From now on believes no index, but looks at what is there.
    func verify()
    /// What people should be told of, in words; each once.
    func takeRemarks() -> [String]
    /// Whether all that the result of `task` counted is still what it was when its attempt started. Asked of what a run has
    /// left that was killed before it could tell.
    func vouch(for task: String, isGood: Bool)
    /// Of which tasks ``results(of:)`` will be asked for while this run goes on.
    func want(_ tasks: Set<String>)

    /// Whether a store of the same kind is at `location`, from where results can be copied.
    func reaches(_ location: String) -> Bool

    /// What the last one who had its lock, or has it, gave as `holder`.
    var lastHolder: String? { get throws }
    /// Makes the store's own folders and takes its lock; throws ``Failure`` `inUse` when another run has it.
    func claim(holder: String) throws
    /// An empty workspace for `task`; `events` is its first file.
    func begin(_ task: String, events: String) throws -> Workspace
    /// Makes a workspace ready for attempt `number` (2, 3 …): the log so far is kept as `log.1`, `log.2` ….
    func again(_ workspace: Workspace, number: Int, events: String) throws
    /// The events of an attempt that has a workspace, and no end.
    func unfinished(_ task: String) throws -> EventLog?
    /// That workspace, as it was left; `nil` where there is none to go on with.
    func resume(_ task: String) throws -> Workspace?
    /// Completes a workspace: `events`, then `error`, then `status`, which is nil for a terminated task.
    func publish(_ workspace: Workspace, events: String, status: String?, error: Int32?) throws -> FileStamp?
    /// Brings all that was written so far to the disk, and notes there that what was complete at `time` is safe.
    ///
    /// - Parameter boot: the id of this start of the machine.
    func sync(at time: Timestamp, boot: String) throws
    /// Until when results of that start of the machine are known to have reached the disk.
    func synced(boot: String) throws -> Timestamp?
    /// Adds to the events of what stands.
    func note(_ events: String, on place: ResultPlace) throws
    /// Renames what stands in a task's folder into the attic.
    func retire(_ task: String, key: TaskKey, attempt: AttemptID) throws
    /// Renames a result into the folder of `task`, which must be free.
    func move(_ place: ResultPlace, to task: String) throws
    /// Copies the result of `attempt` into the folder of `task`, which must be free, with `events` of its own; `status`
    /// last. Throws a ``Failure`` of kind `workspace` when that result is not there, or not there any more.
    func clone(_ attempt: AttemptID, from place: ResultPlace, to task: String, events: String) throws -> FileStamp?
    /// Waits until what was moved and copied is where it belongs. Throws a ``Failure`` of kind `workspace` when something
    /// of it was not there any more.
    func settle() throws
    /// Completes what is under way and lets go of the store.
    func finish() throws
    /// Makes the folder of ``ResultPlace/checkpoint(of:replica:)``, which may be there and full; returns its local path.
    func makeCheckpoint(of key: TaskKey, replica: Int) throws -> String
    /// Removes it with all that is in it, or, when `onlyEmpty`, if nothing is. None there is fine.
    func removeCheckpoint(of key: TaskKey, replica: Int, onlyEmpty: Bool) throws
}

/// Looks at the folders of tasks; reads nothing.
public protocol FolderLooker: AnyObject {
    /// - Parameter stamp: what its `status` probably has; what is said holds whether that is so or not.
    func look(at task: String, expecting stamp: FileStamp?) throws -> FolderLook
}

extension ResultStore {
    public func looker() -> (any FolderLooker)? { nil }
    public var workplace: String { location }
    public var isRemote: Bool { false }
    public func resultsDigest(at place: ResultPlace) throws -> Digest? { nil }
    public func results(of task: String) throws -> String { folder(of: .standing(task: task)) + "/results" }
    public func unfinished(_ task: String) throws -> EventLog? {
        let place = ResultPlace.standing(task: task)
        guard let events = try events(of: place), ["submitted", "started", "retried"].contains(events.lastType),
            try status(of: place) == nil
        else { return nil }
        return events
    }

    public func resume(_ task: String) throws -> Workspace? { nil }
    public func verify() {}
    public func takeRemarks() -> [String] { [] }
    public func vouch(for task: String, isGood: Bool) {}
    public func want(_ tasks: Set<String>) {}
    public func settle() throws {}
    public func finish() throws {}
}

/// What one look at a folder tells.
public enum FolderLook: Hashable, Sendable {
    case absent
    /// There is a folder, or something else of that name, without a complete `status`.
    case noStatus
    /// There is no `results`, which a failure may do without.
    case noResults(FileStamp)
    case status(FileStamp)
}

/// The folder that an attempt fills; all paths are absolute.
public struct Workspace: Hashable, Sendable {
    public var task: String
    public var folder: String

    public init(task: String, folder: String) {
        self.task = task
        self.folder = folder
    }

    public var log: String { folder + "/log" }
    public var results: String { folder + "/results" }
}

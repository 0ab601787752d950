/// Where workspaces are filled and finished results stand, in the layout of DESIGN.md section 4.
///
/// A store that shares this machine's disk hands out the final folder as the workspace.
public protocol ResultStore: Sendable {
    /// Absolute and unique; the ledger's name for the store.
    var location: String { get }
    /// One look at a task's folder; reads nothing.
    func look(at place: ResultPlace) throws -> FolderLook
    /// What `events` of a result says, or `nil` when it is not there or not saturn's.
    func events(of place: ResultPlace) throws -> EventLog?
    /// Whether there is a folder and nothing in it but what saturn puts there, by name.
    func hasLayout(_ place: ResultPlace) throws -> Bool
    /// "success" or "failure", as `status` says.
    func status(of place: ResultPlace) throws -> String?
    /// The local path of a result's folder.
    func folder(of place: ResultPlace) -> String

    /// Makes the store's own folders and takes its lock; throws ``Failure`` `inUse` when another run has it.
    func claim(holder: String) throws
    /// An empty workspace for `task`; `events` is its first file.
    func begin(_ task: String, events: String) throws -> Workspace
    /// Makes a workspace ready for attempt `number` (2, 3 …): the log so far is kept as `log.1`, `log.2` ….
    func again(_ workspace: Workspace, number: Int, events: String) throws
    /// Completes a workspace: `events`, then `error`, then `status`, which is nil for a terminated task.
    func publish(_ workspace: Workspace, events: String, status: String?, error: Int32?) throws -> FileStamp?
    /// Adds to the events of what stands.
    func note(_ events: String, on place: ResultPlace) throws
    /// Renames what stands in a task's folder into the attic.
    func retire(_ task: String, key: TaskKey, attempt: AttemptID) throws
    /// Renames a result into the folder of `task`, which must be free.
    func move(_ place: ResultPlace, to task: String) throws
    /// Copies a result into the folder of `task`, which must be free, with `events` of its own; `status` last.
    func clone(_ place: ResultPlace, to task: String, events: String) throws -> FileStamp?
}

public enum ResultPlace: Hashable, Sendable {
    case standing(task: String)
    case attic(key: TaskKey, attempt: AttemptID)
}

/// What one look at a folder tells.
public enum FolderLook: Hashable, Sendable {
    case absent
    /// There is a folder, or something else of that name, without a complete `status`.
    case noStatus
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

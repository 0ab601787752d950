/// What a store keeps beside the results that stand: superseded ones, checkpoints. For gc, and for a ledger that has to
/// be made again.
///
/// Deleting has two phases: ``discard(_:)`` takes something out of sight by one rename, ``purge()`` deletes what was
/// discarded. A kill in between leaves nothing half-deleted in its place.
public protocol Archive: Sendable {
    /// Throws a ``Failure`` when a folder cannot be listed: nothing may be deleted then. Of kind `workspace` when there
    /// is no store at all any more.
    func archived() throws -> ArchiveListing
    /// The same for a plan, which deletes nothing: what is known of it without listing.
    func superseded() throws -> ArchiveListing
    /// The result at `place`, when that is a real folder with events of saturn's; no link is followed on the way.
    func result(at place: ResultPlace) throws -> ArchivedResult?
    /// The same of a checkpoint; its time tells whether a run has gone on from it.
    func checkpoint(at place: ResultPlace) throws -> ArchivedCheckpoint?
    /// Adds to the events of `attempt`; `false` when it is not at `place`, or not there any more.
    func annotate(_ attempt: AttemptID, at place: ResultPlace, events: String) throws -> Bool
    /// The bytes that something takes on the disk, as far as its folders can be read.
    func size(of place: ResultPlace) throws -> Int64
    /// What the attic takes on the disk, by a look at up to `limit` files.
    func atticUse(limit: Int) throws -> AtticUse
    /// `false` when it is not there any more, or not a real folder.
    func discard(_ place: ResultPlace) throws -> Bool
    /// Deletes what was discarded, also by a gc that was killed.
    func purge() throws
    /// Waits for the lock of the attic, and has it as long as what is returned lives. A run holds it from planning until
    /// what it restores stands, gc while it discards: so nothing is discarded that a plan counts on.
    func lockAttic() throws -> any AtticLock
}

extension Archive {
    public func superseded() throws -> ArchiveListing { try archived() }
}

/// A lock that is let go of when nobody refers to it any more.
public protocol AtticLock: AnyObject, Sendable {}

public struct AtticUse: Hashable, Sendable {
    public var bytes: Int64 = 0
    public var results = 0
    /// Not all of it was looked at: there is more than that.
    public var isPartial = false

    public init() {}
}

public struct ArchiveListing: Sendable {
    public var results: [ArchivedResult] = []
    public var checkpoints: [ArchivedCheckpoint] = []
    /// Paths of what is there and is not saturn's.
    public var unknown: [String] = []

    public init() {}
}

/// An attempt in the attic, or in its task's folder; what it is, its `events` say.
public struct ArchivedResult: Sendable {
    public var key: TaskKey
    public var attempt: AttemptID
    public var events: EventLog
    /// "success", "failure", or nothing.
    public var status: String?
    /// When its folder was put where it is.
    public var since: Timestamp

    public var place: ResultPlace { .attic(key: key, attempt: attempt) }

    public init(key: TaskKey, attempt: AttemptID, events: EventLog, status: String?, since: Timestamp) {
        self.key = key
        self.attempt = attempt
        self.events = events
        self.status = status
        self.since = since
    }
}

public struct ArchivedCheckpoint: Sendable {
    public var key: TaskKey
    public var replica: Int
    /// When something in its folder last came, went or changed.
    public var since: Timestamp

    public var place: ResultPlace { .checkpoint(of: key, replica: replica) }

    public init(key: TaskKey, replica: Int, since: Timestamp) {
        self.key = key
        self.replica = replica
        self.since = since
    }
}

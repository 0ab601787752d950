import Dispatch
import Glibc
public import SaturnCore
import Synchronization

/// Results in a bucket, in the layout of DESIGN.md section 4; attempts fill workspaces on this machine, which are uploaded.
///
/// ```yaml
/// results: {class_spec: S3, s3_url: "s3://bucket/prefix/{name}", endpoint_url: "http://127.0.0.1:9000"}
/// ```
/// A task's objects are uploaded when it ends, `events` and `status` with the next ``sync(at:boot:)``, when the code was
/// looked at again: a `status` in the bucket belongs to a result that is whole and good. Until then the workspace stays
/// where it is, and a run that comes after a crash uploads it. What stands in the bucket an index of few objects tells.
public final class S3Results: ResultStore {
    public static let schema = ComponentSchema(
        name: "S3", classSpecs: ["S3", "S3Results", "S3Backend"],
        settings: ["s3_url": .string, "endpoint_url": .string, "region": .string, "log_chunk": .any])

    public let location: String
    let storage: any ObjectStorage
    /// Of all keys; empty, or with a slash at the end.
    let prefix: String
    /// Workspaces and checkpoints, in the folder of the state.
    let local: LocalDir
    let queue: WorkQueue
    let segments: IndexSegments
    /// The same by a connection of its own: renewing a lease must not wait for uploads.
    let leases: IndexSegments
    let now: @Sendable () -> Timestamp
    /// Seconds of log in one chunk.
    let logChunk: Int64
    let state = Mutex(State())
    /// Other stores in the same bucket that results were asked of, by location.
    let neighbours = Mutex<[String: S3Results]>([:])
    let lock: FolderLock
    /// Held while the lease is renewed, and while it is given back.
    let renewing = Mutex(())
    /// Signalled for each result that is in the bucket.
    let uploaded = DispatchSemaphore(value: 0)

    struct State {
        /// `nil` until somebody asked for it.
        var index: ResultIndex?
        /// Workspaces that are being filled, or were and are not all in the bucket yet, by task.
        var staged: [String: StagedResult] = [:]
        /// Tasks whose results others will ask for.
        var wanted: Set<String> = []
        /// Those of them whose results are there and on this machine too, and which attempt they are of.
        var kept: [String: AttemptID] = [:]
        var claim: Claim?
        /// Something that was to be moved had been deleted.
        var hasVanished = false
        /// The index is not believed: the objects are listed.
        var isVerifying = false
        var remarks: [String] = []
    }

    /// What only the one who has the lease has.
    struct Claim {
        var epoch: Int
        var lease: String
        var holder: String
        var journal: Journal
        /// What is in the journal and in no segment.
        var pending: [IndexChange] = []
        var segments: [String]
        var number = 0
        /// In seconds of uptime.
        var nextSegment: Int64
        var segmentPause: Int64 = 60
        /// When the lease was written last, in seconds of uptime.
        var renewed: Int64
        var ticker: Ticker
    }

    /// - Parameters:
    ///   - location: the ledger's name for it.
    ///   - prefix: of its keys.
    ///   - staging: an absolute path.
    ///   - leases: by which leases are renewed, when that is another connection.
    init(
        location: String, storage: any ObjectStorage, prefix: String, staging: String, logChunk: Int64 = 300,
        leases: (any ObjectStorage)? = nil,
        now: @escaping @Sendable () -> Timestamp = { S3Results.wallClock() }
    ) {
        self.location = location
        self.storage = storage
        self.prefix = prefix
        self.logChunk = logChunk
        self.now = now
        local = LocalDir(directory: staging)
        lock = FolderLock(path: staging + "/.saturn/lock")
        segments = IndexSegments(storage: storage, prefix: prefix + ".saturn/index/")
        self.leases = IndexSegments(storage: leases ?? storage, prefix: segments.prefix)
        queue = WorkQueue(width: 16)
    }

    deinit { state.withLock { $0.claim }?.ticker.stop() }

    static func wallClock() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// Seconds on a clock that never goes back.
    static func uptime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec)
    }

    public var workplace: String { local.location }
    public var isRemote: Bool { true }

    /// The keys of what is at a place begin with this.
    func keys(of place: ResultPlace) -> String {
        switch place {
        case .standing(let task): "\(prefix)\(task)/"
        case .attic(let key, let attempt): "\(prefix).saturn/attic/\(key)/\(attempt)/"
        case .checkpoint, .at: "\(prefix).saturn/nowhere/"
        }
    }

    /// The workspace, or where the results of a task are when they were fetched.
    public func folder(of place: ResultPlace) -> String { local.folder(of: place) }

    public func makeCheckpoint(of key: TaskKey, replica: Int) throws -> String {
        try local.makeCheckpoint(of: key, replica: replica)
    }

    public func removeCheckpoint(of key: TaskKey, replica: Int, onlyEmpty: Bool) throws {
        try local.removeCheckpoint(of: key, replica: replica, onlyEmpty: onlyEmpty)
    }
}

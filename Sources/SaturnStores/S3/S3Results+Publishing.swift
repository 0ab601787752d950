import Dispatch
import Glibc
public import SaturnCore
import Synchronization

/// A workspace from its beginning until all of it is in the bucket.
extension S3Results {
    /// As many results may wait to be uploaded: beyond that no task is begun until one is.
    private static let waitingLimit = 256

    public func begin(_ task: String, events: String) throws -> Workspace {
        guard let result = StagedResult(events: events, begun: Self.uptime()) else {
            throw Failure(.fault, "the events of '\(task)' have no key")
        }
        if let failure = queue.failure { throw failure }
        while state.withLock({ $0.staged.count { $0.value.isComplete && !$0.value.isUploaded } }) > Self.waitingLimit {
            // A semaphore counts what nobody waited for, too: then the next look is early.
            _ = uploaded.wait(timeout: .now() + .seconds(1))
            if let failure = queue.failure { throw failure }
        }
        // Of a result that has left for the attic; or of a run that was killed.
        try reporting("prepare \(local.folder(of: .standing(task: task)))") {
            try Files.removeTree(local.folder(of: .standing(task: task)))
        }
        let workspace = try local.begin(task, events: events)
        state.withLock { state in
            state.kept[task] = nil
            state.staged[task] = result
        }
        try journal(.began(task))
        return workspace
    }

    public func unfinished(_ task: String) throws -> EventLog? {
        try staged(task) == nil ? try local.unfinished(task) : nil
    }

    public func resume(_ task: String) throws -> Workspace? {
        let events = try reporting("go on with '\(task)'") {
            try Files.read(local.folder(of: .standing(task: task)) + "/events", limit: 1 << 20)
        }
        guard let text = events.map({ String(decoding: $0, as: UTF8.self) }),
            let result = StagedResult(events: text, begun: Self.uptime()),
            let workspace = try local.resume(task)
        else { return nil }
        state.withLock { state in
            state.kept[task] = nil
            state.staged[task] = result
        }
        try journal(.began(task))
        return workspace
    }

    public func again(_ workspace: Workspace, number: Int, events: String) throws {
        try local.again(workspace, number: number, events: events)
        let attempt = EventLog(parsing: EventLog.header + events)?.attempt
        state.withLock { state in
            state.staged[workspace.task]?.events += events
            if let attempt { state.staged[workspace.task]?.logs.append(StagedResult.Log(attempt: attempt)) }
        }
    }

    public func publish(
        _ workspace: Workspace, events: String, status: String?, error: Int32?
    ) throws -> FileStamp? {
        let task = workspace.task
        // What the bucket cannot hold, the task has to answer for: now, while it can.
        let folder = try opened(workspace)
        if status == "success" { _ = try reportingResults(workspace) { try resultRecords(in: folder, of: task) } }
        _ = try local.publish(workspace, events: events, status: status, error: error)
        let result = state.withLock { state in
            state.staged[task]?.events += events
            state.staged[task]?.status = status
            state.staged[task]?.error = error
            state.staged[task]?.completed = now()
            return state.staged[task]
        }
        // A success has to wait until it is known that nothing it counts was changed meanwhile.
        queue.submit([task]) { status == "success" ? try self.upload(task) : try self.complete(task) }
        return result?.entry(task, at: now()).stamp
    }

    private func opened(_ workspace: Workspace) throws -> OpenFolder {
        try reportingResults(workspace) { try OpenFolder(workspace.folder) }
    }

    /// A task that replaced its own folders spoils nobody else's.
    private func reportingResults<Value>(_ workspace: Workspace, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as FileProblem {
            throw Failure(.workspace, "cannot read the result in \(workspace.folder): \(error.path): \(error.text)")
        }
    }

    /// What is in `results` of a workspace.
    func resultRecords(in folder: OpenFolder, of task: String) throws -> [ObjectRecord] {
        guard let results = try folder.inner("results") else { return [] }
        // The attic's keys are the longest that it may have.
        let inAttic = ".saturn/attic/\(String(repeating: "0", count: 64))/\(String(repeating: "0", count: 36))/"
        let used = prefix.utf8.count + max(task.utf8.count + 1, inAttic.utf8.count)
        return try ResultScan(results, limit: 1024 - used).records
    }

    // MARK: Uploading

    /// Everything but `events`, `error` and `status`.
    func upload(_ task: String) throws {
        guard let result = state.withLock({ $0.staged[task] }), !result.isUploaded else { return }
        try reporting("upload the result of '\(task)'") {
            let folder = try OpenFolder(local.folder(of: .standing(task: task)))
            for index in result.logs.indices { try uploadLog(of: task, index, in: folder) }
            let records = try uploadResults(of: task, in: folder)
            state.withLock { state in
                state.staged[task]?.results = records
                state.staged[task]?.isUploaded = true
            }
        }
        uploaded.signal()
    }

    private func uploadResults(of task: String, in folder: OpenFolder) throws -> [ObjectRecord] {
        let isSuccess = state.withLock { $0.staged[task]?.status == "success" }
        // Of what a failure has left only what can be stored is.
        let records =
            isSuccess ? try resultRecords(in: folder, of: task) : (try? resultRecords(in: folder, of: task)) ?? []
        let sent = Sent(records)
        let keys = keys(of: .standing(task: task))
        try queue.forEach(records.count) { [storage] index in
            guard records[index].isObject else { return }
            let file = try FileInFolder(records[index].path, in: folder)
            let digest = try storage.put(
                keys + records[index].path, file: file.descriptor, offset: 0, length: file.size,
                type: ContentType.of(records[index].path))
            sent.set(index, size: file.size, digest)
        }
        return sent.all
    }

    /// Uploads what has come to a log since the last chunk.
    func uploadLog(of task: String, _ index: Int, in folder: OpenFolder) throws {
        guard let log = state.withLock({ $0.staged[task]?.logs[index] }),
            let name = state.withLock({ $0.staged[task]?.logFile(index) }),
            let status = try folder.status(of: name), status.st_mode & S_IFMT == S_IFREG
        else { return }
        let file = try FileInFolder(name, in: folder)
        let length = file.size - log.bytes
        guard length > 0 else { return }
        let path = "log/\(log.attempt)/\(IndexSegments.padded(log.chunks.count + 1, 6))"
        let digest = try storage.put(
            keys(of: .standing(task: task)) + path, file: file.descriptor, offset: log.bytes, length: length,
            type: "text/plain")
        var chunk = ObjectRecord(.file, path, size: length)
        chunk.sha256 = digest
        state.withLock { $0.staged[task]?.logs[index].chunks.append(chunk) }
    }

    // MARK: Completing

    /// Until when results are known to be in the bucket their own events tell.
    public func synced(boot: String) throws -> Timestamp? { nil }

    /// Completes what was published until then. A run has looked by that time whether what its tasks count was changed;
    /// whether it was since, nobody knows, and the next one may not live to say it.
    public func sync(at time: Timestamp, boot: String) throws {
        try completeAll(until: time)
        try writeSegment(isLast: false)
    }

    func completeAll(until time: Timestamp?) throws {
        let tasks = state.withLock { state in
            state.staged.filter { $0.value.isGood(at: time) && !$0.value.isFinishing }.keys.sorted()
        }
        let group = DispatchGroup()
        for task in tasks { queue.submit([task], group: group) { try self.complete(task) } }
        group.wait()
        if let failure = queue.failure { throw failure }
    }

    func complete(_ task: String) throws {
        try upload(task)
        try checkLease()
        let result = state.withLock { state -> StagedResult? in
            guard let result = state.staged[task], !result.isFinishing else { return nil }
            state.staged[task]?.isFinishing = true
            return result
        }
        guard let result else { return }
        let keys = keys(of: .standing(task: task))
        let records = result.logs.flatMap(\.chunks) + result.results
        let digest = ObjectRecord.digest(result.results)
        let stored = ObjectRecord.stored(records, digest, at: now())
        let events = result.events + stored
        try storage.put(keys + "events", Array(events.utf8), type: "application/yaml")
        if let error = result.error { try storage.put(keys + "error", Array("\(error)".utf8), type: "text/plain") }
        if let status = result.status { try storage.put(keys + "status", Array(status.utf8), type: "text/plain") }
        var entry = result.entry(task, at: now())
        entry.events = ObjectRecord.split(events).events
        for text in [result.error.map { "\($0)" }, result.status, events].compactMap(\.self) {
            entry.bytes += Int64(text.utf8.count)
            entry.objects += 1
        }
        try apply(.stands(entry))
        try release(task, entry.attempt)
    }

    /// What is in the bucket need not be here, unless others will ask for it.
    private func release(_ task: String, _ attempt: AttemptID) throws {
        let isWanted = state.withLock { state in
            state.staged[task] = nil
            if state.wanted.contains(task) { state.kept[task] = attempt }
            return state.wanted.contains(task)
        }
        guard !isWanted else { return }
        try reporting("remove the workspace of '\(task)'") {
            try Files.removeTree(local.folder(of: .standing(task: task)))
        }
    }

    public func vouch(for task: String, isGood: Bool) {
        let changed = EventLog.entry("changed", at: now())
        state.withLock { state in
            guard state.staged[task]?.isLeftover == true, state.staged[task]?.isVouched == false else { return }
            state.staged[task]?.isVouched = true
            if !isGood { state.staged[task]?.events += changed }
        }
    }

    public func note(_ events: String, on place: ResultPlace) throws {
        guard case .standing(let task) = place else { return }
        let isStaged = state.withLock { state in
            guard state.staged[task].map({ $0.isComplete && !$0.isFinishing }) ?? false else { return false }
            state.staged[task]?.events += events
            return true
        }
        if isStaged { return try local.note(events, on: place) }
        guard
            let attempt = try withIndex({ state -> AttemptID? in
                state.index?.standing[task]?.events += events
                return state.index?.standing[task]?.attempt ?? state.staged[task]?.attempt
            })
        else { return }
        queue.submit([task, "\(attempt)"]) { try self.add(events, to: attempt, at: place, of: task, isKnown: true) }
    }

    /// Rewrites the object `events`; `false` when it is not that attempt's.
    @discardableResult
    func add(
        _ text: String, to attempt: AttemptID, at place: ResultPlace, of task: String, isKnown: Bool
    ) throws -> Bool {
        let key = keys(of: place) + "events"
        guard let old = try storage.get(key, limit: 1 << 28) else { return false }
        let events = String(decoding: old.bytes, as: UTF8.self)
        guard EventLog(parsing: events)?.attempt == attempt else { return false }
        try storage.put(key, Array((events + text).utf8), type: "application/yaml")
        try apply(.noted(task, attempt, text), isKnown: isKnown)
        return true
    }
}

/// What was sent of each file.
private final class Sent: Sendable {
    private let records: Mutex<[ObjectRecord]>

    init(_ records: [ObjectRecord]) {
        self.records = Mutex(records)
    }

    var all: [ObjectRecord] { records.withLock { $0 } }

    func set(_ index: Int, size: Int64, _ digest: Digest) {
        records.withLock { records in
            records[index].size = size
            records[index].sha256 = digest
        }
    }
}

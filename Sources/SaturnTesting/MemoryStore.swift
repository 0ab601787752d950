import Glibc
public import SaturnCore
import Synchronization

/// A results store in memory, that can be told to fail.
///
/// ```swift
/// let store = MemoryStore(location: space.folder + "/results")
/// store.fails(.publish, at: 2)
/// ```
/// Only `results/` of a workspace is on disk, with what a test itself puts there, where digests look for it; it goes
/// along when its result is moved.
public final class MemoryStore: ResultStore {
    public enum Operation: String, Hashable, Sendable {
        case open, begin, again, publish, note, retire, move, clone, sync, discard, checkpoint, forget
    }

    private struct Folder {
        /// `nil` in a folder that is not saturn's.
        var events: String?
        var status: String?
        var error: Int32?
        var stamp: FileStamp?
        /// The number of the attempt that fills or filled it.
        var number = 1
    }

    private struct State {
        var folders: [ResultPlace: Folder] = [:]
        var holder: String?
        var counts: [Operation: Int] = [:]
        var failures: [Operation: [Int: Failure]] = [:]
        var inode: UInt64 = 0
        var synced: [String: Timestamp] = [:]
    }

    public let location: String
    /// What was done, as "begin a", "publish a", in order; failures too.
    public let calls = Recording<String>()
    private let state = Mutex(State())

    /// - Parameter location: absolute; need not exist.
    public init(location: String) {
        self.location = location
    }

    // MARK: The test's side

    /// The `number`-th call of `operation` from now on (the next is 1) throws and changes nothing.
    public func fails(
        _ operation: Operation, at number: Int, with failure: Failure = Failure(.engine, "no space left on device")
    ) {
        state.withLock { $0.failures[operation, default: [:]][$0.counts[operation, default: 0] + number] = failure }
    }

    /// What the file `error` of a task says.
    public func error(of task: String) -> Int32? { state.withLock { $0.folders[.standing(task: task)]?.error } }

    /// The types of the events of what stands in a task's folder, in order.
    public func eventTypes(of task: String) -> [String]? {
        guard let text = state.withLock({ $0.folders[.standing(task: task)]?.events }) else { return nil }
        return EventLog(parsing: text)?.events.map(\.type)
    }

    /// What is in the attic.
    public var attic: Set<ResultPlace> {
        state.withLock { state in
            Set(state.folders.keys.filter { if case .attic = $0 { true } else { false } })
        }
    }

    /// Deletes a result, or only its status.
    public func delete(_ place: ResultPlace, onlyStatus: Bool = false) {
        state.withLock { state in
            if onlyStatus {
                state.folders[place]?.status = nil
                state.folders[place]?.stamp = nil
            } else {
                state.folders[place] = nil
            }
        }
    }

    /// Puts a folder there that saturn did not make, or that another project did, when `events` says so.
    public func put(_ task: String, events: String? = nil, status: String? = nil) {
        state.withLock { state in
            let stamp = status.map { Self.stamp($0, &state) }
            state.folders[.standing(task: task)] = Folder(events: events, status: status, stamp: stamp)
        }
    }

    // MARK: Reading

    public func look(at place: ResultPlace) throws -> FolderLook {
        state.withLock { state in
            guard let folder = state.folders[place] else { return .absent }
            return folder.stamp.map { .status($0) } ?? .noStatus
        }
    }

    public func events(of place: ResultPlace) throws -> EventLog? {
        state.withLock { $0.folders[place]?.events }.flatMap { EventLog(parsing: $0) }
    }

    public func hasLayout(_ place: ResultPlace) throws -> Bool { state.withLock { $0.folders[place] != nil } }

    public func status(of place: ResultPlace) throws -> String? { state.withLock { $0.folders[place]?.status } }

    public func folder(of place: ResultPlace) -> String {
        switch place {
        case .standing(let task): "\(location)/\(task)"
        case .attic(let key, let attempt): "\(location)/.saturn/attic/\(key)/\(attempt)"
        case .checkpoint(let key, let replica): "\(location)/.saturn/checkpoints/\(key)-\(replica)"
        case .at(let location, let place): MemoryStore(location: location).folder(of: place)
        }
    }

    /// Elsewhere means what a test has put ``ResultPlace/at(location:_:)``.
    public func reaches(_ location: String) -> Bool { true }

    // MARK: Archive

    public func tasks() throws -> [String] {
        state.withLock { state in
            state.folders.keys.compactMap { if case .standing(let task) = $0 { task } else { nil } }.sorted()
        }
    }

    public func archived() throws -> ArchiveListing {
        var listing = ArchiveListing()
        for (place, folder) in state.withLock({ $0.folders }) {
            guard case .attic(let key, let attempt) = place,
                let events = folder.events.flatMap({ EventLog(parsing: $0) })
            else { continue }
            listing.results.append(
                ArchivedResult(
                    key: key, attempt: attempt, events: events, status: folder.status, since: Timestamp(microseconds: 0)
                ))
        }
        return listing
    }

    public func result(at place: ResultPlace) throws -> ArchivedResult? {
        guard let folder = state.withLock({ $0.folders[place] }),
            let events = folder.events.flatMap({ EventLog(parsing: $0) }),
            let key = events.key, let attempt = events.attempt
        else { return nil }
        return ArchivedResult(
            key: key, attempt: attempt, events: events, status: folder.status, since: Timestamp(microseconds: 0))
    }

    public func checkpoint(at place: ResultPlace) throws -> ArchivedCheckpoint? { nil }

    public func annotate(_ attempt: AttemptID, at place: ResultPlace, events: String) throws -> Bool {
        guard try result(at: place)?.attempt == attempt else { return false }
        try note(events, on: place)
        return true
    }

    public func size(of place: ResultPlace) throws -> Int64 { 0 }

    public func atticUse(limit: Int) throws -> AtticUse {
        var use = AtticUse()
        use.results = attic.count
        return use
    }

    public func discard(_ place: ResultPlace) throws -> Bool {
        try perform(.discard, name(place)) { $0.folders.removeValue(forKey: place) != nil }
    }

    public func purge() throws {}

    public func lockAttic() throws -> any AtticLock { Lock() }

    private final class Lock: AtticLock {}

    // MARK: Writing

    public var lastHolder: String? { state.withLock { $0.holder } }

    public func claim(holder: String) throws {
        try perform(.open, "") { state in
            if let other = state.holder { throw Failure(.inUse, "\(location) is in use by \(other)") }
            state.holder = holder
        }
    }

    public func begin(_ task: String, events: String) throws -> Workspace {
        let place = ResultPlace.standing(task: task)
        try perform(.begin, task) { state in
            try Self.requireFree(place, &state)
            state.folders[place] = Folder(events: events)
        }
        let workspace = Workspace(task: task, folder: folder(of: place))
        makeFolders(workspace.results)
        return workspace
    }

    public func again(_ workspace: Workspace, number: Int, events: String) throws {
        try change(.again, .standing(task: workspace.task), workspace.task) { folder, _ in
            guard number == folder.number + 1 else { throw Failure(.fault, "attempt \(number) after \(folder.number)") }
            folder.number = number
            folder.events? += events
        }
    }

    public func publish(
        _ workspace: Workspace, events: String, status: String?, error: Int32?
    ) throws -> FileStamp? {
        try change(.publish, .standing(task: workspace.task), workspace.task) { folder, state in
            folder.events? += events
            folder.error = error
            folder.status = status
            folder.stamp = status.map { Self.stamp($0, &state) }
            return folder.stamp
        }
    }

    public func note(_ events: String, on place: ResultPlace) throws {
        try change(.note, place, name(place)) { folder, _ in folder.events? += events }
    }

    public func retire(_ task: String, key: TaskKey, attempt: AttemptID) throws {
        try relocate(.retire, .standing(task: task), to: .attic(key: key, attempt: attempt))
    }

    public func move(_ place: ResultPlace, to task: String) throws {
        try relocate(.move, place, to: .standing(task: task))
    }

    public func sync(at time: Timestamp, boot: String) throws {
        try perform(.sync, "") { $0.synced[boot] = time }
    }

    public func synced(boot: String) throws -> Timestamp? { state.withLock { $0.synced[boot] } }

    public func clone(
        _ attempt: AttemptID, from place: ResultPlace, to task: String, events: String
    ) throws -> FileStamp? {
        let target = ResultPlace.standing(task: task)
        makeFolders(folder(of: target) + "/results")
        return try perform(.clone, "\(name(place)) \(task)") { state in
            guard state.folders[place] != nil else { throw Failure(.workspace, "there is no \(folder(of: place))") }
            try Self.requireFree(target, &state)
            let stamp = Self.stamp("success", &state)
            state.folders[target] = Folder(events: events, status: "success", stamp: stamp)
            return stamp
        }
    }

    /// On disk, because that is where tasks look for it.
    public func makeCheckpoint(of key: TaskKey, replica: Int) throws -> String {
        let path = folder(of: .checkpoint(of: key, replica: replica))
        return try perform(.checkpoint, "") { _ in
            makeFolders(Self.parent(of: path))
            mkdir(path, 0o755)
            return path
        }
    }

    public func removeCheckpoint(of key: TaskKey, replica: Int, onlyEmpty: Bool) throws {
        let path = folder(of: .checkpoint(of: key, replica: replica))
        try perform(.forget, onlyEmpty ? "empty" : "") { _ in
            if rmdir(path) != 0, !onlyEmpty { TestSpace.removeTree(path) }
        }
    }

    // MARK: Inside

    private func name(_ place: ResultPlace) -> String {
        switch place {
        case .standing(let task): task
        case .attic: "attic"
        case .checkpoint: "checkpoint"
        case .at(let location, let place): "\(location) \(name(place))"
        }
    }

    private func perform<Value>(
        _ operation: Operation, _ subject: String, _ body: (inout State) throws -> sending Value
    ) throws -> Value {
        calls.append(subject.isEmpty ? operation.rawValue : "\(operation.rawValue) \(subject)")
        return try state.withLock { state in
            let count = state.counts[operation, default: 0] + 1
            state.counts[operation] = count
            if let failure = state.failures[operation]?[count] { throw failure }
            return try body(&state)
        }
    }

    private func change<Value>(
        _ operation: Operation, _ place: ResultPlace, _ subject: String,
        _ body: (inout Folder, inout State) throws -> sending Value
    ) throws -> Value {
        try perform(operation, subject) { state in
            guard var folder = state.folders[place] else {
                throw Failure(.engine, "there is no \(self.folder(of: place))")
            }
            let value = try body(&folder, &state)
            state.folders[place] = folder
            return value
        }
    }

    private func relocate(_ operation: Operation, _ place: ResultPlace, to target: ResultPlace) throws {
        try perform(operation, "\(name(place)) \(name(target))") { state in
            guard let folder = state.folders[place] else {
                throw Failure(.engine, "there is no \(self.folder(of: place))")
            }
            try Self.requireFree(target, &state)
            state.folders[place] = nil
            state.folders[target] = folder
            renameOnDisk(self.folder(of: place), to: self.folder(of: target))
        }
    }

    private static func requireFree(_ place: ResultPlace, _ state: inout State) throws {
        if state.folders[place] != nil { throw Failure(.inUse, "\(place) is taken") }
    }

    private func renameOnDisk(_ source: String, to target: String) {
        guard access(source, F_OK) == 0 else { return }
        makeFolders(Self.parent(of: target))
        rename(source, target)
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? path
    }

    private func makeFolders(_ path: String) {
        for slash in path.indices.dropFirst() where path[slash] == "/" { mkdir(String(path[..<slash]), 0o755) }
        mkdir(path, 0o755)
    }

    private static func stamp(_ status: String, _ state: inout State) -> FileStamp {
        state.inode += 1
        let time = Int64(state.inode)
        return FileStamp(inode: state.inode, size: Int64(status.utf8.count), modified: time, changed: time)
    }
}

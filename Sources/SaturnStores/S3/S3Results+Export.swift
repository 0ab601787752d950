import Glibc
import SaturnCore
import Synchronization

/// The layout on this machine: what `collect --to` makes.
extension S3Results {
    public struct Export: Hashable, Sendable {
        public var fetched = 0
        public var upToDate = 0
        /// Tasks of which there is nothing in the bucket.
        public var missing = 0
        public var bytes: Int64 = 0
    }

    /// Brings the results of `tasks` that are not there yet into `folder`, several at a time.
    ///
    /// - Parameter holder: who does that, for others who want to do it at the same time.
    public func export(_ tasks: [String], to folder: String, holder: String) throws -> Export {
        let target = LocalDir(directory: folder)
        try target.claim(holder: holder)
        let standing = try withIndex { $0.index?.standing ?? [:] }
        let entries = tasks.compactMap { standing[$0] }
        let export = Mutex(Export())
        try queue.parallel(entries.count) { [self] number in
            let entry = entries[number]
            try reporting("collect '\(entry.task)'") {
                let isThere = try isThere(entry, in: target)
                if !isThere { try bring(entry, into: target) }
                export.withLock { export in
                    if isThere { export.upToDate += 1 } else { export.fetched += 1 }
                    export.bytes += isThere ? 0 : entry.bytes
                }
            }
        }
        var result = export.withLock { $0 }
        result.missing = tasks.count - entries.count
        return result
    }

    private func isThere(_ entry: IndexEntry, in target: LocalDir) throws -> Bool {
        let place = ResultPlace.standing(task: entry.task)
        guard try target.events(of: place)?.attempt == entry.attempt else { return false }
        return try target.status(of: place) == entry.status
    }

    /// Beside its place at first: what stands there is whole at every moment.
    private func bring(_ entry: IndexEntry, into target: LocalDir) throws {
        let place = ResultPlace.standing(task: entry.task)
        let draft = "\(target.location)/.saturn/incoming/\(entry.attempt)"
        try Files.removeTree(draft)
        do {
            try fill(draft, with: entry)
            try giveWay(entry.task, in: target)
            try Files.move(draft, to: target.folder(of: place))
        } catch {
            try? Files.removeTree(draft)
            throw error
        }
    }

    private func fill(_ draft: String, with entry: IndexEntry) throws {
        let place = ResultPlace.standing(task: entry.task)
        try Files.makeFolders(draft)
        let folder = try OpenFolder(draft)
        let (records, events) = try records(of: entry, at: place)
        let results = records.filter(\.isResult)
        try fetch(results, from: keys(of: place), of: entry.task, into: folder)
        if entry.status == "success", results.isEmpty { try folder.makeFolder("results") }
        try joinLogs(records, events, of: entry, in: folder)
        try folder.write(events, to: "events")
        if let code = EventLog(parsing: events)?.exitCode { try folder.write("\(code)", to: "error") }
        if let status = entry.status { try folder.write(status, to: "status") }
    }

    private func giveWay(_ task: String, in target: LocalDir) throws {
        let place = ResultPlace.standing(task: task)
        guard try target.look(at: place) != .absent else { return }
        guard let old = try target.events(of: place), let key = old.key, let attempt = old.attempt else {
            throw Failure(
                .inUse, "\(target.folder(of: place)) was not made by saturn", hint: "choose another folder with --to")
        }
        try target.retire(task, key: key, attempt: attempt)
    }

    /// In their order. Of those before the one that succeeded, the events of a copy do not tell.
    static func attempts(_ chunks: [ObjectRecord], _ text: String) -> [String] {
        let told = (EventLog(parsing: text)?.events ?? []).compactMap { $0["attempt"] }
        var earlier: [String] = []
        for attempt in chunks.compactMap({ $0.loggedAttempt.map(String.init) })
        where !told.contains(attempt) && !earlier.contains(attempt) {
            earlier.append(attempt)
        }
        return earlier + told
    }

    private func joinLogs(
        _ chunks: [ObjectRecord], _ text: String, of entry: IndexEntry, in folder: OpenFolder
    ) throws {
        let attempts = Self.attempts(chunks, text)
        for (index, attempt) in attempts.enumerated() {
            let own = chunks.filter { $0.isLog(of: attempt) }.sorted { $0.path < $1.path }
            let name = index == attempts.count - 1 ? "log" : "log.\(index + 1)"
            let fd = openat(folder.descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard fd >= 0 else { throw folder.problem(name) }
            try Descriptor.closing(fd, folder.path(of: name)) {
                var offset: Int64 = 0
                for chunk in own {
                    let key = keys(of: .standing(task: entry.task)) + chunk.path
                    let sum = try storage.get(key, into: fd, offset: offset, size: chunk.size)
                    guard let sum, sum.size == chunk.size, sum.sha256 == chunk.sha256 else {
                        throw Failure(.engine, "\(key) in \(location) is not what was uploaded")
                    }
                    offset += sum.size
                }
            }
        }
    }
}

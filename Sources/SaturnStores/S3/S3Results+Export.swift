import Glibc
import SaturnCore

/// The layout on this machine: what `collect --to` makes.
extension S3Results {
    public struct Export: Hashable, Sendable {
        public var fetched = 0
        public var upToDate = 0
        public var bytes: Int64 = 0
    }

    /// Brings the results of `tasks` (all, where it is `nil`) that are not there yet into `folder`.
    public func export(_ tasks: [String]?, to folder: String) throws -> Export {
        let target = LocalDir(directory: folder)
        var export = Export()
        let standing = try withIndex { $0.index?.standing ?? [:] }
        for task in try tasks ?? self.tasks() {
            guard let entry = standing[task] else { continue }
            try reporting("collect '\(task)'") {
                if try isThere(entry, in: target) {
                    export.upToDate += 1
                } else {
                    try bring(entry, into: target)
                    export.fetched += 1
                    export.bytes += entry.bytes
                }
            }
        }
        return export
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
        try Files.makeFolders(draft)
        let folder = try OpenFolder(draft)
        let (records, events) = try records(of: entry, at: place)
        let results = records.filter { $0.path.hasPrefix("results/") }
        try fetch(results, from: keys(of: place), of: entry.task, into: folder)
        if entry.status == "success", results.isEmpty { try folder.makeFolder("results") }
        try joinLogs(records.filter { $0.path.hasPrefix("log/") }, events, of: entry, in: folder)
        try folder.write(events, to: "events")
        if let code = EventLog(parsing: events)?.exitCode { try folder.write("\(code)", to: "error") }
        if let status = entry.status { try folder.write(status, to: "status") }
        try giveWay(entry.task, in: target)
        try Files.move(draft, to: target.folder(of: place))
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

    private func joinLogs(
        _ chunks: [ObjectRecord], _ text: String, of entry: IndexEntry, in folder: OpenFolder
    ) throws {
        let attempts = (EventLog(parsing: text)?.events ?? []).compactMap { $0["attempt"] }
        for (index, attempt) in attempts.enumerated() {
            let own = chunks.filter { $0.path.hasPrefix("log/\(attempt)/") }.sorted { $0.path < $1.path }
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

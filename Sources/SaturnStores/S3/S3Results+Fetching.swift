import Glibc
import SaturnCore

/// From the bucket to this machine: for tasks that need results, and for people.
extension S3Results {
    public func want(_ tasks: Set<String>) { state.withLock { $0.wanted = tasks } }

    /// The local folder of a task's results, which are fetched when they are not here.
    public func results(of task: String) throws -> String {
        let place = ResultPlace.standing(task: task)
        if try staged(task) != nil { return local.folder(of: place) + "/results" }
        guard let entry = try entry(at: place) else {
            throw Failure(.workspace, "there is no result of '\(task)' in \(location) any more")
        }
        if state.withLock({ $0.kept[task] }) == entry.attempt { return local.folder(of: place) + "/results" }
        let folder = local.location + "/.saturn/needs/\(entry.attempt)"
        let target = folder + "/results"
        if access(target, F_OK) == 0 { return target }
        try reporting("fetch the results of '\(task)'") {
            let draft = folder + "/draft"
            try Files.removeTree(draft)
            try Files.makeFolders(draft)
            let (records, _) = try self.records(of: entry, at: place)
            let inside = records.filter(\.isResult)
            let opened = try OpenFolder(draft)
            try queue.parallel(1) { [self] _ in try fetch(inside, from: keys(of: place), of: task, into: opened) }
            try Files.makeFolders(draft + "/results")
            try Files.rename(draft + "/results", to: target)
        }
        return target
    }

    func removeKept() {
        for task in state.withLock({ $0.kept.keys.sorted() }) {
            try? Files.removeTree(local.folder(of: .standing(task: task)))
        }
        try? Files.removeTree(local.location + "/.saturn/needs")
        state.withLock { $0.kept = [:] }
    }

    /// What the object `events` of a result lists, and its text.
    func records(of entry: IndexEntry, at place: ResultPlace) throws -> ([ObjectRecord], String) {
        guard let bytes = try storage.get(keys(of: place) + "events", limit: 1 << 28)?.bytes,
            case let text = String(decoding: bytes, as: UTF8.self), EventLog(parsing: text)?.attempt == entry.attempt
        else { throw gone("events", of: entry.task) }
        return (ObjectRecord.split(text).records, text)
    }

    private func gone(_ path: String, of task: String) -> Failure {
        Failure(
            .workspace, "\(path) of '\(task)' in \(location) was deleted or replaced",
            hint: "saturn run --verify makes it again")
    }

    /// Downloads objects, and checks that they are what was uploaded; makes folders and links. For jobs of the queue.
    func fetch(
        _ records: [ObjectRecord], from keys: String, of task: String, into folder: OpenFolder
    ) throws {
        for record in records where !record.isObject { try make(record, in: folder) }
        let files = records.filter(\.isObject)
        for file in files { _ = try Self.parent(of: file.path, in: folder) }
        try queue.forEach(files.count) { [self] index in
            let record = files[index]
            let (parent, name) = try Self.parent(of: record.path, in: folder)
            let mode: mode_t = record.kind == .executable ? 0o755 : 0o644
            let fd = openat(parent.descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
            guard fd >= 0 else { throw parent.problem(name) }
            try Descriptor.closing(fd, parent.path(of: name)) {
                let sum = try storage.get(keys + record.path, into: fd, offset: 0, size: record.size)
                guard let sum else { throw gone(record.path, of: task) }
                guard sum.size == record.size, sum.sha256 == record.sha256 else {
                    throw Failure(
                        .workspace, "\(record.path) of '\(task)' in \(location) is not what was uploaded",
                        hint: "saturn run --verify makes it again")
                }
            }
        }
    }

    private func make(_ record: ObjectRecord, in folder: OpenFolder) throws {
        let (parent, name) = try Self.parent(of: record.path, in: folder)
        switch record.kind {
        case .folder: _ = try parent.making(name)
        // Only within the results, and by its text: what it leads to is the reader's affair.
        case .link: guard symlinkat(record.target, parent.descriptor, name) == 0 else { throw parent.problem(name) }
        default: break
        }
    }

    /// The folder that a path's last component is in, made as far as it is missing. No path leads out of `folder`.
    static func parent(of path: String, in folder: OpenFolder) throws -> (OpenFolder, name: String) {
        var parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard let name = parts.popLast(), !(parts + [name]).contains(where: { ["", ".", ".."].contains($0) }) else {
            throw FileProblem(folder.path(of: path), is: "not a path within a result")
        }
        var parent = folder
        for part in parts { parent = try parent.making(part) }
        return (parent, name)
    }
}

import CSystem
import Glibc
public import SaturnCore

/// Results in a folder of this machine; a task's final folder is the workspace that its attempts fill.
///
/// ```yaml
/// results: {class_spec: LocalDir, directory: "/tmp/results/{name}"}
/// ```
/// `status` is the last file written, and the first that planning looks for: a folder without a complete one
/// holds no result.
public final class LocalDir: ResultStore {
    public static let schema = ComponentSchema(
        name: "LocalDir", classSpecs: ["LocalDir", "LocalResults", "LocalDirBackend", "LocalDirResults"],
        settings: ["directory": .string, "path": .string])

    /// Absolute, links resolved where it exists.
    public let location: String
    private let lock: FolderLock

    /// - Parameter directory: absolute; made when a run opens the store.
    public init(directory: String) {
        location = Files.resolved(directory)
        lock = FolderLock(path: location + "/.saturn/lock")
    }

    public func claim(holder: String) throws {
        try reporting("make the results folder") {
            try Files.makeFolders(location + "/.saturn")
        }
        try lock.take(holder: holder, what: "the results folder \(location)")
    }

    public func folder(of place: ResultPlace) -> String {
        switch place {
        case .standing(let task): "\(location)/\(task)"
        case .attic(let key, let attempt): "\(location)/.saturn/attic/\(key)/\(attempt)"
        }
    }

    public func look(at place: ResultPlace) throws -> FolderLook {
        let folder = folder(of: place)
        return try reporting("look at \(folder)") {
            if let stamp = try Files.stamp(of: folder + "/status"), stamp.size > 0 { return .status(stamp) }
            return try Files.exists(folder) && !isBarelyBegun(folder) ? .noStatus : .absent
        }
    }

    /// Empty, or with nothing but a cut-off `events`: saturn was killed while it made the folder.
    private func isBarelyBegun(_ folder: String) throws -> Bool {
        guard let inside = try? OpenFolder(folder), case let names = try inside.names(), names.count <= 1 else {
            return false
        }
        guard let name = names.first else { return true }
        guard name == Array("events".utf8CString), let bytes = try Files.read(folder + "/events", limit: 4096) else {
            return false
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let begun = EventLog.header + "  - type: submitted\n"
        return EventLog(parsing: text)?.attempt == nil && (begun.hasPrefix(text) || text.hasPrefix(begun))
    }

    public func events(of place: ResultPlace) throws -> EventLog? {
        try reporting("read the events of a result") {
            try Files.read(folder(of: place) + "/events", limit: 1 << 20).flatMap {
                EventLog(parsing: String(decoding: $0, as: UTF8.self))
            }
        }
    }

    public func hasLayout(_ place: ResultPlace) throws -> Bool {
        guard let inside = try? OpenFolder(folder(of: place)) else { return false }
        let known: Set<String> = ["log", "events", "status", "error", "results"]
        return try reporting("look at \(inside.path)") {
            try inside.names().allSatisfy { name in
                let text = name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
                return known.contains(text) || text.hasPrefix("log.")
            }
        }
    }

    public func status(of place: ResultPlace) throws -> String? {
        try reporting("read the status of a result") {
            try Files.read(folder(of: place) + "/status", limit: 64).map {
                String(String(decoding: $0, as: UTF8.self).prefix { !$0.isWhitespace })
            }
        }
    }

    public func begin(_ task: String, events: String) throws -> Workspace {
        let workspace = Workspace(task: task, folder: folder(of: .standing(task: task)))
        try reporting("prepare \(workspace.folder)") {
            try makeTaskFolder(workspace.folder)
            try Files.write(events, to: workspace.folder + "/events")
            try Files.makeFolder(workspace.results)
        }
        return workspace
    }

    private func makeTaskFolder(_ folder: String) throws {
        do { try Files.makeFolder(folder) } catch let error as Files.Problem where error.number == EEXIST {
            try clearBarelyBegun(folder)
            try Files.makeFolder(folder)
        }
    }

    private func clearBarelyBegun(_ folder: String) throws {
        if try isBarelyBegun(folder) { try Files.removeTree(folder) }
    }

    public func again(_ workspace: Workspace, number: Int, events: String) throws {
        try reportingTask("prepare \(workspace.folder) for attempt \(number)") {
            if try Files.exists(workspace.log) {
                let kept = "\(workspace.log).\(number - 1)"
                try Files.removeTree(kept)
                try Files.rename(workspace.log, to: kept)
            }
            try Files.removeTree(workspace.results)
            try Files.makeFolder(workspace.results)
            try Files.append(events, to: workspace.folder + "/events")
        }
    }

    public func publish(
        _ workspace: Workspace, events: String, status: String?, error: Int32?
    ) throws -> FileStamp? {
        try reportingTask("write the result in \(workspace.folder)") {
            if status != "success" { rmdir(workspace.results) }
            try Files.append(events, to: workspace.folder + "/events")
            if let error { try Files.write("\(error)", to: workspace.folder + "/error") }
            guard let status else { return nil }
            return try Files.write(status, to: workspace.folder + "/status")
        }
    }

    public func note(_ events: String, on place: ResultPlace) throws {
        try reporting("write \(folder(of: place))/events") {
            try Files.append(events, to: folder(of: place) + "/events")
        }
    }

    public func retire(_ task: String, key: TaskKey, attempt: AttemptID) throws {
        let target = folder(of: .attic(key: key, attempt: attempt))
        try reporting("move the result of '\(task)' to \(target)") {
            try Files.makeFolders(location + "/.saturn/attic/\(key)")
            try Files.rename(folder(of: .standing(task: task)), to: Files.free(target))
        }
    }

    public func move(_ place: ResultPlace, to task: String) throws {
        try reporting("move \(folder(of: place)) to '\(task)'") {
            try clearBarelyBegun(folder(of: .standing(task: task)))
            try Files.move(folder(of: place), to: folder(of: .standing(task: task)))
        }
    }

    public func clone(_ place: ResultPlace, to task: String, events: String) throws -> FileStamp? {
        let (source, target) = (folder(of: place), folder(of: .standing(task: task)))
        return try reporting("copy \(source) to '\(task)'") {
            try makeTaskFolder(target)
            try Files.write(events, to: target + "/events")
            let (from, to) = (try OpenFolder(source, followsLink: true), try OpenFolder(target))
            let own = ["events", "status"].map { Array($0.utf8CString) }
            for name in try from.names() where !own.contains(name) { try TreeCopy.copy(name, from: from, to: to) }
            return try Files.write("success", to: target + "/status")
        }
    }

    /// Says what saturn was about to do when the file system refused; a name that is taken is somebody's.
    private func reporting<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as Files.Problem {
            throw Failure(
                error.number == EEXIST || error.number == ENOTEMPTY ? .inUse : .engine,
                "cannot \(what): \(error.path): \(error.text)")
        }
    }

    /// The same where a task was at work: one that removed or replaced its own folder spoils nobody else's.
    private func reportingTask<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
        try reporting(what) {
            do { return try body() } catch let error as Files.Problem {
                let isItsOwn = [ENOENT, ENOTDIR, ELOOP, EISDIR, EINVAL].contains(error.number)
                guard isItsOwn, access(location, F_OK) == 0 else { throw error }
                throw Failure(.workspace, "cannot \(what): \(error.path): \(error.text)")
            }
        }
    }
}

import CSystem
import Glibc
public import SaturnCore
import Synchronization

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
    /// The location, open since it was claimed: what could not be written since then, the kernel tells whoever has had
    /// it open all the time.
    let claimed = Mutex<OpenFolder?>(nil)

    /// - Parameter directory: absolute; made when a run opens the store.
    public init(directory: String) {
        location = Files.resolved(directory)
        lock = FolderLock(path: location + "/.saturn/lock")
    }

    public var lastHolder: String? {
        get throws {
            try reporting("read the lock of the results folder") {
                try Files.read(location + "/.saturn/lock", limit: 4096).map { String(decoding: $0, as: UTF8.self) }
            }
        }
    }

    public func claim(holder: String) throws {
        let folder = try reporting("make the results folder") {
            try Files.makeFolders(location + "/.saturn")
            csystem_step("claim.folder")
            return try OpenFolder(location)
        }
        try lock.take(holder: holder, what: "the results folder \(location)")
        claimed.withLock { $0 = folder }
    }

    public func folder(of place: ResultPlace) -> String {
        switch place {
        case .standing(let task): "\(location)/\(task)"
        case .attic(let key, let attempt): "\(location)/.saturn/attic/\(key)/\(attempt)"
        case .checkpoint(let key, 0): "\(location)/.saturn/checkpoints/\(key)"
        case .checkpoint(let key, let replica): "\(location)/.saturn/checkpoints/\(key)-\(replica)"
        case .at(let location, let place): LocalDir(directory: location).folder(of: place)
        }
    }

    public func reaches(_ location: String) -> Bool { location.hasPrefix("/") }

    public func look(at place: ResultPlace) throws -> FolderLook {
        let folder = folder(of: place)
        return try reporting("look at \(folder)") {
            if let stamp = try Files.stamp(of: folder + "/status"), stamp.size > 0 {
                return try Files.exists(folder + "/results") ? .status(stamp) : .noResults(stamp)
            }
            return try Files.exists(folder) && !isBarelyBegun(folder) ? .noStatus : .absent
        }
    }

    public func tasks() throws -> [String] {
        try reporting("list the results folder") {
            guard try Files.exists(location) else { return [] }
            return try OpenFolder(location).names().compactMap { name in
                // A name that is no text is none of saturn's.
                let task = name.withUnsafeBufferPointer { $0.baseAddress.flatMap { String(validatingCString: $0) } }
                return task == ".saturn" ? nil : task
            }.sorted()
        }
    }

    /// Empty, or with nothing but a cut-off `events`: saturn was killed while it made the folder.
    func isBarelyBegun(_ folder: String) throws -> Bool {
        guard let inside = try? OpenFolder(folder), case let names = try inside.names(), names.count <= 1 else {
            return false
        }
        guard let name = names.first else { return true }
        guard name == Array("events".utf8CString), let bytes = try inside.read("events", limit: 4096) else {
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

    /// Says what saturn was about to do when the file system refused; a name that is taken is somebody's.
    func reporting<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as FileProblem {
            throw Failure(
                error.number == EEXIST || error.number == ENOTEMPTY ? .inUse : .engine,
                "cannot \(what): \(error.path): \(error.text)")
        }
    }

    /// The same where a task was at work: one that removed or replaced its own folder spoils nobody else's.
    func reportingTask<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
        try reporting(what) {
            do { return try body() } catch let error as FileProblem {
                let isItsOwn = [ENOENT, ENOTDIR, ELOOP, EISDIR, EINVAL].contains(error.number)
                guard isItsOwn, access(location, F_OK) == 0 else { throw error }
                throw Failure(.workspace, "cannot \(what): \(error.path): \(error.text)")
            }
        }
    }
}

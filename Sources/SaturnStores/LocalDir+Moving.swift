import CSystem
import Glibc
public import SaturnCore

/// Results that give way, come back, and are copied.
extension LocalDir {
    public func retire(_ task: String, key: TaskKey, attempt: AttemptID) throws {
        let target = folder(of: .attic(key: key, attempt: attempt))
        try reporting("move the result of '\(task)' to \(target)") {
            try Files.makeFolders(location + "/.saturn/attic/\(key)")
            csystem_step("retire.made")
            try Files.rename(folder(of: .standing(task: task)), to: Files.free(target))
            csystem_step("retire.moved")
        }
    }

    public func move(_ place: ResultPlace, to task: String) throws {
        try reporting("move \(folder(of: place)) to '\(task)'") {
            try clearBarelyBegun(folder(of: .standing(task: task)))
            csystem_step("move.cleared")
            try Files.move(folder(of: place), to: folder(of: .standing(task: task)))
            csystem_step("move.moved")
        }
    }

    public func clone(
        _ attempt: AttemptID, from place: ResultPlace, to task: String, events: String
    ) throws -> FileStamp? {
        let (path, target) = (folder(of: place), folder(of: .standing(task: task)))
        return try reporting("copy \(path) to '\(task)'") {
            try reportingSource(path) {
                let source = try CloneSource(attempt, at: path)
                let copy = try makeTaskFolder(target)
                do { return try fill(copy, from: source, events) } catch {
                    // What cannot be removed either has no status, and is no result.
                    try? Files.removeTree(target)
                    throw error
                }
            }
        }
    }

    private func fill(_ copy: OpenFolder, from source: CloneSource, _ events: String) throws -> FileStamp {
        csystem_step("clone.made")
        try copy.write(events, to: "events")
        csystem_step("clone.events")
        for name in try source.names() {
            try TreeCopy.copy(name, from: source.folder, to: copy)
            csystem_step("clone.entry")
        }
        try source.requireUnchanged()
        csystem_step("clone.checked")
        let stamp = try copy.writeStamped("success", to: "status")
        csystem_step("clone.status")
        return stamp
    }

    /// Another run may move what is copied, and gc delete it: that result is not there, then, and no more is wrong.
    private func reportingSource<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as FileProblem {
            let isItsOwn = [ENOENT, ENOTDIR, ELOOP, ESTALE, EINVAL].contains(error.number)
            guard isItsOwn, error.path == path || error.path.hasPrefix(path + "/") else { throw error }
            throw Failure(.workspace, "cannot copy \(path): \(error.path): \(error.text)")
        }
    }
}

/// The folder of a result that is copied, and how it was when that began.
private struct CloneSource {
    let folder: OpenFolder
    private let attempt: AttemptID
    private let status: FileStamp
    private let own: FileStamp

    init(_ attempt: AttemptID, at path: String) throws {
        self.attempt = attempt
        folder = try OpenFolder(path)
        own = FileStamp(try folder.status())
        status = try Self.success(of: attempt, in: folder)
    }

    private static func success(of attempt: AttemptID, in folder: OpenFolder) throws -> FileStamp {
        let events = try folder.read("events", limit: 1 << 20).flatMap {
            EventLog(parsing: String(decoding: $0, as: UTF8.self))
        }
        guard events?.attempt == attempt else { throw FileProblem(folder.path, is: "not the result of \(attempt)") }
        guard let status = try folder.status(of: "status"),
            try folder.read("status", limit: 64) == Array("success".utf8)
        else { throw FileProblem(folder.path, is: "no success any more") }
        return FileStamp(status)
    }

    /// All that is to be copied: events and status the copy has of its own.
    func names() throws -> [OpenFolder.Name] {
        let own = ["events", "status"].map { Array($0.utf8CString) }
        return try folder.names().filter { !own.contains($0) }
    }

    /// Somebody who deletes it may come to `status` last: so it must also be where it was, with nothing taken out.
    func requireUnchanged() throws {
        guard try Self.success(of: attempt, in: folder) == status,
            FileStamp(try OpenFolder(folder.path).status()).isSameFolder(as: own)
        else { throw FileProblem(folder.path, is: "changed while it was copied") }
    }
}

extension FileStamp {
    /// And nothing was added to or taken out of it.
    func isSameFolder(as other: FileStamp) -> Bool { inode == other.inode && modified == other.modified }
}

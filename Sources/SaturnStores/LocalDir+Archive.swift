import CSystem
import Glibc
public import SaturnCore

// What was superseded, under `.saturn` in the results folder: `attic/<key>/<attempt>`, `checkpoints/<key>` and
// `<key>-<replica>`, and `trash`, from which nothing comes back. Every folder is opened from the results folder on,
// one by one, so that a planted link leads nowhere.
extension LocalDir {
    public func archived() throws -> ArchiveListing {
        try archiving("list what was superseded") {
            var listing = ArchiveListing()
            try AtticReader(location).results(into: &listing)
            try AtticReader(location).checkpoints(into: &listing)
            return listing
        }
    }

    public func result(at place: ResultPlace) throws -> ArchivedResult? {
        if case .at(let location, let place) = place { return try LocalDir(directory: location).result(at: place) }
        return try archiving("look at \(folder(of: place))") {
            guard let (parent, name) = try opened(place), let folder = try parent.realFolder(name) else { return nil }
            return try AtticReader.result(in: folder)
        }
    }

    public func checkpoint(at place: ResultPlace) throws -> ArchivedCheckpoint? {
        if case .at(let location, let place) = place { return try LocalDir(directory: location).checkpoint(at: place) }
        return try archiving("look at \(folder(of: place))") {
            guard case .checkpoint = place, let (parent, name) = try opened(place) else { return nil }
            return try AtticReader.checkpoint(name, in: parent)
        }
    }

    public func annotate(_ attempt: AttemptID, at place: ResultPlace, events: String) throws -> Bool {
        if case .at(let location, let place) = place {
            return try LocalDir(directory: location).annotate(attempt, at: place, events: events)
        }
        return try archiving("write \(folder(of: place))/events") {
            guard let (parent, name) = try opened(place), let folder = try parent.realFolder(name),
                let file = try folder.file("events")
            else { return false }
            return try Descriptor.closing(file, folder.path + "/events") {
                // Through the descriptor of the file that was looked at: a run may be putting another folder there.
                guard let bytes = try Descriptor.read(file, limit: 1 << 20, folder.path + "/events"),
                    EventLog(parsing: String(decoding: bytes, as: UTF8.self))?.attempt == attempt
                else { return false }
                // What a crash cut short must not swallow what comes after it.
                let isWhole = bytes.last == UInt8(ascii: "\n")
                try folder.append(isWhole ? events : "\n" + events, to: "events")
                return true
            }
        }
    }

    public func size(of place: ResultPlace) throws -> Int64 {
        if case .at(let location, let place) = place { return try LocalDir(directory: location).size(of: place) }
        return try archiving("measure \(folder(of: place))") {
            guard let (parent, name) = try opened(place) else { return 0 }
            var size = TreeSize(limit: .max)
            size.add(name, in: parent)
            return size.bytes
        }
    }

    public func atticUse(limit: Int) throws -> AtticUse {
        try archiving("measure the attic") { try AtticReader(location).use(limit: limit) }
    }

    public func discard(_ place: ResultPlace) throws -> Bool {
        if case .at(let location, let place) = place { return try LocalDir(directory: location).discard(place) }
        return try archiving("discard \(folder(of: place))") {
            guard let (parent, name) = try opened(place), try parent.isRealFolder(name) else { return false }
            var generator = SystemRandomNumberGenerator()
            let target = Array(AttemptID(using: &generator).description.utf8CString)
            let trash = try OpenFolder(location).making(".saturn").making("trash")
            guard renameat(parent.descriptor, name, trash.descriptor, target) == 0 else {
                if errno == ENOENT { return false }
                throw parent.problem(name)
            }
            csystem_step("discard.moved")
            return true
        }
    }

    public func purge() throws {
        try archiving("delete what was discarded") {
            guard let home = try OpenFolder(location).inner(".saturn") else { return }
            if let trash = try home.inner("trash") { try trash.removeAll() }
            csystem_step("purge.emptied")
            if let attic = try home.inner("attic") { try removeEmptyKeys(attic) }
        }
    }

    /// A run makes the folder of a key before it moves a result there: with the run's lock, which is held for moments
    /// only, no run is between the two. Where one is active, a later gc does it.
    private func removeEmptyKeys(_ attic: OpenFolder) throws {
        // The last line of the lock says whose results these are, also when nobody has it.
        let owner = try lastHolder?.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2).first ?? ""
        var keys = try attic.names().filter { AtticReader.key($0.text) != nil }[...]
        while !keys.isEmpty {
            let lock = FolderLock(path: location + "/.saturn/lock")
            do { try lock.take(holder: "saturn gc\n\n\(owner)\n", what: location) } catch { return }
            // Others find out that it is not empty by trying.
            for name in keys.prefix(200) { unlinkat(attic.descriptor, name, AT_REMOVEDIR) }
            keys = keys.dropFirst(200)
            withExtendedLifetime(lock) {}
        }
    }

    public func lockAttic() throws -> any AtticLock {
        try archiving("lock the attic") { try HeldLock("attic.lock", in: OpenFolder(location).making(".saturn")) }
    }

    /// The folder that `place` is in, and its name there; `nil` when that folder is not there.
    private func opened(_ place: ResultPlace) throws -> (OpenFolder, OpenFolder.Name)? {
        // A name from elsewhere must not lead out of the layout.
        if case .standing(let task) = place, TaskName.problem(with: task) != nil { return nil }
        // By bytes: a name may have more of them than characters.
        let inside = folder(of: place).utf8.dropFirst(location.utf8.count)
        var path = inside.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
        let name = path.popLast() ?? ""
        var folder = try OpenFolder(location)
        for component in path {
            guard let inner = try folder.inner(component) else { return nil }
            folder = inner
        }
        return (folder, Array(name.utf8CString))
    }

    private func archiving<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as FileProblem {
            let isGone = error.number == ENOENT && error.path == location
            throw Failure(isGone ? .workspace : .engine, "cannot \(what): \(error.path): \(error.text)")
        }
    }
}

/// Waited for, and let go of at the end of its life.
private final class HeldLock: AtticLock {
    private let descriptor: Int32

    init(_ name: String, in folder: OpenFolder) throws {
        descriptor = openat(folder.descriptor, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw FileProblem("\(folder.path)/\(name)") }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw FileProblem("\(folder.path)/\(name)") }
        }
    }

    deinit {
        guard descriptor >= 0 else { return }
        // Closing is not enough while a child that is just being started still has a copy of the descriptor.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

import Glibc
import SaturnCore

/// Reads what is under `.saturn` of a results folder. What is not certainly saturn's is unknown.
struct AtticReader {
    private let location: String

    init(_ location: String) {
        self.location = location
    }

    private func folder(_ name: String) throws -> OpenFolder? {
        try OpenFolder(location).inner(".saturn")?.inner(name)
    }

    func results(into listing: inout ArchiveListing) throws {
        guard let attic = try folder("attic") else { return }
        for name in try attic.names() {
            guard let key = Self.key(name.text), try attic.isRealFolder(name) else {
                listing.unknown.append(attic.path(of: name))
                continue
            }
            guard let inside = try attic.inner(name.text) else { continue }
            for name in try inside.names() { try add(name, of: key, in: inside, to: &listing) }
        }
    }

    private func add(
        _ name: OpenFolder.Name, of key: TaskKey, in folder: OpenFolder, to listing: inout ArchiveListing
    ) throws {
        if AttemptID(name.text)?.description == name.text, let inside = try folder.realFolder(name),
            let result = try Self.result(in: inside), result.key == key, result.attempt.description == name.text
        {
            listing.results.append(result)
        } else {
            listing.unknown.append(folder.path(of: name))
        }
    }

    static func result(in folder: OpenFolder) throws -> ArchivedResult? {
        guard let bytes = try folder.read("events", limit: 1 << 20),
            let events = EventLog(parsing: String(decoding: bytes, as: UTF8.self)), let key = events.key,
            let attempt = events.attempt
        else { return nil }
        let status = try folder.read("status", limit: 64).map { String(decoding: $0, as: UTF8.self) }
        // Renaming a folder changes its ctime on all of Linux's file systems, and nothing else does in the attic: pins
        // are written to a file that is there.
        return ArchivedResult(
            key: key, attempt: attempt, events: events, status: status.map { String($0.prefix { !$0.isWhitespace }) },
            since: try Timestamp(folder.status().st_ctim))
    }

    func checkpoints(into listing: inout ArchiveListing) throws {
        guard let folder = try folder("checkpoints") else { return }
        for name in try folder.names() {
            if let checkpoint = try Self.checkpoint(name, in: folder) {
                listing.checkpoints.append(checkpoint)
            } else {
                listing.unknown.append(folder.path(of: name))
            }
        }
    }

    static func checkpoint(_ name: OpenFolder.Name, in folder: OpenFolder) throws -> ArchivedCheckpoint? {
        guard let (key, replica) = checkpoint(name.text), let inside = try folder.realFolder(name) else { return nil }
        // A task that writes its file anew does not touch the folder.
        let times = try inside.names().map { Timestamp(try inside.status(of: $0).st_ctim) }
        let since = times.reduce(Timestamp(try inside.status().st_ctim), max)
        return ArchivedCheckpoint(key: key, replica: replica, since: since)
    }

    func use(limit: Int) throws -> AtticUse {
        var (use, size) = (AtticUse(), TreeSize(limit: limit))
        guard let attic = try folder("attic") else { return use }
        for key in try attic.names() {
            guard let inside = try? attic.inner(key.text), let names = try? inside.names() else { continue }
            for name in names where !size.isPartial {
                size.add(name, in: inside)
                use.results += 1
            }
        }
        use.bytes = size.bytes
        use.isPartial = size.isPartial
        return use
    }

    /// Only as saturn writes it.
    static func key(_ name: String) -> TaskKey? { TaskKey(hex: name).flatMap { $0.description == name ? $0 : nil } }

    private static func checkpoint(_ name: String) -> (TaskKey, Int)? {
        guard let key = key(String(name.prefix(64))) else { return nil }
        let rest = name.dropFirst(64)
        if rest.isEmpty { return (key, 0) }
        guard let replica = Int(rest.dropFirst()), replica > 0, rest == "-\(replica)" else { return nil }
        return (key, replica)
    }
}

extension Timestamp {
    init(_ time: timespec) {
        self.init(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}

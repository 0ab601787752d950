import Glibc
public import SaturnCore

/// What is superseded, for gc.
extension S3Results {
    /// By listing: the index alone does not decide what is deleted.
    public func archived() throws -> ArchiveListing {
        var listing = ArchiveListing()
        if access(local.location + "/.saturn", F_OK) == 0 { listing.checkpoints = try local.archived().checkpoints }
        let known = try withIndex { $0.index?.attic ?? [:] }
        let attic = prefix + ".saturn/attic/"
        let objects = try storage.list(attic, isFlat: false).objects
        guard !objects.isEmpty || known.isEmpty else {
            throw Failure(
                .engine, "the attic of \(location) is listed as empty, and its index knows of \(known.count) results",
                hint: "nothing is deleted; if they were deleted by hand, delete .saturn/index/ there too")
        }
        var unknown: Set<String> = []
        var there: Set<AttemptID> = []
        for object in objects {
            let parts = object.key.utf8.dropFirst(attic.utf8.count).split(separator: UInt8(ascii: "/")).map {
                Substring($0)
            }
            guard parts.count > 2, TaskKey(hex: parts[0]) != nil, let attempt = AttemptID(parts[1]),
                known[attempt] != nil
            else {
                unknown.insert(attic + parts.prefix(2).joined(separator: "/"))
                continue
            }
            there.insert(attempt)
        }
        listing.unknown = unknown.sorted()
        listing.results = known.values.filter { there.contains($0.attempt) }.compactMap { archived($0) }
        return listing
    }

    public func superseded() throws -> ArchiveListing {
        var listing = ArchiveListing()
        listing.results = try withIndex { ($0.index?.attic ?? [:]).values.map(\.self) }.compactMap { archived($0) }
        return listing
    }

    private func archived(_ entry: IndexEntry) -> ArchivedResult? {
        guard let events = EventLog(parsing: entry.events) else { return nil }
        return ArchivedResult(
            key: entry.key, attempt: entry.attempt, events: events, status: entry.status, since: entry.since)
    }

    public func result(at place: ResultPlace) throws -> ArchivedResult? {
        if case .at(let location, let place) = place { return try neighbour(location)?.result(at: place) }
        return try entry(at: place).flatMap { archived($0) }
    }

    public func checkpoint(at place: ResultPlace) throws -> ArchivedCheckpoint? { try local.checkpoint(at: place) }

    public func annotate(_ attempt: AttemptID, at place: ResultPlace, events: String) throws -> Bool {
        if case .at = place { return false }
        guard let entry = try entry(at: place), entry.attempt == attempt else { return false }
        try queue.wait()
        return try add(events, to: attempt, at: place, of: entry.task, isKnown: false)
    }

    public func size(of place: ResultPlace) throws -> Int64 {
        if case .checkpoint = place { return try local.size(of: place) }
        return try entry(at: place)?.bytes ?? 0
    }

    public func atticUse(limit: Int) throws -> AtticUse {
        var use = AtticUse()
        for entry in try withIndex({ $0.index?.attic ?? [:] }).values {
            use.bytes += entry.bytes
            use.results += 1
        }
        return use
    }

    /// `status` first: what is left of it is no result.
    public func discard(_ place: ResultPlace) throws -> Bool {
        if case .checkpoint = place { return try local.discard(place) }
        guard let entry = try entry(at: place) else { return false }
        let keys = keys(of: place)
        let objects = try storage.list(keys, isFlat: false).objects
        try storage.delete([keys + "status"])
        try storage.delete(objects.map(\.key))
        try apply(.dropped(entry.attempt))
        return !objects.isEmpty
    }

    public func purge() throws {
        if access(local.location + "/.saturn", F_OK) == 0 { try local.purge() }
        let lock = try lockAttic()
        defer { withExtendedLifetime(lock) {} }
        try compact(over: 1)
        // Nobody else is at work: what was begun will not be gone on with. Not every server can list it, nor may every key.
        try? storage.abortUploads(prefix)
    }

    /// The lease of the whole store, unless this is the run that has it.
    public func lockAttic() throws -> any AtticLock {
        guard state.withLock({ $0.claim == nil }) else { return Held(nil) }
        let owner = try lastHolder ?? ""
        let last = owner.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2).first ?? ""
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        let host = name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        try claim(holder: "process \(getpid()) on \(host) (saturn)\n\(getpid()) 0\n\(last)\n")
        return Held(self)
    }

    private final class Held: AtticLock {
        private let store: S3Results?

        init(_ store: S3Results?) {
            self.store = store
        }

        deinit { try? store?.finish() }
    }
}

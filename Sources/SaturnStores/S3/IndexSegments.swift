import SaturnCore

/// The index in the bucket: immutable objects that are read one after another, and leases of those who write them.
///
/// ```
/// .saturn/index/0000000007-0001-1f3c…       a few for each run
/// .saturn/index/0000000008-0000-77ab…-base  all there was, once there were many
/// .saturn/index/lease-0000000009-5e0d…      somebody is at work
/// ```
/// The first number is the epoch: each who takes a lease has the next one. No server needs to know conditions for that.
struct IndexSegments: Sendable {
    let storage: any ObjectStorage
    /// Of the index's objects.
    let prefix: String
    private static let limit = 1 << 30

    /// What is there at one moment.
    struct Look: Sendable {
        var index = ResultIndex()
        /// Of the segments that were read.
        var names: [String] = []
        /// When the newest of them was written, by the server's clock.
        var modified: Int64 = 0
        var leases: [Lease] = []
        /// What is wrong with a segment: then the index says nothing.
        var damage: String?
        /// The highest there was.
        var epoch = 0
    }

    /// - Parameter known: a copy of a segment on this machine; they never change.
    func read(known: (String) -> [UInt8]?, keep: (String, [UInt8]) -> Void) throws -> Look {
        for _ in 0..<5 {
            if let look = try readOnce(known, keep) { return look }
        }
        throw Failure(.engine, "the index under \(prefix) changes faster than it can be read", hint: "try again")
    }

    /// `nil` when a segment was merged into another in the meantime.
    private func readOnce(_ known: (String) -> [UInt8]?, _ keep: (String, [UInt8]) -> Void) throws -> Look? {
        let listing = try storage.list(prefix, isFlat: false)
        var look = Look()
        var segments: [Segment] = []
        for object in listing.objects {
            let name = String(Substring(object.key.utf8.dropFirst(prefix.utf8.count)))
            look.epoch = max(look.epoch, Self.epoch(of: name))
            if name.hasPrefix(Lease.namePrefix) {
                look.leases.append(Lease(name: name, age: listing.now - object.modified))
                continue
            }
            look.modified = max(look.modified, object.modified)
            look.names.append(name)
            if let bytes = known(name), bytes.count == object.size {
                segments.append(Segment(name: name, bytes: bytes))
            } else {
                guard let found = try storage.get(object.key, limit: Self.limit) else { return nil }
                keep(name, found.bytes)
                segments.append(Segment(name: name, bytes: found.bytes))
            }
        }
        do { look.index = try Segment.merge(segments) } catch let damage as Segment.Damage {
            look.damage = "the segment \(damage.segment) of the results' index is damaged: \(damage.what)"
        }
        return look
    }

    static func epoch(of name: String) -> Int {
        let rest = name.hasPrefix(Lease.namePrefix) ? name.dropFirst(Lease.namePrefix.count) : name[...]
        return Int(rest.prefix { $0 != "-" }) ?? 0
    }

    /// Names in the order in which segments count.
    static func name(epoch: Int, number: Int, isBase: Bool) -> String {
        var generator = SystemRandomNumberGenerator()
        let id = AttemptID(using: &generator).description.prefix(8)
        return "\(padded(epoch, 10))-\(padded(number, 6))-\(id)\(isBase ? "-base" : "")"
    }

    static func padded(_ number: Int, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try storage.put(prefix + name, bytes, type: "text/plain; charset=utf-8")
    }

    func remove(_ names: [String]) throws {
        guard !names.isEmpty else { return }
        try storage.delete(names.map { prefix + $0 })
    }
}

/// One object of the index.
struct Segment: Sendable {
    struct Damage: Error {
        var segment: String
        var what: String
    }

    var name: String
    var bytes: [UInt8]

    /// - Parameter replaced: the names of segments of which this one has everything.
    static func text(_ changes: [IndexChange], replacing replaced: [String] = []) -> [UInt8] {
        var bytes = IndexChange.line(["saturn index 1"] + replaced)
        for change in changes { bytes += change.line }
        return bytes
    }

    /// In the order of their names; a segment that another one replaces counts for nothing.
    static func merge(_ segments: [Segment]) throws -> ResultIndex {
        var replaced: Set<String> = []
        for segment in segments { replaced.formUnion(try segment.header().dropFirst()) }
        var index = ResultIndex()
        for segment in segments.sorted(by: { $0.name < $1.name }) where !replaced.contains(segment.name) {
            for line in segment.lines.dropFirst() {
                guard let change = IndexChange(line) else { throw segment.damage("a line of it cannot be read") }
                index.apply(change)
            }
        }
        return index
    }

    private var lines: [ArraySlice<UInt8>] { bytes.split(separator: UInt8(ascii: "\n")) }

    private func header() throws -> [String] {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")), bytes.last == UInt8(ascii: "\n") else {
            throw damage("it is cut off")
        }
        let parts = IndexChange.parts(bytes[..<end])
        guard let first = parts.first, first.hasPrefix("saturn index ") else { throw damage("it is no index") }
        guard first == "saturn index 1" else {
            throw Failure(
                .engine, "the results' index was written by a newer saturn (\(first))", hint: "use that version")
        }
        return parts
    }

    private func damage(_ what: String) -> Damage { Damage(segment: name, what: what) }
}

import Glibc
public import SaturnCore

/// What plans are made from: the index, and what is on its way into it.
extension S3Results {
    public func look(at place: ResultPlace) throws -> FolderLook {
        if case .at(let location, let place) = place { return try neighbour(location)?.look(at: place) ?? .absent }
        if case .standing(let task) = place, let staged = try staged(task) {
            return staged.entry(task, at: now()).stamp.map { .status($0) } ?? .noStatus
        }
        guard let entry = try entry(at: place) else { return .absent }
        return entry.stamp.map { .status($0) } ?? .noStatus
    }

    public func events(of place: ResultPlace) throws -> EventLog? {
        if case .at(let location, let place) = place { return try neighbour(location)?.events(of: place) }
        if case .standing(let task) = place, let staged = try staged(task) { return EventLog(parsing: staged.events) }
        return try entry(at: place).flatMap { EventLog(parsing: $0.events) }
    }

    public func status(of place: ResultPlace) throws -> String? {
        if case .at(let location, let place) = place { return try neighbour(location)?.status(of: place) }
        if case .standing(let task) = place, let staged = try staged(task) { return staged.status }
        return try entry(at: place)?.status
    }

    public func hasLayout(_ place: ResultPlace) throws -> Bool { try look(at: place) != .absent }

    public func tasks() throws -> [String] {
        try withIndex { Set(($0.index?.standing ?? [:]).keys).union($0.staged.keys).sorted() }
    }

    public func resultsDigest(at place: ResultPlace) throws -> Digest? {
        if case .at(let location, let place) = place { return try neighbour(location)?.resultsDigest(at: place) }
        if case .standing(let task) = place, let staged = try staged(task), staged.isComplete {
            if staged.isUploaded { return ObjectRecord.digest(staged.results) }
            return ObjectRecord.digest(try reporting("read the results of '\(task)'") { try hashed(task) })
        }
        return try entry(at: place)?.digest
    }

    /// Of results that are still on this machine only.
    private func hashed(_ task: String) throws -> [ObjectRecord] {
        let folder = try OpenFolder(local.folder(of: .standing(task: task)))
        return try resultRecords(in: folder, of: task).map { record in
            guard record.isObject else { return record }
            var record = record
            let file = try FileInFolder(record.path, in: folder)
            (record.size, record.sha256) = (file.size, try file.digest())
            return record
        }
    }

    /// A complete workspace that is on its way.
    func staged(_ task: String) throws -> StagedResult? {
        try withIndex { $0.staged[task] }.flatMap { $0.isComplete ? $0 : nil }
    }

    func entry(at place: ResultPlace) throws -> IndexEntry? {
        switch place {
        case .standing(let task):
            // Of a name that only looks alike the objects are elsewhere.
            try withIndex { $0.index?.standing[task] }.flatMap { $0.task.hasSameBytes(as: task) ? $0 : nil }
        case .attic(let key, let attempt):
            try withIndex { $0.index?.attic[attempt] }.flatMap { $0.key == key ? $0 : nil }
        case .checkpoint: nil
        case .at(let location, let place): try neighbour(location)?.entry(at: place)
        }
    }

    /// The state with the index in it, which is read when it is first asked for.
    func withIndex<Value: Sendable>(_ body: (inout State) throws -> Value) throws -> Value {
        if state.withLock({ $0.index == nil }) {
            let recovery = Recovery(self)
            let view = try recovery.view(try segments.read(known: cached, keep: { _, _ in }))
            let leftovers = try recovery.leftovers(beside: view)
            state.withLock { state in
                state.index = state.index ?? view
                state.staged.merge(leftovers) { own, _ in own }
            }
        }
        return try state.withLock { try body(&$0) }
    }

    /// A segment that this machine has a copy of.
    func cached(_ name: String) -> [UInt8]? {
        (try? Files.read("\(cacheFolder)/\(name)", limit: 1 << 30)) ?? nil
    }

    public func verify() { state.withLock { $0.isVerifying = true } }

    func remark(_ text: String) { state.withLock { $0.remarks.append(text) } }

    public func takeRemarks() -> [String] {
        state.withLock { state in
            defer { state.remarks = [] }
            return state.remarks
        }
    }

    var cacheFolder: String { local.location + "/.saturn/index" }

    // MARK: Elsewhere

    public func reaches(_ location: String) -> Bool {
        guard location != self.location, let address = S3Address(location: location),
            let own = S3Address(location: self.location)
        else {
            return false
        }
        return address.bucket == own.bucket && address.endpoint == own.endpoint
    }

    func neighbour(_ location: String) throws -> S3Results? {
        guard reaches(location), let address = S3Address(location: location) else { return nil }
        return neighbours.withLock { known in
            if let store = known[location] { return store }
            let staging = local.location + "/.saturn/neighbours/" + Digest(of: location.utf8).description.prefix(16)
            let store = S3Results(location: location, storage: storage, prefix: address.prefix, staging: staging)
            known[location] = store
            return store
        }
    }

    /// Says what saturn was about to do when this machine's file system refused.
    func reporting<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as FileProblem {
            throw Failure(.engine, "cannot \(what): \(error.path): \(error.text)")
        }
    }
}

extension StagedResult {
    /// What the index will say of it.
    func entry(_ task: String, at time: Timestamp) -> IndexEntry {
        let objects = logs.flatMap(\.chunks) + results.filter(\.isObject)
        var generator = SystemRandomNumberGenerator()
        return IndexEntry(
            task: task, attempt: attempt ?? AttemptID(using: &generator), key: key, status: status,
            digest: isUploaded ? ObjectRecord.digest(results) : nil, bytes: objects.reduce(0) { $0 + $1.size },
            objects: objects.count, since: time, events: events)
    }
}

import Dispatch
public import SaturnCore

/// Results that give way, come back and are copied: on the server, which has no renaming. `status` is deleted first and
/// written last, so that what is on its way is no result.
extension S3Results {
    public func retire(_ task: String, key: TaskKey, attempt: AttemptID) throws {
        // What is still on its way arrives first.
        if try staged(task) != nil {
            let group = DispatchGroup()
            queue.submit([task], group: group) { try self.complete(task) }
            group.wait()
            if let failure = queue.failure { throw failure }
        }
        try checkLease()
        let isThere = try withIndex { state -> Bool in
            guard state.index?.standing[task]?.attempt == attempt else { return false }
            return true
        }
        guard isThere else {
            throw Failure(.engine, "the result of '\(task)' in \(location) is not the one that was planned with")
        }
        submitRetirement(of: attempt, task)
    }

    func submitRetirement(of attempt: AttemptID, _ task: String) {
        let time = now()
        guard
            let entry = state.withLock({ state -> IndexEntry? in
                guard let entry = state.index?.standing[task], entry.attempt == attempt else { return nil }
                state.index?.apply(.retired(task, attempt, time))
                return entry
            })
        else { return }
        let target = keys(of: .attic(key: entry.key, attempt: attempt))
        let source = keys(of: .standing(task: task))
        queue.submit([task, "\(attempt)"]) { [self] in
            try journal(.retiring(task, attempt))
            if try !transfer(from: source, to: target, status: entry.status) { try vanish(entry) }
            try apply(.retired(task, attempt, time), isKnown: true)
        }
    }

    public func move(_ place: ResultPlace, to task: String) throws {
        guard let entry = try entry(at: place) else { throw missing(place) }
        submitRestoration(entry, to: task)
    }

    func submitRestoration(_ entry: IndexEntry, to task: String) {
        let time = now()
        let isSuperseded = state.withLock { state in
            let isSuperseded = state.index?.attic[entry.attempt] != nil
            state.index?.apply(.restored(entry.attempt, task, time))
            return isSuperseded
        }
        let place: ResultPlace =
            isSuperseded ? .attic(key: entry.key, attempt: entry.attempt) : .standing(task: entry.task)
        let (source, target) = (keys(of: place), keys(of: .standing(task: task)))
        guard source != target else { return }
        queue.submit([task, entry.task, "\(entry.attempt)"]) { [self] in
            try journal(.restoring(entry.attempt, task))
            if try !transfer(from: source, to: target, status: entry.status) { return try vanish(entry) }
            try apply(.restored(entry.attempt, task, time), isKnown: true)
        }
    }

    /// Moves all objects; what an earlier try has moved stays. `false` when there is nothing to move.
    private func transfer(from source: String, to target: String, status: String?) throws -> Bool {
        // What is copied onto itself and then deleted is gone.
        guard source != target else { throw Failure(.fault, "\(source) was to be moved onto itself") }
        let objects = try storage.list(source, isFlat: false).objects
        try storage.delete([source + "status"])
        let rest = objects.filter { $0.key != source + "status" }
        if !rest.contains(where: { $0.key == source + "events" }),
            try storage.get(target + "events", limit: 1 << 28) == nil
        {
            return false
        }
        try copy(rest, from: source, to: target)
        if let status { try storage.put(target + "status", Array(status.utf8), type: "text/plain") }
        try storage.delete(rest.map(\.key))
        return true
    }

    /// - Parameter renamed: what the name of an object becomes.
    private func copy(
        _ objects: [ObjectListing.Entry], from source: String, to target: String,
        renamed: @escaping @Sendable (String) -> String = { $0 }
    ) throws {
        try queue.forEach(objects.count) { [storage] index in
            let object = objects[index]
            let name = String(Substring(object.key.utf8.dropFirst(source.utf8.count)))
            guard try storage.copy(object.key, to: target + renamed(name), size: object.size) else {
                throw Failure(.engine, "\(object.key) was deleted while it was copied", hint: "run again")
            }
        }
    }

    /// Its objects were deleted behind the index's back.
    private func vanish(_ entry: IndexEntry) throws {
        try apply(.dropped(entry.attempt))
        state.withLock { $0.hasVanished = true }
    }

    /// Waits until what was moved and copied is where it belongs. Throws a ``Failure`` of kind `workspace` when something
    /// turned out not to be there any more; the index says so then.
    public func settle() throws {
        try queue.wait()
        let hasVanished = state.withLock { state in
            defer { state.hasVanished = false }
            return state.hasVanished
        }
        if hasVanished { throw Failure(.workspace, "a result in \(location) was deleted") }
    }

    private func missing(_ place: ResultPlace) -> Failure {
        Failure(.workspace, "there is no result at \(keys(of: place)) in \(location) any more")
    }

    public func clone(
        _ attempt: AttemptID, from place: ResultPlace, to task: String, events: String
    ) throws -> FileStamp? {
        var (origin, inside) = (self, place)
        if case .at(let location, let place) = place {
            guard let neighbour = try neighbour(location) else { throw missing(place) }
            (origin, inside) = (neighbour, place)
        }
        guard let source = try origin.entry(at: inside), source.attempt == attempt, source.status == "success",
            let copy = EventLog(parsing: events)?.attempt
        else { throw missing(inside) }
        var entry = source
        (entry.task, entry.attempt, entry.events, entry.since) = (task, copy, events, now())
        let result = entry
        try withIndex { $0.index?.apply(.stands(result)) }
        let (from, target) = (origin.keys(of: inside), keys(of: .standing(task: task)))
        let things = Set([task, source.task, "\(attempt)", "\(copy)"])
        queue.submit(Array(things)) { [self] in
            try journal(.began(task))
            if try !copyResult(result, source: attempt, from: from, to: target) { try vanish(result) }
        }
        return entry.stamp
    }

    private func copyResult(
        _ entry: IndexEntry, source: AttemptID, from origin: String, to target: String
    ) throws -> Bool {
        let objects = try storage.list(origin, isFlat: false).objects
        guard objects.contains(where: { $0.key == origin + "status" }),
            let old = try storage.get(origin + "events", limit: 1 << 28),
            case let text = String(decoding: old.bytes, as: UTF8.self), EventLog(parsing: text)?.attempt == source
        else { return false }
        let own = ["events", "status"].map { origin + $0 }
        let copy = entry.attempt
        // Its log is now that of the copy, which is an attempt of its own.
        let renamed = { @Sendable (name: String) in
            name.hasPrefix("log/\(source)/")
                ? name.replacing("log/\(source)/", with: "log/\(copy)/", maxReplacements: 1) : name
        }
        try self.copy(objects.filter { !own.contains($0.key) }, from: origin, to: target, renamed: renamed)
        var records = ObjectRecord.split(text).records
        for index in records.indices { records[index].path = renamed(records[index].path) }
        let events = entry.events + ObjectRecord.stored(records, entry.digest, at: now())
        try storage.put(target + "events", Array(events.utf8), type: "application/yaml")
        try storage.put(target + "status", Array("success".utf8), type: "text/plain")
        var entry = entry
        entry.events = ObjectRecord.split(events).events
        entry.bytes += Int64(events.utf8.count - old.bytes.count)
        try apply(.stands(entry))
        return true
    }
}

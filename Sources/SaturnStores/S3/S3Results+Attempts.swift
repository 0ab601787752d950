public import SaturnCore

extension S3Results: AttemptReading {
    public func read(
        _ file: String, of wanted: [WantedAttempt], limit: Int,
        _ take: @escaping @Sendable (Int, AttemptContent) -> Void
    ) throws {
        try queue.parallel(wanted.count) { [self] index in
            let attempt = wanted[index]
            // Of one that runs, or has just ended, all is on this machine.
            if let content = try local.content(attempt, file, limit) ?? content(attempt, file, limit) {
                take(index, content)
            }
        }
    }

    private func content(_ wanted: WantedAttempt, _ file: String, _ limit: Int) throws -> AttemptContent? {
        guard wanted.attempt != nil else { return nil }
        for place in wanted.places {
            guard let events = try events(wanted, place) else { continue }
            return AttemptContent(events: events, file: try self.file(keys(of: place) + "results/\(file)", limit))
        }
        return nil
    }

    /// What the index does not know yet is asked for.
    private func events(_ wanted: WantedAttempt, _ place: ResultPlace) throws -> EventLog? {
        if let known = try entry(at: place).flatMap({ EventLog(parsing: $0.events) }), wanted.has(known) {
            return known
        }
        guard let bytes = try storage.get(keys(of: place) + "events", limit: 1 << 28)?.bytes else { return nil }
        return EventLog(parsing: String(decoding: bytes, as: UTF8.self)).flatMap { wanted.has($0) ? $0 : nil }
    }

    private func file(_ key: String, _ limit: Int) throws -> AttemptContent.File {
        do {
            guard let object = try storage.get(key, limit: limit) else { return .missing }
            return object.bytes.count > limit ? .tooLarge : .bytes(object.bytes)
        } catch {
            guard let size = try storage.list(key, isFlat: true).objects.first(where: { $0.key == key })?.size,
                size > limit
            else { throw error }
            return .tooLarge
        }
    }
}

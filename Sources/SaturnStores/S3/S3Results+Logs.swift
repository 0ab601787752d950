import Glibc
public import SaturnCore

/// What a task prints and what happens to it, while it runs and afterwards.
extension S3Results {
    /// From so many seconds on it is worth an object that the next minutes make old.
    private static let worthEvents: Int64 = 10

    /// Uploads the chunks that are due, and the events of attempts that take their time.
    func showLogs(at time: Int64) {
        let due = state.withLock { state -> [(task: String, log: Bool)] in
            var due: [(String, Bool)] = []
            for (task, result) in state.staged where !result.isComplete {
                let isLogDue = time - result.loggedAt >= logChunk
                if isLogDue { state.staged[task]?.loggedAt = time }
                let areEventsDue = !result.hasShownEvents && time - result.begun >= Self.worthEvents
                if areEventsDue { state.staged[task]?.hasShownEvents = true }
                if isLogDue || areEventsDue { due.append((task, isLogDue)) }
            }
            return due
        }
        for (task, isLogDue) in due {
            queue.submit([task]) { [self] in
                guard let result = state.withLock({ $0.staged[task] }), !result.isComplete else { return }
                try storage.put(
                    keys(of: .standing(task: task)) + "events", Array(result.events.utf8), type: "application/yaml")
                guard isLogDue else { return }
                try reporting("upload the log of '\(task)'") {
                    let folder = try OpenFolder(local.folder(of: .standing(task: task)))
                    for index in result.logs.indices { try uploadLog(of: task, index, in: folder) }
                }
            }
        }
    }

    /// The attempts whose logs are at a place, in their order; the last one's result is there, or it fills it just now.
    public func loggedAttempts(at place: ResultPlace) throws -> [AttemptID] {
        guard let events = try storage.get(keys(of: place) + "events", limit: 1 << 28) else { return [] }
        let (records, text) = ObjectRecord.split(String(decoding: events.bytes, as: UTF8.self))
        return Self.attempts(records, text).compactMap { AttemptID($0) }
    }

    /// The chunks of an attempt's log that are in the bucket, in order.
    public func logChunks(of attempt: AttemptID, at place: ResultPlace) throws -> [LogChunk] {
        try storage.list(keys(of: place) + "log/\(attempt)/", isFlat: false).objects.map {
            LogChunk(key: $0.key, size: $0.size)
        }
    }

    /// Does `body` for 0 ..< `count`, begun in this order, as many at once as there are connections. Throws the first error.
    public func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
        try queue.parallel(count, body)
    }

    /// Appends a chunk to an open file.
    public func fetch(_ chunk: LogChunk, into descriptor: Int32, at offset: Int64) throws {
        guard try storage.get(chunk.key, into: descriptor, offset: offset, size: chunk.size)?.size == chunk.size else {
            throw Failure(.engine, "\(chunk.key) in \(location) was deleted or replaced")
        }
    }
}

/// A part of a log, by the object that it is.
public struct LogChunk: Hashable, Sendable {
    var key: String
    public var size: Int64
}

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

    /// The attempt whose result is at a place, or that fills it just now.
    public func runningAttempt(at place: ResultPlace) throws -> AttemptID? {
        let events = try storage.get(keys(of: place) + "events", limit: 1 << 28)
        return events.flatMap { EventLog(parsing: String(decoding: $0.bytes, as: UTF8.self)) }?.attempt
    }

    /// Whether no chunk is to come.
    public func hasEnded(_ attempt: AttemptID, at place: ResultPlace) throws -> Bool {
        guard let events = try storage.get(keys(of: place) + "events", limit: 1 << 28),
            let log = EventLog(parsing: String(decoding: events.bytes, as: UTF8.self)), log.attempt == attempt
        else { return true }
        return log.isStored
    }

    /// The chunks of an attempt's log that are in the bucket, in order.
    public func logChunks(of attempt: AttemptID, at place: ResultPlace) throws -> [LogChunk] {
        try storage.list(keys(of: place) + "log/\(attempt)/", isFlat: false).objects.map {
            LogChunk(key: $0.key, size: $0.size)
        }
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

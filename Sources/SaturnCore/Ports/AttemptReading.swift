/// A store that reads what many attempts have written, several at once: for tables of results.
public protocol AttemptReading: Sendable {
    /// Calls `take` with the number of each attempt of `wanted` that is there, from several threads and in any order.
    ///
    /// - Parameters:
    ///   - file: a path below the attempts' results.
    ///   - limit: bytes; of larger files nothing is read.
    func read(
        _ file: String, of wanted: [WantedAttempt], limit: Int,
        _ take: @escaping @Sendable (Int, AttemptContent) -> Void
    ) throws
}

public struct WantedAttempt: Sendable {
    public var task: String
    public var run: String
    /// `nil` for the one that fills the task's folder just now, whichever of the run's it is.
    public var attempt: AttemptID?
    /// What the ledger knows of it.
    public var record: AttemptRecord?

    public init(task: String, run: String, attempt: AttemptID? = nil, record: AttemptRecord? = nil) {
        self.task = task
        self.run = run
        self.attempt = attempt
        self.record = record
    }

    /// Where it can be, the likelier place first: a run that was killed may have moved it and not said so.
    public var places: [ResultPlace] {
        guard let record else { return [.standing(task: task)] }
        let places = [ResultPlace.standing(task: record.task), .attic(key: record.key, attempt: record.id)]
        return record.place == .standing ? places : places.reversed()
    }

    /// Whether these are its events.
    public func has(_ events: EventLog) -> Bool { attempt.map { $0 == events.attempt } ?? (events.run == run) }
}

public struct AttemptContent: Sendable {
    public enum File: Sendable {
        case missing
        case bytes([UInt8])
        case tooLarge
        /// In words.
        case unreadable(String)
    }

    public var events: EventLog
    public var file: File

    public init(events: EventLog, file: File) {
        self.events = events
        self.file = file
    }
}

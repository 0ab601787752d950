import SaturnCore

/// A workspace on this machine that is filled, or was, and is not all in the bucket yet.
struct StagedResult: Sendable {
    /// How much of one attempt's log is in the bucket.
    struct Log: Sendable {
        var attempt: AttemptID
        var chunks: [ObjectRecord] = []
        var bytes: Int64 { chunks.reduce(0) { $0 + $1.size } }
    }

    var key: TaskKey
    /// One for each attempt; the last one's is the file `log`, those before it `log.1`, `log.2` ….
    var logs: [Log]
    var events: String
    var status: String?
    var error: Int32?
    /// When it was complete: no attempt fills it any more.
    var completed: Timestamp?
    /// An earlier run has left it, that was killed before it looked whether the result is good.
    var isLeftover = false
    /// It has turned out since.
    var isVouched = false
    /// Its last objects are being uploaded: what is added to its events from now on must be added there.
    var isFinishing = false
    /// What the task left in `results`, hashed once it was uploaded.
    var results: [ObjectRecord] = []
    var isUploaded = false
    /// In seconds of uptime.
    var begun: Int64
    /// Until when the log is in the bucket, in seconds of uptime.
    var loggedAt: Int64
    var hasShownEvents = false

    var isComplete: Bool { completed != nil }

    /// Whether it may be shown to others as what it is.
    ///
    /// - Parameter time: until when it is known that nothing of what successes count was changed; `nil` when it is not.
    func isGood(at time: Timestamp?) -> Bool {
        guard let completed, status == "success" else { return completed != nil }
        return isLeftover ? isVouched : time.map { completed <= $0 } ?? false
    }

    var attempt: AttemptID? { logs.last?.attempt }

    /// - Parameter events: with the key and the attempt in it, as all that saturn writes.
    init?(events text: String, begun: Int64) {
        guard let events = EventLog(parsing: text), let key = events.key else { return nil }
        let attempts = events.events.compactMap { $0["attempt"].flatMap { AttemptID($0) } }
        guard !attempts.isEmpty else { return nil }
        self.key = key
        self.events = text
        self.begun = begun
        loggedAt = begun
        logs = attempts.map { Log(attempt: $0) }
    }

    /// The file of an attempt's log in the workspace.
    func logFile(_ index: Int) -> String { index == logs.count - 1 ? "log" : "log.\(index + 1)" }
}

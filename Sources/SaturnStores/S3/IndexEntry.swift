import SaturnCore

/// What the index knows of one attempt: enough to plan without asking for its objects.
struct IndexEntry: Hashable, Sendable {
    /// Whose folder it fills, or filled last.
    var task: String
    var attempt: AttemptID
    var key: TaskKey
    /// "success", "failure", or nothing.
    var status: String?
    /// Of the results, as `needs` counts them.
    var digest: Digest?
    /// Of all its objects.
    var bytes: Int64
    var objects: Int
    /// When it came to where it is.
    var since: Timestamp
    /// `events` without the list of objects.
    var events: String

    /// What tells it from another result in its place.
    var stamp: FileStamp? {
        guard let status else { return nil }
        let bits = Digest(of: "\(attempt) \(status)".utf8).bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return FileStamp(inode: bits, size: Int64(status.utf8.count), modified: 0, changed: 0)
    }
}

/// What stands where, and what is in the attic, as the segments of an index tell one after another.
struct ResultIndex: Hashable, Sendable {
    /// By task.
    var standing: [String: IndexEntry] = [:]
    var attic: [AttemptID: IndexEntry] = [:]

    mutating func apply(_ change: IndexChange) {
        switch change {
        case .stands(let entry):
            attic[entry.attempt] = nil
            standing[entry.task] = entry
        case .retired(let task, let attempt, let since):
            guard var entry = standing[task], entry.attempt == attempt else { return }
            standing[task] = nil
            entry.since = since
            attic[attempt] = entry
        case .restored(let attempt, let task, let since):
            guard var entry = take(attempt) else { return }
            entry.task = task
            entry.since = since
            standing[task] = entry
        case .noted(let task, let attempt, let text):
            if standing[task]?.attempt == attempt {
                standing[task]?.events += text
            } else {
                attic[attempt]?.events += text
            }
        case .dropped(let attempt): _ = take(attempt)
        case .began, .retiring, .restoring: break
        }
    }

    private mutating func take(_ attempt: AttemptID) -> IndexEntry? {
        if let entry = attic.removeValue(forKey: attempt) { return entry }
        guard let task = standing.first(where: { $0.value.attempt == attempt })?.key else { return nil }
        return standing.removeValue(forKey: task)
    }

    /// All of it as changes to an empty one.
    var changes: [IndexChange] {
        let ordered = attic.values.sorted { $0.attempt.description < $1.attempt.description }
        // What is superseded stood first; the order of both does not matter otherwise.
        let superseded = ordered.flatMap { [.stands($0), .retired($0.task, $0.attempt, $0.since)] as [IndexChange] }
        return superseded + standing.values.sorted { $0.task < $1.task }.map { .stands($0) }
    }
}

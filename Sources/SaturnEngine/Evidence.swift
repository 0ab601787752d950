import SaturnCore

/// What the ledger and the store know together; where they disagree, the `events` of the result decide.
final class Evidence: PlanEvidence {
    private let ledger: any Ledger
    private let store: any ResultStore
    private let digests: ContentDigests
    private let project: String?
    private let run: String
    private let records: [String: AttemptRecord]
    private var digestOf: [AttemptID: Digest] = [:]
    /// Attempts that stand in the layout and that the ledger did not know.
    private(set) var adopted: [AttemptRecord] = []

    init(
        ledger: any Ledger, store: any ResultStore, digests: ContentDigests, project: String?, run: String
    ) throws {
        self.ledger = ledger
        self.store = store
        self.digests = digests
        self.project = project
        self.run = run
        records = try ledger.standing(in: store.location)
    }

    func standing(of task: String) throws -> Standing {
        let place = ResultPlace.standing(task: task)
        let record = records[task]
        switch try store.look(at: place) {
        case .absent:
            return record.map { .gone(folder: true, Occupant($0)) } ?? .nothing
        case .status(let stamp):
            if let record, record.stamp == stamp { return standing(record) }
            return try adopt(place, task, stamp, record)
        case .noStatus:
            return try unfinished(place, record)
        }
    }

    private func standing(_ record: AttemptRecord) -> Standing {
        let occupant = Occupant(record)
        switch record.state {
        case .success: return record.reusable ? .success(occupant) : .changedWhileRunning(occupant)
        case .failure: return .failure(occupant, exitCode: record.exitCode)
        case .terminated: return .terminated(occupant)
        case .unfinished: return .unfinished(occupant)
        }
    }

    private func adopt(
        _ place: ResultPlace, _ task: String, _ stamp: FileStamp, _ record: AttemptRecord?
    ) throws -> Standing {
        guard let events = try store.events(of: place), let key = events.key, let attempt = events.attempt else {
            return try withoutEvents(place, record)
        }
        let status = try store.status(of: place)
        guard events.project == project else {
            let problem = "belongs to another project (\(events.project ?? "unknown"))"
            let isUsable = status == "success" && events.isReusable
            return isUsable ? .foreignSuccess(Occupant(attempt: attempt, key: key), problem) : .foreign(problem)
        }
        guard status == "success" || status == "failure" else {
            return .unfinished(Occupant(attempt: attempt, key: key))
        }
        var record = AttemptRecord(
            id: attempt, key: key, location: store.location, task: task, run: events.run ?? run,
            state: status == "success" ? .success : .failure, place: .standing)
        record.reusable = events.isReusable
        record.stamp = stamp
        adopted.append(record)
        return standing(record)
    }

    private func unfinished(_ place: ResultPlace, _ record: AttemptRecord?) throws -> Standing {
        guard let events = try store.events(of: place), let key = events.key, let attempt = events.attempt else {
            return try withoutEvents(place, record)
        }
        guard events.project == project else {
            return .foreign("belongs to another project (\(events.project ?? "unknown"))")
        }
        let occupant = Occupant(attempt: attempt, key: key)
        switch events.events.last?.type {
        case "terminated": return .terminated(occupant)
        case "complete", "restored": return .gone(folder: false, occupant)
        default:
            return record?.id == attempt && record?.state != .unfinished
                ? .gone(folder: false, occupant) : .unfinished(occupant)
        }
    }

    /// `events` was lost or spoiled, by the task itself perhaps: when the ledger knows an attempt there, and nothing
    /// else is in the folder, it is that one's.
    private func withoutEvents(_ place: ResultPlace, _ record: AttemptRecord?) throws -> Standing {
        guard let record, try record.state == .unfinished || store.hasLayout(place) else {
            return .foreign("exists and was not made by saturn")
        }
        return .unfinished(Occupant(record))
    }

    func results(of key: TaskKey) throws -> [StoredResult] {
        let known = try ledger.successes(of: key, in: store.location)
        return try (known + adopted.filter { $0.key == key && $0.state == .success && $0.reusable }).compactMap {
            record in
            try place(of: record).map {
                StoredResult(attempt: record.id, key: key, task: record.task, place: $0)
            }
        }
    }

    /// Where a success is: as recorded, or in the attic when saturn was killed after moving it there.
    private func place(of record: AttemptRecord) throws -> ResultPlace? {
        let standing = ResultPlace.standing(task: record.task)
        let attic = ResultPlace.attic(key: record.key, attempt: record.id)
        if record.place == .standing, case .status(let stamp) = try store.look(at: standing), stamp == record.stamp {
            return standing
        }
        guard case .status = try store.look(at: attic), try store.status(of: attic) == "success" else { return nil }
        return attic
    }

    func digest(of result: StoredResult) throws -> Digest {
        if let known = digestOf[result.attempt] { return known }
        // A task that wrote nothing has an empty folder, or none: the same to whoever reads it.
        let digest = try digests.digest(of: store.folder(of: result.place) + "/results") ?? Digest(of: [])
        digestOf[result.attempt] = digest
        return digest
    }

    func fields(of key: TaskKey) throws -> [Manifest.Field]? { try ledger.fields(of: key) }

    func isPlannedElsewhere(_ task: String) throws -> Bool {
        try ledger.isPlanned(task, in: store.location, otherThan: run)
    }
}

extension Occupant {
    init(_ record: AttemptRecord) {
        self.init(attempt: record.id, key: record.key)
    }
}

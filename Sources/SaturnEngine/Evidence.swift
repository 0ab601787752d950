import SaturnCore

/// What the ledger and the store know together; where they disagree, the `events` of the result decide.
final class Evidence: PlanEvidence {
    private let compilation: Compilation
    private let ledger: any Ledger
    private let store: any ResultStore
    private let digests: ContentDigests
    private let files: ChangedFiles
    private let project: String?
    private let run: String
    private let boot: String
    private var records: StandingRecords
    /// Not in the first run of all: a question for each task would be answered in the same way.
    private let knowsSuccesses: Bool
    /// While the plan is made; later a task may have done anything to the folders.
    private var looker: (any FolderLooker)?
    /// By the keys that are being asked for.
    private var foreseen: [TaskKey: [AttemptRecord]] = [:]
    private var digestOf: [AttemptID: Digest] = [:]
    private var syncedOf: [String: Timestamp?] = [:]
    /// The newest attempt of each task, once it was asked for.
    private var newest: [String: AttemptRecord]?
    private(set) var adopted = Adoptions()
    /// Tasks in whose folders there are successes that turned out not to be reusable.
    private(set) var rejected: [String] = []

    /// - Parameter boot: the id of this start of the machine.
    init(_ compilation: Compilation, ledger: any Ledger, project: String?, boot: String) throws {
        self.compilation = compilation
        self.ledger = ledger
        store = compilation.parts.store
        digests = compilation.digests
        run = compilation.parts.context.run
        files = ChangedFiles(ledger: ledger, sources: compilation.sources)
        self.project = project
        self.boot = boot
        looker = store.looker()
        records = StandingRecords(try ledger.standingByName(in: store.location))
        let locations = records.isEmpty ? try ledger.locations() : [store.location]
        knowsSuccesses = !locations.isEmpty
        if !locations.contains(store.location) { try adoptAll() }
    }

    /// From now on things may change.
    func endPlanning() { looker = nil }

    /// A ledger that was lost knows nothing of the store: neither of the attic nor of folders whose tasks are not in the
    /// run file.
    private func adoptAll() throws {
        let listing: ArchiveListing
        do { listing = try store.superseded() } catch let failure as Failure where failure.kind == .workspace {
            // The folder is yet to be made.
            return
        }
        for result in listing.results where isOwn(result.events) {
            // By its stamp it is known again when it has come back from there.
            var stamp: FileStamp?
            if case .status(let found) = try store.look(at: result.place) { stamp = found }
            let record = adoption(
                of: result.events, result.attempt, result.key, result.status, task: result.events.task ?? "", .attic,
                stamp)
            if try record.state != .success || isOnDisk(result.events) { adopted.add(record) }
        }
        for task in try store.tasks() where compilation.graph.indices[task] == nil {
            guard case .success(let occupant) = try standing(of: task), occupant.unchecked != nil else { continue }
            // Nothing tells what it counted.
            adopted.remove(occupant.attempt)
        }
    }

    /// What the ledger knew of a task's folder when the plan was made.
    func recorded(_ task: String) -> AttemptRecord? { records.record(of: task) }

    func standing(of task: String) throws -> Standing {
        let place = ResultPlace.standing(task: task)
        let record = records.record(of: task)
        switch try looker?.look(at: task, expecting: record?.stamp) ?? store.look(at: place) {
        case .absent:
            return record.map { .gone(.folder, Occupant($0)) } ?? .nothing
        case .status(let stamp): return try standing(place, task, stamp, record)
        case .noResults(let stamp): return try standing(place, task, stamp, record).withoutResults
        case .noStatus:
            return try unfinished(place, record)
        }
    }

    private func standing(
        _ place: ResultPlace, _ task: String, _ stamp: FileStamp, _ record: AttemptRecord?
    ) throws -> Standing {
        if let record, record.stamp == stamp { return standing(record) }
        return try adopt(place, task, stamp, record)
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
        guard isOwn(events) else {
            let problem = "belongs to another project (\(events.project ?? "unknown"))"
            let isUsable = try status == "success" && events.isReusable && isOnDisk(events)
            return isUsable ? .foreignSuccess(Occupant(attempt: attempt, key: key), problem) : .foreign(problem)
        }
        guard status == "success" || status == "failure" else {
            return .unfinished(Occupant(attempt: attempt, key: key))
        }
        let record = adoption(of: events, attempt, key, status, task: task, .standing, stamp)
        guard try record.state != .success || isOnDisk(events) else { return .unsynced(Occupant(record)) }
        adopted.add(record)
        guard record.state == .success, record.reusable, try !wasChecked(events) else { return standing(record) }
        var occupant = Occupant(record)
        occupant.unchecked = events.started.map { Occupant.Unchecked(started: $0, sources: events.sources) }
        return .success(occupant)
    }

    /// A run looks at code and inputs before it brings results to the disk, about once a second: one that was killed has
    /// not looked after the last of them.
    private func wasChecked(_ events: EventLog) throws -> Bool {
        guard !events.isStored, events.boot == boot, let completed = events.completed else { return true }
        return try synced(boot).map { completed <= $0 } ?? false
    }

    func check(_ occupant: Occupant, of task: Int) throws -> Bool {
        let sources = compilation.graph.nodes[task].manifest.sources.description
        if let unchecked = occupant.unchecked, unchecked.sources == sources,
            !compilation.sources.haveChanged(compilation.used[task], since: unchecked.started)
        {
            store.vouch(for: compilation.graph.nodes[task].name, isGood: true)
            return true
        }
        store.vouch(for: compilation.graph.nodes[task].name, isGood: false)
        rejected.append(compilation.graph.nodes[task].name)
        adopted.spoil(occupant.attempt)
        return false
    }

    /// What the ledger would know of a result, by its `events`.
    private func adoption(
        of events: EventLog, _ attempt: AttemptID, _ key: TaskKey, _ status: String?, task: String,
        _ place: AttemptRecord.Place, _ stamp: FileStamp? = nil
    ) -> AttemptRecord {
        let state: AttemptRecord.State =
            switch status {
            // A status that was written by hand makes no success of a task that failed, or that never ended.
            case "success": events.exitCode != nil ? .failure : events.completed == nil ? .unfinished : .success
            case "failure": .failure
            default: events.lastType == "terminated" ? .terminated : .unfinished
            }
        var record = AttemptRecord(
            id: attempt, key: key, location: store.location, task: task, run: events.run ?? run, state: state,
            place: place)
        record.reusable = events.isReusable
        record.accepted = events.accepted
        record.origin = events.origin
        if state == .failure { record.exitCode = events.exitCode }
        record.stamp = stamp
        return record
    }

    /// Whether a result that the ledger does not know is on the disk for certain. The ledger is told of results only
    /// when they are; one of an earlier start of the machine may have been cut off when that ended.
    private func isOnDisk(_ events: EventLog) throws -> Bool {
        guard !events.isStored, let boot = events.boot, boot != self.boot else { return true }
        guard let synced = try synced(boot), let completed = events.completed else { return false }
        return completed <= synced
    }

    private func synced(_ boot: String) throws -> Timestamp? {
        if let known = syncedOf[boot] { return known }
        let synced = try store.synced(boot: boot)
        syncedOf[boot] = .some(synced)
        return synced
    }

    private func unfinished(_ place: ResultPlace, _ record: AttemptRecord?) throws -> Standing {
        guard let events = try store.events(of: place), let key = events.key, let attempt = events.attempt else {
            return try withoutEvents(place, record)
        }
        guard isOwn(events) else {
            return .foreign("belongs to another project (\(events.project ?? "unknown"))")
        }
        let occupant = Occupant(attempt: attempt, key: key)
        switch events.lastType {
        case "terminated": return .terminated(occupant)
        case "complete", "restored": return .gone(.status, occupant)
        default:
            return record?.id == attempt && record?.state != .unfinished
                ? .gone(.status, occupant) : .unfinished(occupant)
        }
    }

    /// Who keeps results in the same place of a bucket shares them: from several machines they have several projects' ids.
    private func isOwn(_ events: EventLog) -> Bool { store.isRemote || events.project == project }

    /// `events` was lost or spoiled, by the task itself perhaps: when the ledger knows an attempt there, and nothing
    /// else is in the folder, it is that one's.
    private func withoutEvents(_ place: ResultPlace, _ record: AttemptRecord?) throws -> Standing {
        guard let record, try record.state == .unfinished || store.hasLayout(place) else {
            return .foreign("exists and was not made by saturn")
        }
        return .unfinished(Occupant(record))
    }

    func foresee(_ keys: Set<TaskKey>) throws {
        foreseen = [:]
        guard knowsSuccesses, !keys.isEmpty else { return }
        foreseen = try ledger.successes(of: keys)
        for key in keys where foreseen[key] == nil { foreseen[key] = [] }
    }

    func results(of key: TaskKey) throws -> [StoredResult] {
        let known = knowsSuccesses ? try foreseen[key] ?? ledger.successes(of: key) : []
        let isHere = { (record: AttemptRecord) in record.location == self.store.location }
        let here = known.filter(isHere) + adopted.good(under: key)
        let found = try here.compactMap { record in try place(of: record, for: key).map { stored(record, at: $0) } }
        return found + known.filter { !isHere($0) }.compactMap { elsewhere($0, for: key) }
    }

    private func stored(_ record: AttemptRecord, at place: ResultPlace) -> StoredResult {
        StoredResult(attempt: record.id, key: record.key, task: record.task, place: place, origin: record.origin)
    }

    /// In another results folder, where no other run may look after it: what cannot be read there is not there.
    private func elsewhere(_ record: AttemptRecord, for key: TaskKey) -> StoredResult? {
        guard store.reaches(record.location), let place = try? place(of: record, in: record.location, for: key)
        else { return nil }
        return stored(record, at: place)
    }

    /// Where a success is: as recorded, or in the attic when saturn was killed after moving it there.
    ///
    /// A ledger that is damaged may find one attempt under another's key: for which keys a result is good is its own to say.
    private func place(of record: AttemptRecord, in location: String? = nil, for key: TaskKey) throws -> ResultPlace? {
        let there = { (place: ResultPlace) in location.map { ResultPlace.at(location: $0, place) } ?? place }
        let standing = there(.standing(task: record.task))
        let attic = there(.attic(key: record.key, attempt: record.id))
        // What has no events any more may stay where it is, and can go nowhere: nothing would tell whose it is.
        let isWhole = { (place: ResultPlace) in
            guard let events = try self.store.events(of: place), events.attempt == record.id else { return false }
            return events.key == key || events.accepted.contains(key)
        }
        if record.place == .standing, case .status(let stamp) = try store.look(at: standing), stamp == record.stamp {
            return try isWhole(standing) ? standing : nil
        }
        guard case .status = try store.look(at: attic), try store.status(of: attic) == "success" else { return nil }
        return try isWhole(attic) ? attic : nil
    }

    func digest(of result: StoredResult) throws -> Digest? {
        if let known = digestOf[result.attempt] { return known }
        let digest =
            try store.resultsDigest(at: result.place)
            ?? digests.digest(of: store.folder(of: result.place) + "/results")
        digestOf[result.attempt] = digest
        return digest
    }

    /// Of a result that this run has asked for.
    func known(digestOf attempt: AttemptID) -> Digest? { digestOf[attempt] }

    func fields(of key: TaskKey) throws -> [Manifest.Field]? { try ledger.fields(of: key) }

    func latest(of task: String) throws -> Occupant? {
        let newest = try self.newest ?? (knowsSuccesses ? ledger.latest(in: store.location) : [:])
        self.newest = newest
        return newest[task].map { Occupant($0) }
    }

    func explain(_ changes: [FieldChange]) throws -> [FieldChange] { try files.explain(changes) }

    func isPlannedElsewhere(_ task: String) throws -> Bool {
        try ledger.isPlanned(task, in: store.location, otherThan: run)
    }
}

extension Occupant {
    init(_ record: AttemptRecord) {
        self.init(attempt: record.id, key: record.key, origin: record.origin, accepted: record.accepted)
    }
}

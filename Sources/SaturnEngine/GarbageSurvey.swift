import SaturnCore

/// Looks at everything that gc might delete, and decides; changes nothing.
///
/// What cannot be listed is an error before anything was decided.
struct GarbageSurvey {
    let ledger: any Ledger
    let project: String?
    let now: Timestamp
    let request: GarbageRequest
    /// Runs that somebody is at work on.
    let activeRuns: [String]
    let stores: (String) throws -> any ResultStore

    struct Shelf {
        var store: any ResultStore
        /// The ledger's names for it: a results folder that was moved, with a link in its place, has two.
        var locations: [String]
        var listing: ArchiveListing
        var standing: [String: AttemptRecord]
        var records: [AttemptID: AttemptRecord]
    }

    struct Candidate {
        var item: Garbage.Item
        var entry: Retention.Entry
    }

    func survey() throws -> Garbage {
        var garbage = Garbage()
        let runs = try ledger.runs()
        let shelves = try shelves(request.locations(in: ledger), &garbage)
        if request.removesResults { try addResults(to: &garbage) }
        var candidates: [Candidate] = []
        for shelf in shelves { candidates += try self.candidates(on: shelf) }
        decide(candidates, try standing(on: shelves, besides: garbage), &garbage)
        for shelf in shelves { try addCheckpoints(of: shelf, candidates, runs, to: &garbage) }
        garbage.unknown = shelves.flatMap(\.listing.unknown).sorted()
        garbage.forgottenRuns = try oldRuns(runs)
        return garbage
    }

    private func shelves(_ locations: [String], _ garbage: inout Garbage) throws -> [Shelf] {
        var shelves: [Shelf] = []
        for location in locations {
            let store: any ResultStore
            do { store = try stores(location) } catch let failure as Failure where failure.kind == .inUse {
                // The original's, when this project is a copy.
                guard request.run == nil else { throw failure }
                garbage.notes.append(failure.message)
                continue
            }
            let standing = try ledger.standing(in: location)
            if let index = shelves.firstIndex(where: { $0.store.location == store.location }) {
                shelves[index].locations.append(location)
                shelves[index].standing.merge(standing) { first, _ in first }
                continue
            }
            do {
                let listing = try store.archived()
                shelves.append(
                    Shelf(
                        store: store, locations: [location], listing: listing, standing: standing,
                        records: try ledger.attempts(listing.results.map(\.attempt))))
            } catch let failure as Failure where failure.kind == .workspace {
                garbage.notes.append("there is no \(location) any more")
            }
        }
        return shelves
    }

    // MARK: The attic

    private func candidates(on shelf: Shelf) throws -> [Candidate] {
        let names = try runTasks()
        return try shelf.listing.results.compactMap { result in
            let record = shelf.records[result.attempt]
            let task = record?.task ?? result.events.task
            let run = record?.run ?? result.events.run
            // Tasks that have left the run file are still the run's.
            guard request.run == nil || run == request.run?.name || task.map(names.contains) == true else { return nil }
            let isForeign = result.events.project != project
            let size = isForeign ? 0 : try shelf.store.size(of: result.place)
            let rank = Retention.Rank(
                location: shelf.store.location, task: task ?? result.key.description,
                isSuccess: result.status == "success")
            return Candidate(
                item: Garbage.Item(
                    location: shelf.store.location, task: task, key: result.key, attempt: result.attempt,
                    place: result.place, since: result.since, size: size, reason: .superseded(.all)),
                entry: Retention.Entry(
                    rank: rank, attempt: result.attempt, since: result.since, size: size,
                    hold: isForeign ? .foreign : result.events.isPinned ? .pinned : nil))
        }
    }

    func runTasks() throws -> Set<String> {
        guard let run = request.run else { return [] }
        return Set(try ledger.tasks(of: run.name).map(\.name))
    }

    private func standing(on shelves: [Shelf], besides garbage: Garbage) throws -> Set<Retention.Rank> {
        let going = Set(garbage.going.compactMap(\.attempt))
        var ranks: Set<Retention.Rank> = []
        for shelf in shelves {
            for (task, record) in shelf.standing where !going.contains(record.id) {
                guard try shelf.store.look(at: .standing(task: task)) != .absent else { continue }
                ranks.insert(
                    Retention.Rank(location: shelf.store.location, task: task, isSuccess: record.state == .success))
            }
        }
        return ranks
    }

    private func decide(_ candidates: [Candidate], _ standing: Set<Retention.Rank>, _ garbage: inout Garbage) {
        let verdicts = Retention(request.limits, now: now).verdicts(on: candidates.map(\.entry), standing: standing)
        var rest: [Retention.Entry] = []
        for (candidate, verdict) in zip(candidates, verdicts) {
            switch verdict {
            case .goes(let reason):
                garbage.going.append(candidate.item)
                garbage.going[garbage.going.count - 1].reason = .superseded(reason)
            case .stays(.foreign): garbage.foreign += 1
            case .stays(.pinned):
                garbage.pinned.add(candidate.entry.size)
                rest.append(candidate.entry)
            case .stays(nil):
                garbage.kept.add(candidate.entry.size)
                rest.append(candidate.entry)
            }
        }
        garbage.alternatives = alternatives(rest, standing)
    }

    private func alternatives(_ rest: [Retention.Entry], _ standing: Set<Retention.Rank>) -> [Garbage.Alternative] {
        [RetentionLimits(olderThan: 7 * 86_400), RetentionLimits(keepLast: 1), RetentionLimits(all: true)].compactMap {
            let verdicts = Retention($0, now: now).verdicts(on: rest, standing: standing)
            let bytes = zip(rest, verdicts).reduce(Int64(0)) { $1.1.goes ? $0 + $1.0.size : $0 }
            return bytes > 0 ? Garbage.Alternative(limits: $0, bytes: bytes) : nil
        }
    }
}

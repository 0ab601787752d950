import SaturnCore

/// What is no superseded result: checkpoints, results that stand, records of runs.
extension GarbageSurvey {
    func addCheckpoints(
        of shelf: Shelf, _ candidates: [Candidate], _ runs: [RunRecord], to garbage: inout Garbage
    ) throws {
        guard !shelf.listing.checkpoints.isEmpty else { return }
        let location = shelf.store.location
        let isActive = runs.contains { shelf.locations.contains($0.location) && activeRuns.contains($0.name) }
        let (states, names) = try (states(on: shelf), names(on: shelf, candidates))
        let retention = CheckpointRetention(request.limits, now: now)
        for checkpoint in shelf.listing.checkpoints {
            guard request.run == nil || names[checkpoint.key] != nil else { continue }
            var state = states[checkpoint.key] ?? CheckpointRetention.KeyState()
            if !state.isKnown { state.isKnown = try ledger.fields(of: checkpoint.key) != nil }
            let size = try shelf.store.size(of: checkpoint.place)
            guard !isActive, let reason = retention.reason(checkpoint, state) else {
                garbage.checkpoints.add(size)
                continue
            }
            garbage.going.append(
                Garbage.Item(
                    location: location, task: names[checkpoint.key] ?? nil, key: checkpoint.key, attempt: nil,
                    place: checkpoint.place, since: checkpoint.since, size: size, reason: .checkpoint(reason)))
        }
        if isActive { garbage.notes.append("a run is active in \(location): its checkpoints stay") }
    }

    private func states(on shelf: Shelf) throws -> [TaskKey: CheckpointRetention.KeyState] {
        var states: [TaskKey: CheckpointRetention.KeyState] = [:]
        for (task, record) in shelf.standing {
            // Deleted by hand: nobody goes on with it.
            guard try shelf.store.look(at: .standing(task: task)) != .absent else { continue }
            let isSuccess = record.state == .success
            states[record.key, default: .init()].successes += isSuccess ? 1 : 0
            states[record.key, default: .init()].unfinished += isSuccess ? 0 : 1
            states[record.key]?.isKnown = true
        }
        for result in shelf.listing.results where result.events.project == project {
            states[result.key, default: .init()].successes += result.status == "success" ? 1 : 0
            states[result.key]?.isKnown = true
        }
        return states
    }

    /// What the tasks that had a key are called; of all keys, or of those of the run that gc is about.
    private func names(on shelf: Shelf, _ candidates: [Candidate]) throws -> [TaskKey: String?] {
        let tasks = try runTasks()
        var names: [TaskKey: String?] = [:]
        for candidate in candidates { names[candidate.item.key] = candidate.item.task }
        for (task, record) in shelf.standing where request.run == nil || tasks.contains(task) {
            names[record.key] = task
        }
        return names
    }

    /// The results of the run that stand in the layout, but for those that are not its own.
    func addResults(to garbage: inout Garbage) throws {
        guard let run = request.run else { return }
        let store = try stores(run.location)
        for task in try ledger.tasks(of: run.name) {
            let place = ResultPlace.standing(task: task.name)
            guard try store.look(at: place) != .absent else { continue }
            guard let result = try store.result(at: place) else {
                garbage.notes.append("\(store.folder(of: place)) stays: it was not made by saturn")
                continue
            }
            guard result.events.project == project else {
                garbage.notes.append("\(store.folder(of: place)) stays: it belongs to another project")
                continue
            }
            let size = try store.size(of: place)
            if result.events.isPinned {
                garbage.pinned.add(size)
            } else if try ledger.isPlanned(task.name, in: run.location, otherThan: run.name) {
                garbage.notes.append("the result of '\(task.name)' stays: another run has it too")
            } else {
                garbage.going.append(
                    Garbage.Item(
                        location: run.location, task: task.name, key: result.key, attempt: result.attempt,
                        place: place, since: result.since, size: size, reason: .result))
            }
        }
    }

    /// Runs that ended long ago and of whose tasks nothing stands any more.
    func oldRuns(_ runs: [RunRecord]) throws -> [RunRecord] {
        let retention = Retention(request.limits, now: now)
        return try runs.filter { run in
            if request.removesResults {
                // As long as a result of its is pinned, its name is needed to take the pin away.
                return try run.name == request.run?.name && !hasResults(run, onlyPinned: true)
            }
            guard request.run == nil || request.run?.name == run.name, !activeRuns.contains(run.name),
                retention.isOld(run.ended ?? run.started, age: request.limits.sideAge)
            else { return false }
            return try !hasResults(run, onlyPinned: false)
        }
    }

    private func hasResults(_ run: RunRecord, onlyPinned: Bool) throws -> Bool {
        let store: any ResultStore
        do { store = try stores(run.location) } catch let failure as Failure where failure.kind == .inUse {
            // Another project's: nobody looks into them.
            return true
        }
        return try ledger.tasks(of: run.name).contains { task in
            let place = ResultPlace.standing(task: task.name)
            guard try store.look(at: place) != .absent else { return false }
            return try !onlyPinned || store.result(at: place)?.events.isPinned == true
        }
    }
}

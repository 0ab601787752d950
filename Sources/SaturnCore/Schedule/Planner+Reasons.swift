extension Planner {
    mutating func decideToRun(_ pending: Pending) throws {
        let task = pending.task
        guard let key = decisions[task]?.key else { return }
        let earlier = try pending.standing.earlier ?? evidence.latest(of: graph.nodes[task].name)
        var reason = isForced(task) ? Reason.forced : try reason(pending.standing, earlier, task, key)
        // What it had is another task's now.
        if pending.standing == .nothing, reason == .resultsGone, !pending.results.isEmpty { reason = .new }
        decide(task, .run, reason, key, pending.standing)
        decisions[task]?.against = earlier
    }

    func reason(_ standing: Standing, _ earlier: Occupant?, _ task: Int, _ key: TaskKey) throws -> Reason {
        guard let earlier else { return .new }
        if earlier.key != key {
            guard let old = try evidence.fields(of: earlier.key) else {
                if case .unfinished = standing { return .unfinished }
                return .changedUnknown
            }
            let new = try Self.manifest(of: task, in: graph) { need in
                try decisions[need]?.result.flatMap { try evidence.digest(of: $0) }
            }
            return .changed(try evidence.explain(FieldChange.between(old, and: new.fields)))
        }
        switch standing {
        case .gone(.folder, _): return .folderGone
        case .gone(.status, _): return .statusGone
        case .gone(.results, _): return .resultsGone
        case .failure(_, let exitCode): return .failed(exitCode)
        case .terminated: return .terminated
        case .unfinished: return .unfinished
        case .changedWhileRunning: return .changedWhileRunning
        case .unsynced: return .unsynced
        // It was here, and is nowhere any more.
        case .nothing: return .resultsGone
        // A success of this key that another task has claimed cannot stand here; the rest is new.
        case .success, .foreignSuccess, .foreign: return .new
        }
    }
}

import Glibc
import SaturnCore

/// Attempts of a run whose saturn has gone, on an engine where they may go on: what they need is the attempt's id.
struct Resumption {
    /// One whose workspace stands in its task's folder.
    struct Found {
        var attempt: AttemptID
        var workspace: Workspace
        /// Bytes of its log that are here.
        var logSize: Int64
    }

    let preparation: Preparation

    /// Attempts that may be under way though this saturn has not launched them.
    var candidates: Set<AttemptID> { Set(preparation.plan.decisions.compactMap { $0?.occupant?.attempt }) }

    /// The attempt of an earlier saturn's that is, or has been, at work on just this; `nil` when there is none.
    func find(_ task: Int, _ decision: Decision?, key: TaskKey) throws -> Found? {
        guard let events = try unfinished(task, decision), events.key == key, let attempt = events.attempt else {
            return nil
        }
        let name = preparation.graph.nodes[task].name
        guard let workspace = try preparation.store.resume(name) else { return nil }
        var status = stat()
        let size = lstat(workspace.log, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : 0
        return Found(attempt: attempt, workspace: workspace, logSize: size)
    }

    /// An attempt of this run that nobody wants any more.
    func superseded(_ task: Int, _ decision: Decision?) throws -> AttemptID? {
        try unfinished(task, decision)?.attempt
    }

    private func unfinished(_ task: Int, _ decision: Decision?) throws -> EventLog? {
        guard let occupant = decision?.occupant else { return nil }
        let place = ResultPlace.standing(task: preparation.graph.nodes[task].name)
        guard let events = try preparation.store.events(of: place), events.attempt == occupant.attempt,
            events.run == preparation.run, events.project == preparation.project,
            ["submitted", "started", "retried"].contains(events.lastType),
            try preparation.store.status(of: place) == nil
        else { return nil }
        return events
    }
}

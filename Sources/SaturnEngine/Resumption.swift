import Glibc
import SaturnCore

/// Attempts of a run whose saturn has gone, on an engine where they may go on: what they need is the attempt's id.
struct Resumption {
    /// One whose workspace stands in its task's folder.
    struct Found {
        var attempt: AttemptID
        /// What it was launched for.
        var key: TaskKey
        var workspace: Workspace
        /// Bytes of its log that are here.
        var logSize: Int64
        /// Code or inputs may not have been what its key says when it used them.
        var isDoubtful: Bool
    }

    let preparation: Preparation
    /// Whatever they were launched for, their results are wanted: those of others than today's keys, and doubtful ones.
    let takesAll: Bool

    /// Attempts that may be under way though this saturn has not launched them.
    static func candidates(_ preparation: Preparation) -> Set<AttemptID> {
        Set(preparation.plan.decisions.compactMap { $0?.occupant?.attempt })
    }

    /// The attempt of an earlier saturn's that is, or has been, at work on this task; `nil` when there is none to go on with.
    ///
    /// - Parameter key: what the task's is now.
    func find(_ task: Int, _ decision: Decision?, key: TaskKey) throws -> Found? {
        guard let events = try unfinished(task, decision), let attempt = events.attempt, let old = events.key,
            case let isDoubtful = isDoubtful(task, events), takesAll || old == key && !isDoubtful,
            let workspace = try preparation.store.resume(preparation.graph.nodes[task].name)
        else { return nil }
        var status = stat()
        let size = lstat(workspace.log, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : 0
        return Found(attempt: attempt, key: old, workspace: workspace, logSize: size, isDoubtful: isDoubtful)
    }

    /// An attempt of this run that nobody wants any more.
    func superseded(_ task: Int, _ decision: Decision?) throws -> AttemptID? {
        try unfinished(task, decision)?.attempt
    }

    /// It may have begun at any time since it was launched. A snapshot does not change.
    private func isDoubtful(_ task: Int, _ events: EventLog) -> Bool {
        let (compilation, node) = (preparation.compilation, preparation.graph.nodes[task])
        guard !node.spec.snapshot else { return false }
        guard events.sources == node.manifest.sources.description, let launched = events.launched
        else { return true }
        return compilation.sources.haveChanged(compilation.used[task], since: launched)
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

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
    let executor: any Executor
    /// Whatever they were launched for, their results are wanted: those of others than today's keys, and doubtful ones.
    let takesAll: Bool

    /// Attempts that may be under way though this saturn has not launched them.
    static func candidates(_ preparation: Preparation) throws -> Set<AttemptID> {
        let (plan, nodes) = (preparation.plan, preparation.graph.nodes)
        let open = plan.decisions.indices.filter {
            plan.decisions[$0]?.action == .run || plan.decisions[$0]?.action == .maybe
        }
        return Set(try open.compactMap { try preparation.store.unfinished(nodes[$0].name)?.attempt })
    }

    /// Tasks that an earlier saturn has seen begin on an engine, which knows nothing of them any more.
    static func gone(_ preparation: Preparation, _ executor: any Executor) throws -> [String] {
        let (plan, store) = (preparation.plan, preparation.store)
        let open = plan.decisions.indices.filter {
            plan.decisions[$0]?.action == .run || plan.decisions[$0]?.action == .maybe
        }
        return try open.map { preparation.graph.nodes[$0].name }.filter { name in
            guard let events = try store.unfinished(name), events.run == preparation.run,
                let attempt = events.attempt, !executor.knows(attempt)
            else { return false }
            return access(store.folder(of: .standing(task: name)) + "/log", F_OK) == 0
        }
    }

    /// The attempt of an earlier saturn's that is, or has been, at work on this task; `nil` when there is none to go on with.
    ///
    /// - Parameter key: what the task's is now.
    func find(_ task: Int, key: TaskKey) throws -> Found? {
        guard let wanted = try wanted(task, key: key),
            let workspace = try preparation.store.resume(preparation.graph.nodes[task].name)
        else { return nil }
        var status = stat()
        let size = lstat(workspace.log, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : 0
        return Found(
            attempt: wanted.attempt, key: wanted.key, workspace: workspace, logSize: size,
            isDoubtful: wanted.isDoubtful)
    }

    /// The same, of which nothing is touched yet.
    func wanted(_ task: Int, key: TaskKey) throws -> (attempt: AttemptID, key: TaskKey, isDoubtful: Bool)? {
        guard let events = try unfinished(task), let attempt = events.attempt, executor.knows(attempt),
            let old = events.key,
            case let isDoubtful = isDoubtful(task, events), takesAll || old == key && !isDoubtful
        else { return nil }
        return (attempt, old, isDoubtful)
    }

    /// An attempt of this run that nobody wants any more.
    func superseded(_ task: Int) throws -> AttemptID? {
        try unfinished(task)?.attempt.flatMap { executor.knows($0) ? $0 : nil }
    }

    /// It may have begun at any time since it was launched. A snapshot does not change.
    private func isDoubtful(_ task: Int, _ events: EventLog) -> Bool {
        let (compilation, node) = (preparation.compilation, preparation.graph.nodes[task])
        guard !node.spec.snapshot else { return false }
        guard events.sources == node.manifest.sources.description, let launched = events.launched
        else { return true }
        return compilation.sources.haveChanged(compilation.used[task], since: launched)
    }

    private func unfinished(_ task: Int) throws -> EventLog? {
        guard let events = try preparation.store.unfinished(preparation.graph.nodes[task].name),
            events.run == preparation.run, events.project == preparation.project
        else { return nil }
        return events
    }
}

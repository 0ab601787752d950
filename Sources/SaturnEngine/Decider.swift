import SaturnCore

/// Decides, while the run goes on, what the plan had to leave open: a task whose needs ran may find that their results
/// are the ones that it has used before (early cut-off).
struct Decider {
    private var planner: Planner
    private let store: any ResultStore

    init(_ preparation: Preparation) {
        planner = preparation.planner
        store = preparation.store
    }

    /// Nobody else gets the result of an attempt of this run.
    mutating func claim(_ attempt: AttemptID, for task: Int) { planner.claim(attempt, for: task) }

    /// Decides and restores; `isStale` are tasks whose code or inputs are not what their keys say any more: what they have
    /// may not be theirs, and they run. Returns what each task is now: `reused`, `restored`, or `ready` to run.
    mutating func decide(
        _ tasks: [Int], _ attempts: inout Attempts, into batch: inout LedgerBatch, isStale: (Int) -> Bool
    ) throws -> [(task: Int, state: TaskState)] {
        // What is found must not be discarded before it stands.
        let attic = try store.lockAttic()
        defer { withExtendedLifetime(attic) {} }
        for _ in 0..<10 {
            var decisions = try planner.decide(tasks, results: attempts.results)
            for task in tasks where isStale(task) { decisions[task] = decisions[task]?.executed }
            do {
                try attempts.take(decisions, into: &batch)
                return tasks.map { ($0, Self.state(decisions[$0])) }
            } catch is Restorer.Vanished {
                // What has been moved until then is found in its new place.
                continue
            }
        }
        throw Run.alwaysVanishing
    }

    private static func state(_ decision: Decision?) -> TaskState {
        switch decision?.action {
        case .reuse: .reused
        case .restore: .restored
        default: .ready
        }
    }
}

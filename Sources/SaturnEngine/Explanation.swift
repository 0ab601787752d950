public import SaturnCore

/// What is known of one task: what would happen to it, and the attempt that this is due to.
public struct Explanation: Sendable {
    /// An attempt, as far as the ledger or its events tell.
    public struct Attempt: Sendable {
        public var id: AttemptID
        public var key: TaskKey
        /// The task in whose folder it is or was.
        public var task: String
        /// When it ended.
        public var time: Timestamp?
        public var commit: String?
        public var isDirty = false
    }

    public var task: Int
    public var decision: Decision
    /// The one whose result is used.
    public var result: Attempt?
    /// The one that a task that runs is compared with.
    public var against: Attempt?
    /// Of the result that is used, oldest first.
    public var accepted: [Acceptance] = []
}

extension Preparation {
    /// `nil` for a task that is left out.
    public func explanation(of task: Int) throws -> Explanation? {
        guard let decision = plan.decisions[task] else { return nil }
        var explanation = Explanation(task: task, decision: decision)
        if let result = decision.result {
            let events = (try? store.events(of: result.place)) ?? nil
            explanation.result = try attempt(result.attempt, result.key, result.task, events)
            explanation.accepted = events?.acceptances ?? []
        } else if let against = decision.against {
            let name = graph.nodes[task].name
            let places = [
                ResultPlace.standing(task: name), .attic(key: against.key, attempt: against.attempt),
            ]
            let events = places.lazy.compactMap { (try? store.events(of: $0)) ?? nil }
                .first { $0.attempt == against.attempt }
            explanation.against = try attempt(against.attempt, against.key, name, events)
        }
        return explanation
    }

    private func attempt(
        _ id: AttemptID, _ key: TaskKey, _ task: String, _ events: EventLog?
    ) throws -> Explanation.Attempt {
        let record = try ledger.attempts([id])[id]
        var attempt = Explanation.Attempt(id: id, key: key, task: record?.task ?? events?.task ?? task)
        attempt.time =
            record?.ended ?? events?.completed
            ?? events?.events.last?["utctimestamp"].flatMap { Timestamp($0) } ?? record?.started
        attempt.commit = events?.events.first?["commit"]
        attempt.isDirty = events?.events.first?["dirty"] == "true"
        return attempt
    }

    /// The complete manifest of a task all of whose needs have results.
    func manifest(of task: Int) throws -> Manifest {
        try Planner.manifest(of: task, in: graph) { need in
            try plan.decisions[need]?.result.flatMap { try evidence.digest(of: $0) }
        }
    }
}

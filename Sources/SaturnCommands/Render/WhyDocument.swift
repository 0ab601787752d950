import SaturnCore
import SaturnEngine

/// `saturn why --json`.
struct WhyDocument: Encodable {
    struct Attempt: Encodable {
        var attempt: String
        var key: String
        var task: String
        var time: String?
        var commit: String?
        var dirty: Bool

        init(_ attempt: Explanation.Attempt) {
            self.attempt = attempt.id.description
            key = attempt.key.description
            task = attempt.task
            time = attempt.time?.description
            commit = attempt.commit
            dirty = attempt.isDirty
        }
    }

    struct Task: Encodable {
        var name: String
        var action: String
        var key: String?
        var reason: String
        var changes: [ChangeDocument]
        var result: Attempt?
        var against: Attempt?
        var accepted: [AcceptanceDocument]

        enum CodingKeys: CodingKey {
            case name, action, key, reason, changes, result, against, accepted
        }

        /// What there is not is `null`, so that every task has every field.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(name, forKey: .name)
            try container.encode(action, forKey: .action)
            try container.encode(key, forKey: .key)
            try container.encode(reason, forKey: .reason)
            try container.encode(changes, forKey: .changes)
            try container.encode(result, forKey: .result)
            try container.encode(against, forKey: .against)
            try container.encode(accepted, forKey: .accepted)
        }
    }

    var version = 1
    var run: String
    var tasks: [Task]

    init(_ explanations: [Explanation], of preparation: Preparation) {
        run = preparation.run
        let reasons = ReasonText(graph: preparation.graph)
        tasks = explanations.map { explanation in
            let decision = explanation.decision
            return Task(
                name: preparation.graph.nodes[explanation.task].name, action: decision.action.rawValue,
                key: decision.key?.description, reason: reasons.full(decision.reason, of: explanation.task),
                changes: ChangeDocument.all(of: decision.reason, limit: 1000),
                result: explanation.result.map { Attempt($0) },
                against: explanation.against.map { Attempt($0) },
                accepted: explanation.accepted.map { AcceptanceDocument($0) })
        }
    }
}

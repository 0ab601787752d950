import Foundation
import SaturnCore
import SaturnEngine

// The documents of `--json`. Their `version` changes when a field is renamed, removed or means something else.

struct PlanDocument: Encodable {
    struct Task: Encodable {
        var name: String
        var action: String
        var key: String?
        var reason: String
        var changes: [ChangeDocument]
    }

    var version = 1
    var run: String
    var counts: [String: Int]
    var tasks: [Task]
    var notes: [String]

    init(_ preparation: Preparation) {
        run = preparation.run
        let found = preparation.plan.counts
        counts = Dictionary(uniqueKeysWithValues: Decision.Action.allCases.map { ($0.rawValue, found[$0] ?? 0) })
        let reasons = ReasonText(graph: preparation.graph)
        tasks = preparation.plan.decisions.enumerated().compactMap { index, decision in
            guard let decision else { return nil }
            return Task(
                name: preparation.graph.nodes[index].name, action: decision.action.rawValue,
                key: decision.key?.description, reason: reasons.full(decision.reason, of: index),
                // A change of much code is one of all tasks.
                changes: ChangeDocument.all(of: decision.reason, limit: 10))
        }
        notes = preparation.plan.notes
    }
}

struct RunDocument: Encodable {
    struct Task: Encodable {
        var name: String
        var state: String
        var cause: String?
        var exitCode: Int32?
        var attempt: String?
        var folder: String
        /// Left out where there is nothing to say.
        var accepted: [AcceptanceDocument]?

        enum CodingKeys: String, CodingKey {
            case name, state, cause, exitCode = "exit_code", attempt, folder, accepted
        }
    }

    var version = 1
    var run: String
    var state: String
    var exitCode: Int32?
    var started: String?
    var ended: String?
    var results: String
    var counts: [String: Int]
    var tasks: [Task]

    enum CodingKeys: String, CodingKey {
        case version, run, state, exitCode = "exit_code", started, ended, results, counts, tasks
    }

    init(_ view: RunView) {
        run = view.record.name
        state = view.state
        exitCode = view.record.exitCode
        started = view.record.started.description
        ended = view.record.ended?.description
        results = view.record.location
        counts = Dictionary(view.tasks.map { ($0.state.rawValue, 1) }, uniquingKeysWith: +)
        let acceptances = view.acceptances()
        tasks = view.tasks.map { task in
            let attempt = task.attempt.flatMap { view.attempts[$0] }
            return Task(
                name: task.name, state: task.state.rawValue, cause: task.note, exitCode: attempt?.exitCode,
                attempt: task.attempt?.description, folder: "\(view.record.location)/\(task.name)",
                accepted: acceptances[task.name]?.map { AcceptanceDocument($0) })
        }
    }
}

extension Encodable {
    /// The document as text, with a newline at the end.
    func document() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}

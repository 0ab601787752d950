import SaturnCore
import SaturnEngine

/// Why tasks run or do not, in full.
///
/// ```
/// lr-0.9: run
///   command: --lr 0.8 → --lr 0.9
///   code: lib/model.py changed (uncommitted)
///   against attempt 6f1c8a3e of 2022-09-11 20:31:59 UTC, commit 1a2b3c4d5e6f, key 6b86b273ff34
///   key: e3b0c442…
/// ```
struct WhyText {
    let run: String
    let reasons: ReasonText

    init(_ preparation: Preparation) {
        run = preparation.run
        reasons = ReasonText(graph: preparation.graph)
    }

    func render(_ explanation: Explanation) -> String {
        let decision = explanation.decision
        let name = reasons.graph.nodes[explanation.task].name
        var lines: [String] = []
        if case .changed(let changes) = decision.reason, !changes.isEmpty {
            lines = ["\(name): \(decision.action.rawValue)"]
            lines += reasons.changes(changes, of: explanation.task, limit: 20).phrases.map { "  " + $0 }
        } else {
            lines = ["\(name): \(decision.action.rawValue): \(reasons.full(decision.reason, of: explanation.task))"]
        }
        if decision.reason == .changedUnknown { lines.append("  what its key was made of is not known any more") }
        if let result = explanation.result { lines.append("  \(attempt(result))") }
        if let against = explanation.against {
            lines.append("  against \(attempt(against)), key \(Self.short(against.key))")
        }
        lines += explanation.accepted.map { "  \(accepted($0, decision, explanation.result))" }
        if let key = decision.key { lines.append("  key: \(key)") }
        return lines.map { Printable.text($0) + "\n" }.joined()
    }

    private func attempt(_ attempt: Explanation.Attempt) -> String {
        let time = attempt.time.map { " of \(Dates.short($0))" } ?? ""
        let commit = attempt.commit.map { ", commit \($0.prefix(12))\(attempt.isDirty ? " and more" : "")" } ?? ""
        return "attempt \(attempt.id.description.prefix(8))\(time)\(commit)"
    }

    private func accepted(_ acceptance: Acceptance, _ decision: Decision, _ result: Explanation.Attempt?) -> String {
        let under = acceptance.key == decision.key ? "this key" : "key \(Self.short(acceptance.key))"
        let time = acceptance.time.map { " on \(Dates.short($0))" } ?? ""
        let made = result.map { ", made under key \(Self.short($0.key))" } ?? ""
        return "accepted under \(under)\(time)\(made)" + (acceptance.changes.map { ": \($0)" } ?? "")
    }

    /// As much of a key as tells it from others.
    static func short(_ key: TaskKey) -> String { String(key.description.prefix(12)) }
}

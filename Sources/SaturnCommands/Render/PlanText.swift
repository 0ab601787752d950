import SaturnCore
import SaturnEngine

/// A plan for people: what would happen, grouped by cause.
///
/// ```
/// lr-sweep: 4 tasks
///   run      1  command: --lr 0.8 → --lr 0.9 (lr-0.8)
///   reuse    3  up to date (lr-0.5, lr-0.6, lr-0.7)
/// ```
struct PlanText {
    let preparation: Preparation
    private let reasons: ReasonText

    init(_ preparation: Preparation) {
        self.preparation = preparation
        reasons = ReasonText(graph: preparation.graph)
    }

    private struct Group {
        var action: Decision.Action
        var category: String
        var texts: Set<String> = []
        var tasks: [Int] = []
    }

    /// In the order of ``Decision/Action``, the largest group of each first.
    ///
    /// - Parameter action: the only one that is asked for.
    private func groups(of action: Decision.Action? = nil) -> [Group] {
        var groups: [Group] = []
        var positions: [String: Int] = [:]
        var last: (action: Decision.Action, reason: Reason, position: Int)?
        for (task, decision) in preparation.plan.decisions.enumerated() {
            guard let decision, action.map({ decision.action == $0 }) ?? true else { continue }
            let position: Int
            if let last, last.action == decision.action, last.reason == decision.reason {
                // Of its neighbour's kind, as most are.
                position = last.position
            } else {
                position = self.position(of: decision, in: &groups, &positions)
            }
            last = (decision.action, decision.reason, position)
            groups[position].tasks.append(task)
            if groups[position].texts.count < 2 {
                groups[position].texts.insert(reasons.full(decision.reason, of: task))
            }
        }
        let rank = Dictionary(uniqueKeysWithValues: Decision.Action.allCases.enumerated().map { ($1, $0) })
        return groups.sorted {
            (rank[$0.action] ?? 0, -$0.tasks.count, $0.tasks[0]) < (rank[$1.action] ?? 0, -$1.tasks.count, $1.tasks[0])
        }
    }

    private func position(of decision: Decision, in groups: inout [Group], _ positions: inout [String: Int]) -> Int {
        let category = reasons.category(decision.reason)
        let id = "\(decision.action.rawValue) \(category)"
        if let known = positions[id] { return known }
        positions[id] = groups.count
        groups.append(Group(action: decision.action, category: category))
        return groups.count - 1
    }

    /// What the tasks of a group have in common, in as many words as fit all of them.
    private func cause(_ group: Group) -> String {
        Printable.text(group.texts.count == 1 ? group.texts.first ?? group.category : group.category)
    }

    func render() -> String {
        let groups = groups()
        let width = groups.map { "\($0.tasks.count)".count }.max() ?? 1
        let total = preparation.plan.decisions.count { $0 != nil }
        var text = "\(Printable.text(preparation.run)): \(counted(total, "task"))\n"
        for group in groups {
            let count = "\(group.tasks.count)".leftPadded(to: width, with: " ")
            let action = group.action.rawValue.padded(to: 8)
            text += "  \(action) \(count)  \(cause(group)) (\(reasons.names(group.tasks)))\n"
        }
        for note in preparation.plan.notes { text += "note: \(Printable.text(note))\n" }
        return text
    }

    /// The same for a run with nothing to do.
    ///
    /// - Parameter names: of the first tasks, one more than are shown.
    static func upToDate(_ run: String, count: Int, names: [String], notes: [String]) -> String {
        let list = ReasonText.list(names, of: count)
        let action = Decision.Action.reuse.rawValue.padded(to: 8)
        return "\(Printable.text(run)): \(counted(count, "task"))\n  \(action) \(count)  up to date (\(list))\n"
            + notes.map { "note: \(Printable.text($0))\n" }.joined()
    }

    /// One line, with the main cause of what runs: how a run opens.
    func summary() -> String {
        let counts = preparation.plan.counts
        let parts = Decision.Action.allCases.compactMap { action in
            counts[action].map { "\($0) \(Self.words[action] ?? action.rawValue)" }
        }
        let running = groups(of: .run)
        let main = running.max { $0.tasks.count < $1.tasks.count }
        let why = main.map { running.count == 1 ? ": \(cause($0))" : ": \(cause($0)) (\($0.tasks.count)), …" } ?? ""
        return "\(Printable.text(preparation.run)): \(parts.joined(separator: ", "))\(why)\n"
    }

    private static let words: [Decision.Action: String] = [
        .run: "to run", .reuse: "up to date", .restore: "restored", .maybe: "maybe", .blocked: "blocked",
    ]
}

/// "1 task", "2 tasks".
func counted(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(noun)\(noun.hasSuffix("s") ? "es" : "s")"
}

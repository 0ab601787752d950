/// The tasks of a run and who needs whom; without cycles.
public struct Graph: Sendable {
    /// In the order of the run file; a task's index is its position here.
    public var nodes: [TaskNode]
    /// Indices by name.
    public let indices: [String: Int]
    /// Indices grouped by level: every task comes after all that it needs.
    public private(set) var levels: [[Int]] = []

    /// Links the tasks; what is wrong with their `needs` is added to `problems`.
    public init(_ tasks: [TaskSpec], problems: inout [Diagnostic]) {
        nodes = tasks.map { TaskNode(spec: $0) }
        indices = Dictionary(tasks.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        for index in nodes.indices where !nodes[index].spec.needs.isEmpty { link(index, &problems) }
        let cycles = Cycles(in: nodes).paths
        problems += cycles.map(cycleProblem)
        if cycles.isEmpty { setLevels() }
    }

    private mutating func link(_ index: Int, _ problems: inout [Diagnostic]) {
        var variables: [String: String] = [:]
        for need in nodes[index].spec.needs {
            guard let needed = indices[need.value] else {
                // Comparing with all names takes its time: a few hints are enough.
                let isPattern = need.value.utf8.contains { "*?[".utf8.contains($0) }
                let hint =
                    isPattern
                    ? "patterns are not in this version yet"
                    : problems.count < 20 ? Suggestion.hint(for: need.value, among: indices.keys.sorted()) : nil
                problems.append(
                    Diagnostic(
                        at: need.mark, "task '\(nodes[index].name)' needs '\(need.value)', which is not a task",
                        hint: hint))
                continue
            }
            let variable = TaskName.variable(need.value)
            if let other = variables.updateValue(need.value, forKey: variable) {
                if other == need.value { continue }
                problems.append(
                    Diagnostic(
                        at: need.mark, "'\(other)' and '\(need.value)' would both be SATURN_NEEDS_\(variable)",
                        hint: "rename one of them"))
            }
            nodes[index].needs.append(needed)
            nodes[needed].dependents.append(index)
        }
    }

    private func cycleProblem(_ path: [Int]) -> Diagnostic {
        let names = path.map { nodes[$0].name } + [nodes[path[0]].name]
        let next = path.count > 1 ? nodes[path[1]].name : names[0]
        let mark = nodes[path[0]].spec.needs.first { $0.value == next }?.mark
        return Diagnostic(at: mark, "the needs form a cycle: \(names.joined(separator: " → "))")
    }

    private mutating func setLevels() {
        var missing = nodes.map(\.needs.count)
        var current = nodes.indices.filter { missing[$0] == 0 }
        while !current.isEmpty {
            var next: [Int] = []
            for index in current {
                nodes[index].level = levels.count
                for dependent in nodes[index].dependents {
                    missing[dependent] -= 1
                    if missing[dependent] == 0 { next.append(dependent) }
                }
            }
            levels.append(current)
            current = next.sorted()
        }
    }
}

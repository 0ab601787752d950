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
        var indices = [String: Int](minimumCapacity: tasks.count)
        for index in tasks.indices where indices[tasks[index].name] == nil { indices[tasks[index].name] = index }
        self.indices = indices
        guard nodes.indices.contains(where: { !nodes[$0].spec.needs.isEmpty }) else {
            if !nodes.isEmpty { levels = [Array(nodes.indices)] }
            return
        }
        link(&problems)
        let cycles = Cycles(in: nodes).paths
        problems += cycles.map(cycleProblem)
        if cycles.isEmpty { setLevels() }
    }

    /// The tasks that a word of a user's names: the one of that name, else those that it matches as a pattern; ascending.
    public func tasks(named text: String) -> [Int] {
        if let index = indices[text] { return [index] }
        let pattern = NamePattern(text)
        return nodes.indices.filter { pattern.matches(nodes[$0].name) }
    }

    private mutating func link(_ problems: inout [Diagnostic]) {
        var linker = NeedsLinker(nodes.map(\.name), indices)
        for index in nodes.indices where !nodes[index].spec.needs.isEmpty {
            nodes[index].needs = linker.needs(of: nodes[index].spec, at: index)
            for needed in nodes[index].needs { nodes[needed].dependents.append(index) }
        }
        problems += linker.problems
    }

    private func cycleProblem(_ path: [Int]) -> Diagnostic {
        let names = path.map { nodes[$0].name } + [nodes[path[0]].name]
        let next = path.count > 1 ? nodes[path[1]].name : names[0]
        let needs = nodes[path[0]].spec.needs
        let mark = (needs.first { $0.value == next } ?? needs.first { NamePattern($0.value).matches(next) })?.mark
        return Diagnostic(at: mark, "the needs form a cycle: \(names.joined(separator: " → "))")
    }

    private mutating func setLevels() {
        var missing = nodes.map { $0.needs.count }
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

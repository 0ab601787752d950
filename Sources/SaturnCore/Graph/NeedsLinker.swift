/// Finds the tasks that the `needs` of others name: by name, else by pattern.
struct NeedsLinker {
    private let indices: [String: Int]
    private let names: [String]
    private(set) var problems: [Diagnostic] = []
    /// Ascending, by pattern: a thousand tasks may have the same.
    private var found: [String: [Int]] = [:]
    /// In the order of their names' bytes.
    private lazy var sorted = names.indices.sorted { Self.precedes(names[$0], names[$1]) }

    init(_ names: [String], _ indices: [String: Int]) {
        self.names = names
        self.indices = indices
    }

    /// The tasks that `spec` needs, each once, in the order written; those of a pattern in the order of the file, and
    /// without the task itself, whose place among the names is `index`.
    mutating func needs(of spec: TaskSpec, at index: Int) -> [Int] {
        var needs: [Int] = []
        var seen: Set<Int> = []
        var variables: [String: Int] = [:]
        for need in spec.needs {
            for needed in tasks(need, of: spec, at: index) where seen.insert(needed).inserted {
                needs.append(needed)
                let variable = TaskName.variable(names[needed])
                guard let other = variables.updateValue(needed, forKey: variable) else { continue }
                problems.append(
                    Diagnostic(
                        at: need.mark,
                        "'\(names[other])' and '\(names[needed])' would both be SATURN_NEEDS_\(variable)",
                        hint: "rename one of them"))
            }
        }
        return needs
    }

    private mutating func tasks(_ need: Marked<String>, of spec: TaskSpec, at index: Int) -> [Int] {
        if let needed = indices[need.value] { return [needed] }
        guard NamePattern.isPattern(need.value) else {
            // Comparing with all names takes its time: a few hints are enough.
            let hint = problems.count < 20 ? Suggestion.hint(for: need.value, among: names.sorted()) : nil
            let message = "task '\(spec.name)' needs '\(need.value)', which is not a task"
            problems.append(Diagnostic(at: need.mark, message, hint: hint))
            return []
        }
        let others = matches(need.value).filter { $0 != index }
        if others.isEmpty {
            let message = "task '\(spec.name)' needs '\(need.value)', which matches no other task"
            problems.append(Diagnostic(at: need.mark, message))
        }
        return others
    }

    private mutating func matches(_ text: String) -> [Int] {
        if let known = found[text] { return known }
        let pattern = NamePattern(text)
        let prefix = pattern.prefix
        // Every task of a sweep may have a pattern of its own, and all names would be too many to try.
        let start = firstIndex { !Self.precedes($0, prefix) }
        let candidates = sorted[start...].prefix { names[$0].utf8.starts(with: prefix.utf8) }
        let matches = candidates.filter { pattern.matches(names[$0]) }.sorted()
        found[text] = matches
        return matches
    }

    /// Of the sorted names, by bisection.
    private mutating func firstIndex(where isIn: (String) -> Bool) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if isIn(names[sorted[middle]]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

import SaturnCore

/// Which tasks of a run are meant.
struct TaskSelection {
    /// In the order of the run file.
    let tasks: [TaskRecord]

    /// - Parameter names: Names and globs; none are all tasks.
    init(_ names: [String], onlyFailed: Bool = false, in view: RunView) throws {
        var wanted: Set<String> = []
        let known = names.isEmpty ? [] : Set(view.tasks.map(\.name))
        for name in names {
            if known.contains(name) {
                wanted.insert(name)
                continue
            }
            let pattern = NamePattern(name)
            let matches = known.filter { pattern.matches($0) }
            guard !matches.isEmpty else {
                throw Failure(
                    .usage, "run '\(view.record.name)' has no task '\(name)'",
                    hint: Suggestion.hint(for: name, among: view.tasks.map(\.name)))
            }
            wanted.formUnion(matches)
        }
        tasks = view.tasks.filter {
            (names.isEmpty || wanted.contains($0.name)) && (!onlyFailed || $0.state == .failed)
        }
    }
}

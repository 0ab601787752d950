import SaturnCore

/// What git does not cover and keys therefore know only in part, in words.
struct CodeNotes {
    /// Scripts that count by content, absolute.
    private var untracked: Set<String> = []
    private var outsideGit: Set<String> = []
    /// Names of tasks of which no code counts.
    private var uncovered: [String] = []

    mutating func addScript(_ path: String, isInGit: Bool) {
        if isInGit { untracked.insert(path) } else { outsideGit.insert(path) }
    }

    mutating func addUncovered(_ task: String) { uncovered.append(task) }

    /// - Parameter inputs: absolute paths that count by content.
    func texts(
        _ trees: [CodeReader.Tree], besides inputs: Set<String>, in world: World
    ) throws -> [String] {
        var notes: [String] = []
        if !outsideGit.isEmpty {
            notes.append(
                "outside git \(counting(outsideGit)) by content, and nothing that "
                    + "\(outsideGit.count == 1 ? "it reads" : "they read"); list such files under inputs")
        }
        if !uncovered.isEmpty {
            notes.append(
                "outside git, and no file in their folder is named: no code counts of \(Self.list(uncovered)); list it under inputs"
            )
        }
        let others = try trees.flatMap { try uncounted(in: $0, besides: inputs, world) }
        if !untracked.isEmpty {
            let rest = others.isEmpty ? "; other untracked files do not count" : ""
            notes.append("not tracked by git: \(counting(untracked)) by content\(rest)")
        }
        if !others.isEmpty {
            notes.append(
                "untracked and not counted: \(Self.list(others)); git add \(others.count == 1 ? "it" : "them"), "
                    + "or list \(others.count == 1 ? "it" : "them") under inputs")
        }
        return notes
    }

    /// Files of the repository that would count were they tracked, and that nothing else counts.
    private func uncounted(
        in tree: CodeReader.Tree, besides inputs: Set<String>, _ world: World
    ) throws -> [String] {
        let counted = inputs.compactMap { CodeReader.relative($0, to: tree.root) }
        var found: Set<String> = []
        for selection in tree.states.keys {
            for path in try world.untracked(in: selection, of: tree.repository) where !found.contains(path) {
                let name = path.hasSuffix("/") ? String(path.dropLast()) : path
                let isCounted = counted.contains {
                    $0.isEmpty || CodeReader.relative(name, to: $0) != nil || CodeReader.relative($0, to: name) != nil
                }
                if !isCounted { found.insert(path) }
            }
        }
        return found.sorted()
    }

    static func shipped(_ names: [String]) -> String {
        "shipped by file_syncs and not counted: \(list(names)); list \(names.count == 1 ? "it" : "them") under inputs"
    }

    private static func list(_ names: [String]) -> String {
        let more = names.count > 3 ? " and \(names.count - 3) more" : ""
        return names.prefix(3).joined(separator: ", ") + more
    }

    private func counting(_ paths: Set<String>) -> String {
        let names = paths.sorted().map { $0.split(separator: "/").last.map(String.init) ?? $0 }
        return Self.list(names) + (paths.count == 1 ? " counts" : " count")
    }
}

import SaturnCore

extension Compilation {
    /// The repositories whose code counts for some of `tasks` and is not as in HEAD: the root, and the files, relative
    /// to it. Looked at anew.
    ///
    /// - Parameter tasks: `nil` is all.
    public func uncommitted(among tasks: Set<Int>?) throws -> [(root: String, files: [String])] {
        var selections: [String: CodeSelection] = [:]
        var untracked: [String: Set<String>] = [:]
        for task in graph.nodes.indices where tasks?.contains(task) ?? true {
            guard let repository = repositories[task].flatMap({ sources.repository($0) }) else { continue }
            // What the run file says is not in the code's tree, and yet it is what runs.
            let excluded = repository.selection.excluded.filter {
                !parts.context.files.contains("\(repository.root)/\($0)")
            }
            selections[repository.root] = CodeSelection(excluding: excluded)
            // Scripts that count by content: no commit has them.
            let words = graph.nodes[task].manifest.code.map(\.name).filter { $0 != "tree" && $0 != "commit" }
            untracked[repository.root, default: []].formUnion(words)
        }
        return try selections.sorted { $0.key < $1.key }.compactMap { root, selection in
            guard let state = try parts.code.repository(containing: root)?.state(of: selection) else { return nil }
            let files = state.uncommitted.map(\.path) + (untracked[root] ?? []).sorted()
            return state.provenance.dirty || !files.isEmpty ? (root, files) : nil
        }
    }
}

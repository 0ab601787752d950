import SaturnCore

extension Compilation {
    /// The repositories whose code counts for some of `tasks` and is not as in HEAD: the root, and the files, relative
    /// to it. Looked at anew.
    ///
    /// - Parameter tasks: `nil` is all.
    public func uncommitted(among tasks: Set<Int>?) throws -> [(root: String, files: [String])] {
        var selections: [String: CodeSelection] = [:]
        for task in graph.nodes.indices where tasks?.contains(task) ?? true {
            guard let repository = repositories[task].flatMap({ sources.repository($0) }) else { continue }
            selections[repository.root] = CodeSelection(excluding: repository.selection.excluded)
        }
        return try selections.sorted { $0.key < $1.key }.compactMap { root, selection in
            guard let state = try parts.code.repository(containing: root)?.state(of: selection),
                state.provenance.dirty
            else { return nil }
            return (root, state.uncommitted.map(\.path))
        }
    }
}

import Glibc
import SaturnCore

extension CodeReader {
    /// Adds the copy that the task runs from, where its code cannot change any more.
    ///
    /// - Parameter script: the file that the command names, and whether git tracks it.
    mutating func addSnapshot(
        of spec: TaskSpec, in workdir: String, _ tree: Tree?, _ script: (word: String, isTracked: Bool)?,
        _ inputs: [Manifest.Value], _ result: inout Code
    ) throws {
        guard let tree else {
            return report(
                Diagnostic(
                    at: spec.mark,
                    "task '\(spec.name)': a snapshot is of what git tracks, and \(workdir) is in no repository"))
        }
        // An input is reached by a link.
        if let script, !inputs.contains(where: { script.word == $0.name || script.word.hasPrefix($0.name + "/") }) {
            check(script.word, isTracked: script.isTracked, of: spec)
        }
        let index = try snapshot(of: tree)
        result.snapshot = index
        let folder = result.workdir
        if !folder.isEmpty, !snapshots[index].folders.contains(folder), try !tree.repository.tracks(folder + "/") {
            snapshots[index].folders.insert(folder)
        }
        for path in try links(of: spec, in: workdir, tree, inputs) { snapshots[index].links.insert(path) }
        if let repository = result.repository {
            snapshots[index].sources.insert(repository)
            result.sources.removeAll { $0 == repository }
        }
    }

    private mutating func check(_ word: String, isTracked: Bool, of spec: TaskSpec) {
        if !isTracked {
            report(
                Diagnostic(
                    at: spec.mark, "task '\(spec.name)': a snapshot holds only what git tracks, and not \(word)",
                    hint: "git add \(ShellText.quoted(word))"))
        } else if word.hasPrefix("/") {
            report(
                Diagnostic(
                    at: spec.mark, "task '\(spec.name)': \(word) is not the file in the snapshot",
                    hint: "name it relative to the task's folder"))
        }
    }

    private mutating func snapshot(of tree: Tree) throws -> Int {
        if let known = tree.snapshot { return known }
        let selection = CodeSelection(excluding: tree.ownFolders)
        let state = try tree.repository.state(of: selection)
        let source = sources.add(Sources.Repository(root: tree.root, selection: selection, state: state))
        snapshots.append(SnapshotSpec(root: tree.root, selection: selection, tree: state.tree, sources: [source]))
        tree.snapshot = snapshots.count - 1
        return snapshots.count - 1
    }

    /// What the task reads by a relative path and git does not track, relative to the root.
    private mutating func links(
        of spec: TaskSpec, in workdir: String, _ tree: Tree, _ inputs: [Manifest.Value]
    ) throws -> [String] {
        let path = { (name: String) in Sources.withoutDots("\(workdir)/\(name)") }
        for input in spec.inputs where !input.value.hasPrefix("/") {
            guard Self.relative(path(input.value), to: tree.root) == nil else { continue }
            report(
                Diagnostic(
                    at: input.mark, "the input '\(input.value)' is outside the repository, and so of no snapshot",
                    hint: "make it absolute"))
        }
        return try inputs.map(\.name).filter { !$0.hasPrefix("/") }.compactMap { name in
            guard let inside = Self.relative(path(name), to: tree.root) else { return nil }
            return try tree.repository.tracks(inside) ? nil : inside
        }
    }
}

import Glibc
import SaturnCore

/// Pathspecs as they are written, and what they are relative to.
struct PathspecList: Hashable {
    var workdir: String
    var texts: [String]
}

extension CodeReader {
    /// What counts for a task; `nil` outside git, and when its pathspecs have no meaning.
    mutating func selection(for spec: TaskSpec, in workdir: String, _ tree: Tree?) throws -> CodeSelection? {
        guard case .paths(let pathspecs) = spec.code else { return tree.map { CodeSelection(excluding: $0.excluded) } }
        guard let tree else {
            let mark = pathspecs.first?.mark ?? spec.mark
            report(
                Diagnostic(
                    at: mark, "paths under 'code' need git, and \(workdir) is in no repository",
                    hint: "list the files under inputs"))
            return nil
        }
        let list = PathspecList(workdir: workdir, texts: pathspecs.map(\.value))
        if let known = selections[list] { return try checked(known, pathspecs, in: workdir, tree) }
        let resolved = pathspecs.compactMap { pathspec -> String? in
            guard let found = CodePathspec(pathspec.value, in: workdir, root: tree.root) else {
                report(
                    Diagnostic(at: pathspec.mark, "'\(pathspec.value)' leads out of the repository \(tree.root)"))
                return nil
            }
            return found.text
        }
        // Neither their order nor one said twice makes a difference.
        let selection = CodeSelection(excluding: tree.excluded, pathspecs: Set(resolved).sorted())
        guard resolved.count == pathspecs.count else { return nil }
        selections[list] = selection
        return try checked(selection, pathspecs, in: workdir, tree)
    }

    /// Reports the pathspecs that cover nothing.
    private mutating func checked(
        _ selection: CodeSelection, _ pathspecs: [Marked<String>], in workdir: String, _ tree: Tree
    ) throws -> CodeSelection {
        let unmatched = try state(of: tree, selection).state.unmatched
        guard !unmatched.isEmpty else { return selection }
        let texts = Set(unmatched.compactMap { selection.pathspecs?[$0] })
        for pathspec in pathspecs {
            guard let found = CodePathspec(pathspec.value, in: workdir, root: tree.root), texts.contains(found.text)
            else { continue }
            report(
                Diagnostic(
                    at: pathspec.mark, "'\(pathspec.value)' covers no tracked file in \(workdir)",
                    hint: hint(for: found, tree)))
        }
        return selection
    }

    private func hint(for pathspec: CodePathspec, _ tree: Tree) -> String? {
        if tree.excluded.contains(where: { Self.relative(pathspec.path, to: $0) != nil }) {
            return "the run file and the results are never code"
        }
        let text = pathspec.isExclude ? String(pathspec.text.dropFirst()) : pathspec.text
        let selection = CodeSelection(excluding: tree.excluded, pathspecs: [text])
        let isThere = !pathspec.isPattern && access("\(tree.root)/\(pathspec.path)", F_OK) == 0
        guard isThere || (try? tree.repository.untracked(in: selection, limit: 1))?.isEmpty == false else { return nil }
        return "git does not track it: git add it, or list it under inputs"
    }
}

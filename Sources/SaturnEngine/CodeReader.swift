import Glibc
import SaturnCore

/// Finds out which code a task's key counts: a git tree, and the script that its command names where git does
/// not cover it.
struct CodeReader {
    struct Code {
        var values: [Manifest.Value] = []
        var sources: [Int] = []
        var provenance = Provenance()
        /// The folder the command runs in, as it counts: relative to the repository or to the run file.
        var workdir = ""
    }

    /// A work tree that holds some task's folder.
    private final class Tree {
        let repository: any CodeRepository
        var excluded: [String] = []
        var state: (state: CodeState, source: Int)?

        init(_ repository: any CodeRepository) {
            self.repository = repository
        }
    }

    private let code: any CodeSource
    private let sources: Sources
    /// Absolute paths that never count.
    private let excluded: [String]
    private var trees: [String: Tree] = [:]
    private var treeOfFolder: [String: Tree?] = [:]
    private var names: [String: Set<String>] = [:]
    private var isScript: [String: Bool] = [:]
    private var untracked: Set<String> = []
    private var outsideGit: Set<String> = []
    /// Names of tasks of which no code counts.
    private var uncovered: [String] = []

    init(code: any CodeSource, sources: Sources, excluded: [String]) {
        self.code = code
        self.sources = sources
        self.excluded = excluded
    }

    /// What git does not cover and the keys therefore know only in part.
    var notes: [String] {
        var notes: [String] = []
        if !outsideGit.isEmpty {
            notes.append(
                "outside git \(list(outsideGit)) by content, and nothing that "
                    + "\(outsideGit.count == 1 ? "it reads" : "they read"); list such files under inputs")
        }
        if !uncovered.isEmpty {
            let shown = uncovered.prefix(3).joined(separator: ", ")
            let more = uncovered.count > 3 ? " and \(uncovered.count - 3) more" : ""
            notes.append(
                "outside git, and no file in their folder is named: no code counts of \(shown)\(more); list it under inputs"
            )
        }
        if !untracked.isEmpty {
            notes.append(
                "not tracked by git: \(list(untracked)) by content; other untracked files do not count")
        }
        return notes
    }

    private func list(_ paths: Set<String>) -> String {
        let shown = paths.sorted().prefix(3).map { $0.split(separator: "/").last.map(String.init) ?? $0 }
        let more = paths.count > 3 ? " and \(paths.count - 3) more" : ""
        return shown.joined(separator: ", ") + more + (paths.count == 1 ? " counts" : " count")
    }

    mutating func code(of spec: TaskSpec, in workdir: String, relativeTo folder: String) throws -> Code {
        var result = Code()
        let tree = try tree(of: workdir, isNeeded: spec.code != .none)
        result.workdir = Self.relative(workdir, to: tree?.repository.root ?? folder) ?? workdir
        guard spec.code != .none else { return result }
        if let tree {
            let (state, source) = try state(of: tree)
            result.values.append(Manifest.Value("tree", state.tree))
            if spec.code == .commitID { result.values.append(Manifest.Value("commit", state.provenance.commit)) }
            result.provenance = state.provenance
            result.sources.append(source)
        }
        try addScript(of: spec, in: workdir, tree, &result)
        return result
    }

    /// Without a trailing slash; empty for the folder itself; `nil` when it is not inside.
    static func relative(_ path: String, to root: String) -> String? {
        if path == root { return "" }
        let prefix = root == "/" ? "/" : root + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : nil
    }

    private mutating func tree(of workdir: String, isNeeded: Bool) throws -> Tree? {
        if let known = treeOfFolder[workdir] { return known }
        let repository: (any CodeRepository)?
        do {
            repository = try code.repository(containing: workdir)
        } catch is Failure where !isNeeded {
            // No key counts its code: that git refuses is this task's concern in no way, and the next one's perhaps.
            return nil
        }
        guard let repository else {
            treeOfFolder[workdir] = .some(nil)
            return nil
        }
        let tree = trees[repository.root] ?? Tree(repository)
        tree.excluded = excluded.compactMap { Self.relative($0, to: repository.root) }.filter { !$0.isEmpty }
        trees[repository.root] = tree
        treeOfFolder[workdir] = tree
        return tree
    }

    private func state(of tree: Tree) throws -> (state: CodeState, source: Int) {
        if let known = tree.state { return known }
        let state = try tree.repository.state(excluding: tree.excluded)
        let source = sources.add(
            Sources.Repository(root: tree.repository.root, excluded: tree.excluded, state: state))
        tree.state = (state, source)
        return (state, source)
    }

    private mutating func addScript(
        of spec: TaskSpec, in workdir: String, _ tree: Tree?, _ result: inout Code
    ) throws {
        guard let word = script(of: spec.command, in: workdir) else {
            if tree == nil { uncovered.append(spec.name) }
            return
        }
        let path = word.hasPrefix("/") ? word : "\(workdir)/\(word)"
        if let tree, let real = realpath(path, nil) {
            defer { free(real) }
            if let relative = Self.relative(String(cString: real), to: tree.repository.root),
                try tree.repository.tracks(relative)
            {
                return
            }
        }
        guard let content = try sources.content(path) else { return }
        result.values.append(Manifest.Value(word, content.digest.description))
        result.sources.append(content.source)
        if tree == nil { outsideGit.insert(path) } else { untracked.insert(path) }
    }

    /// The first word that names an existing file under the folder.
    private mutating func script(of command: Command, in workdir: String) -> String? {
        let words =
            switch command {
            case .direct(let argv): argv
            case .shell(let text, _): ShellText.words(of: text)
            }
        return words.first { isFile($0, in: workdir) }
    }

    private mutating func isFile(_ word: String, in workdir: String) -> Bool {
        guard let first = word.utf8.first, first != UInt8(ascii: "-") else { return false }
        if !word.utf8.contains(UInt8(ascii: "/")) {
            if names[workdir] == nil { names[workdir] = Set((try? FileBytes.names(in: workdir)) ?? []) }
            guard names[workdir]?.contains(word) == true else { return false }
        }
        let path = word.hasPrefix("/") ? word : "\(workdir)/\(word)"
        if let known = isScript[path] { return known }
        var status = stat()
        let exists = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        let found = exists && (!word.hasPrefix("/") || Self.relative(word, to: workdir) != nil)
        isScript[path] = found
        return found
    }
}

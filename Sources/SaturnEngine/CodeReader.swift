import SaturnCore

/// Finds out which code a task's key counts: a git tree, and the script that its command names where git does
/// not cover it.
struct CodeReader {
    struct Code {
        var values: [Manifest.Value] = []
        /// What must not change while the task runs.
        var sources: [Int] = []
        /// The state of the code that counts; among `sources` but for a task that runs from a copy.
        var repository: Int?
        var snapshot: Int?
        var provenance = Provenance()
        /// The folder the command runs in, as it counts: relative to the repository or to the run file.
        var workdir = ""
    }

    /// A work tree that holds some task's folder.
    final class Tree {
        let repository: any CodeRepository
        /// Relative to the root: what never counts, and what of it is saturn's own.
        var excluded: [String] = []
        var ownFolders: [String] = []
        var states: [CodeSelection: (state: CodeState, source: Int)] = [:]
        var snapshot: Int?

        init(_ repository: any CodeRepository) {
            self.repository = repository
        }

        var root: String { repository.root }
    }

    let sources: Sources
    private let world: World
    private let files: [String]
    private let ownFolders: [String]
    /// The run file's.
    private let folder: String
    private var countsCode = false
    private var trees: [String: Tree] = [:]
    private var treeOfFolder: [String: Tree?] = [:]
    private var notes = CodeNotes()
    /// The pathspecs of all tasks that have the same ones.
    var selections: [PathspecList: CodeSelection] = [:]
    var snapshots: [SnapshotSpec] = []
    /// Many tasks of a sweep have one mistake.
    var problems: [Diagnostic] = []
    private var told: Set<Diagnostic> = []

    /// - Parameters:
    ///   - files: absolute paths of files that never count.
    ///   - ownFolders: absolute paths of folders that are saturn's.
    init(world: World, sources: Sources, files: [String], ownFolders: [String], folder: String) {
        self.folder = folder
        self.world = world
        self.sources = sources
        self.files = files
        self.ownFolders = ownFolders
    }

    /// What git does not cover and the keys therefore know only in part.
    func notes(besides inputs: Set<String>, shipped syncs: [FileSync]) throws -> [String] {
        let notes = try notes.texts(trees.values.sorted { $0.root < $1.root }, besides: inputs, in: world)
        // Whoever counts no code knows of that.
        guard countsCode, !syncs.isEmpty, let folder = FileBytes.realPath(folder) else { return notes }
        var shipped = ShippedFiles(
            folder: folder, repositories: trees.values.map(\.repository), inputs: inputs, own: files + ownFolders)
        let names = try shipped.uncounted(in: syncs.map { FileSyncs.path($0.source, in: folder) })
        return names.isEmpty ? notes : notes + [CodeNotes.shipped(names)]
    }

    mutating func report(_ problem: Diagnostic) {
        if told.insert(problem).inserted { problems.append(problem) }
    }

    /// - Parameter inputs: as they count, relative to `workdir` or absolute.
    mutating func code(
        of spec: TaskSpec, in workdir: String, relativeTo folder: String, inputs: [Manifest.Value]
    ) throws -> Code {
        var result = Code()
        let isNone = spec.code == .none
        if !isNone { countsCode = true }
        let tree = try tree(of: workdir, isNeeded: !isNone || spec.snapshot)
        result.workdir = Self.relative(workdir, to: tree?.root ?? folder) ?? workdir
        let script = isNone && !spec.snapshot ? nil : script(of: spec.command, in: workdir)
        let isTracked = try script.map { try isCovered($0, in: workdir, by: tree) } ?? false
        if !isNone {
            try count(spec, in: workdir, tree, &result)
            if !isTracked { try addScript(script, of: spec, in: workdir, tree, &result) }
        }
        if spec.snapshot {
            try addSnapshot(of: spec, in: workdir, tree, script.map { ($0, isTracked) }, inputs, &result)
        }
        return result
    }

    /// Adds the state of the repository, as far as it counts.
    private mutating func count(_ spec: TaskSpec, in workdir: String, _ tree: Tree?, _ result: inout Code) throws {
        guard let selection = try selection(for: spec, in: workdir, tree), let tree else { return }
        let (state, source) = try state(of: tree, selection)
        result.values.append(Manifest.Value("tree", state.tree))
        if spec.code == .commitID {
            result.values.append(Manifest.Value("commit", state.provenance.commit))
            sources.countCommit(of: source)
        }
        result.provenance = state.provenance
        result.sources.append(source)
        result.repository = source
    }

    func state(of tree: Tree, _ selection: CodeSelection) throws -> (state: CodeState, source: Int) {
        if let known = tree.states[selection] { return known }
        let state = try tree.repository.state(of: selection)
        let source = sources.add(Sources.Repository(root: tree.root, selection: selection, state: state))
        tree.states[selection] = (state, source)
        return (state, source)
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
            repository = try world.repository(containing: workdir)
        } catch is Failure where !isNeeded {
            // No key counts its code: that git refuses is this task's concern in no way, and the next one's perhaps.
            return nil
        }
        guard let repository else {
            treeOfFolder[workdir] = .some(nil)
            return nil
        }
        let tree = trees[repository.root] ?? Tree(repository)
        let inside = { (paths: [String]) in
            paths.compactMap { Self.relative($0, to: repository.root) }.filter { !$0.isEmpty }
        }
        tree.excluded = inside(files + ownFolders)
        tree.ownFolders = inside(ownFolders)
        trees[repository.root] = tree
        treeOfFolder[workdir] = tree
        return tree
    }

    // MARK: Scripts

    private func isCovered(_ word: String, in workdir: String, by tree: Tree?) throws -> Bool {
        guard let tree else { return false }
        return try world.covers(Self.path(word, in: workdir), by: tree.repository)
    }

    private mutating func addScript(
        _ word: String?, of spec: TaskSpec, in workdir: String, _ tree: Tree?, _ result: inout Code
    ) throws {
        guard let word else {
            if tree == nil { notes.addUncovered(spec.name) }
            return
        }
        let path = Self.path(word, in: workdir)
        guard let content = try sources.content(path) else { return }
        result.values.append(Manifest.Value(word, content.digest.description))
        result.sources.append(content.source)
        notes.addScript(path, isInGit: tree != nil)
    }

    static func path(_ word: String, in workdir: String) -> String {
        word.hasPrefix("/") ? word : "\(workdir)/\(word)"
    }

    /// The first word that names an existing file under the folder.
    private func script(of command: Command, in workdir: String) -> String? {
        let words =
            switch command {
            case .direct(let argv): argv
            case .shell(let text, _): ShellText.words(of: text)
            }
        return words.first { world.isFile($0, in: workdir) }
    }
}

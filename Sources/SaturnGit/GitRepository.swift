import CLibGit2
import Glibc
import SaturnCore

/// A repository with a work tree. Owns libgit2's handle; one thread at a time.
///
/// The state is computed from the index and the files it names, not from a comparison with HEAD: what is tracked is
/// what the index lists, and no folder of untracked files is ever looked into.
final class GitRepository: CodeRepository {
    let root: String
    private let isBare: Bool
    private let handle: OpaquePointer
    private let rules: FileRules
    private var hasher: FileHasher
    private var loaded: OpaquePointer?
    private var lastChange: Int64 = 0

    /// - Parameter root: the folder with the `.git`.
    init(root: String) throws {
        try LibGit2.check(LibGit2.started, at: root)
        let owner = Ownership(root: root)
        try owner.check([root, "\(root)/.git"])
        let handle = try Self.open(root)
        var isKept = false
        defer { if !isKept { git_repository_free(handle) } }
        if let folder = git_repository_path(handle) { try owner.check([String(cString: folder)]) }
        rules = try FileRules(of: handle, root: root)
        isBare = git_repository_is_bare(handle) == 1
        // `core.worktree` can put it elsewhere.
        self.root = git_repository_workdir(handle).flatMap { RepositorySearch.resolved(String(cString: $0)) } ?? root
        hasher = FileHasher(repository: handle, root: self.root, usesLFS: rules.usesLFS)
        self.handle = handle
        isKept = true
    }

    deinit {
        git_index_free(loaded)
        git_repository_free(handle)
    }

    /// The folder (absolute, links resolved) lies in the work tree.
    func holds(_ folder: String) -> Bool {
        !isBare && (folder.utf8.elementsEqual(root.utf8) || root == "/" || folder.utf8.starts(with: "\(root)/".utf8))
    }

    /// As of the last ``state(excluding:)``, else of the first call; nothing is read after that.
    func tracks(_ path: String) throws -> Bool {
        guard let components = RelativePath.components(of: path), !components.isEmpty else { return false }
        let index = try index()
        let bytes = Array(components.joined(separator: [UInt8(ascii: "/")]))
        return bytes.withCString { git_index_find(nil, index, $0) == 0 }
    }

    func untracked(in selection: CodeSelection, limit: Int) throws -> [String] { [] }

    func differences(
        from old: CodeDetail, to new: CodeDetail, in selection: CodeSelection
    ) throws -> [FileChange]? { nil }

    func copy(_ selection: CodeSelection, to folder: String) throws -> CodeState {
        throw Failure(.fault, "not yet")
    }

    func state(of selection: CodeSelection) throws -> CodeState {
        let excluded = ExcludedPaths(selection.excluded)
        let head = try HeadTree(of: handle, root: root)
        let index = try index()
        let written = try refresh(index)
        lastChange = 0
        let files = try WorkTree(root: root)
        var writer = TreeWriter(root: root)
        var last: [UInt8] = []
        for position in 0..<git_index_entrycount(index) {
            guard let raw = git_index_get_byindex(index, position) else { continue }
            let entry = IndexEntry(raw.pointee)
            // The sides of a conflict are several entries of one path, and the work tree holds one file.
            if entry.path == last || excluded.covers(entry.path) { continue }
            last = entry.path
            if let file = try current(entry, in: files, indexWritten: written) {
                try writer.add(entry.path, mode: file.mode, id: file.id)
            }
        }
        let tree = try writer.finish()
        let dirty = try tree != head.id(without: excluded)
        var state = CodeState(
            tree: tree.description, provenance: Provenance(commit: head.commit?.description, dirty: dirty))
        state.lastChange = lastChange
        return state
    }

    /// What the work tree now holds for `entry`; `nil` when nothing that git would keep.
    private func current(
        _ entry: IndexEntry, in files: WorkTree, indexWritten written: Moment
    ) throws -> (mode: UInt32, id: ObjectID)? {
        if entry.isTakenAsRecorded { return (entry.mode, entry.id) }
        guard let status = try files.status(of: entry.path) else { return nil }
        let kind = status.st_mode & S_IFMT
        if kind == S_IFDIR { return try submodule(entry) }
        guard let mode = rules.mode(of: status, recorded: entry.mode) else {
            throw LibGit2.unreadable(root, "\(entry.name) is neither a file, a link nor a folder")
        }
        let stamp = FileStamp(status)
        lastChange = max(lastChange, stamp.changed)
        if FileRules.isSameKind(mode, entry.mode), stamp.matches(entry, ofIndexWritten: written) {
            return (mode, entry.id)
        }
        if kind == S_IFLNK {
            guard let target = try files.target(of: entry.path, size: Int(stamp.size)) else { return nil }
            return (mode, try ObjectID(ofBlob: target, at: root))
        }
        return try hasher.id(of: entry.path, stamp: stamp).map { (mode, $0) }
    }

    /// A folder where the index has one path: a submodule's commit, or a file that is gone.
    private func submodule(_ entry: IndexEntry) throws -> (mode: UInt32, id: ObjectID)? {
        let path = "\(root)/\(entry.name)"
        if access("\(path)/.git", F_OK) == 0 {
            let submodule = try Self.open(path)
            defer { git_repository_free(submodule) }
            if let commit = try HeadTree(of: submodule, root: path).commit { return (FileMode.submodule, commit) }
        }
        // Not checked out, which git takes for unchanged.
        return entry.mode == FileMode.submodule ? (entry.mode, entry.id) : nil
    }

    private func index() throws -> OpaquePointer {
        if let loaded { return loaded }
        try LibGit2.check(git_repository_index(&loaded, handle), at: root)
        guard let loaded else { throw LibGit2.unreadable(root, "it has no index") }
        // In the order of bytes, whatever `core.ignorecase` says: git's trees are.
        try LibGit2.check(git_index_set_caps(loaded, 0), at: root)
        return loaded
    }

    /// Reads the index again if it changed, and returns when it was written. The time is taken first: at worst it is
    /// too old, and then more files are hashed than need be.
    private func refresh(_ index: OpaquePointer) throws -> Moment {
        var status = stat()
        let exists = git_index_path(index).map { stat($0, &status) == 0 } ?? false
        // Unforced, libgit2 would keep the entries of an index that has been removed.
        try LibGit2.check(git_index_read(index, exists ? 0 : 1), at: root)
        return Moment(status.st_mtim)
    }

    private static func open(_ root: String) throws -> OpaquePointer {
        var handle: OpaquePointer?
        let flags = GIT_REPOSITORY_OPEN_NO_SEARCH.rawValue
        let result = git_repository_open_ext(&handle, root, flags, nil)
        if result == GIT_ENOTFOUND.rawValue {
            throw LibGit2.unreadable(root, "HEAD, objects or refs is missing where its .git leads")
        }
        try LibGit2.check(result, at: root)
        guard let handle else { throw LibGit2.unreadable(root, LibGit2.lastError) }
        return handle
    }
}

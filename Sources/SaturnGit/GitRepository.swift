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
    let handle: OpaquePointer
    let rules: FileRules
    var hasher: FileHasher
    private var loaded: OpaquePointer?

    /// - Parameter root: the folder with the `.git`.
    init(root: String) throws {
        try LibGit2.start(at: root)
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

    /// As of the last ``state(of:)``, else of the first call; nothing is read after that.
    func tracks(_ path: String) throws -> Bool {
        guard let components = RelativePath.components(of: path), !components.isEmpty else { return false }
        let index = try index()
        let bytes = Array(components.joined(separator: [UInt8(ascii: "/")]))
        if path.utf8.last == UInt8(ascii: "/") {
            return (bytes + [UInt8(ascii: "/")]).withCString { git_index_find_prefix(nil, index, $0) == 0 }
        }
        return bytes.withCString { git_index_find(nil, index, $0) == 0 }
    }

    func untracked(in selection: CodeSelection, limit: Int) throws -> [String] {
        var search = UntrackedSearch(of: handle, index: try index(), root: root, in: selection)
        return try search.files(limit: limit)
    }

    func index() throws -> OpaquePointer {
        if let loaded { return loaded }
        try LibGit2.check(git_repository_index(&loaded, handle), at: root)
        guard let loaded else { throw LibGit2.unreadable(root, "it has no index") }
        // In the order of bytes, whatever `core.ignorecase` says: git's trees are.
        try LibGit2.check(git_index_set_caps(loaded, 0), at: root)
        return loaded
    }

    /// Reads the index again if it changed, and returns when it was written. The time is taken first: at worst it is
    /// too old, and then more files are hashed than need be.
    func refresh(_ index: OpaquePointer) throws -> Moment {
        var status = stat()
        let exists = git_index_path(index).map { stat($0, &status) == 0 } ?? false
        // Unforced, libgit2 would keep the entries of an index that has been removed.
        try LibGit2.check(git_index_read(index, exists ? 0 : 1), at: root)
        return Moment(status.st_mtim)
    }

    static func open(_ root: String) throws -> OpaquePointer {
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

import CLibGit2
import Glibc

/// A tree that is stored in a repository.
final class StoredTree {
    /// `nil` is the empty tree, which need not be stored.
    private let handle: OpaquePointer?
    private let repository: OpaquePointer
    private let root: String

    /// - Parameter tree: owned by what is made here.
    private init(_ tree: OpaquePointer?, in repository: OpaquePointer, root: String) {
        handle = tree
        self.repository = repository
        self.root = root
    }

    deinit { git_tree_free(handle) }

    /// The tree of `commit`, or the empty one where that is `nil`; `nil` when there is no such commit here any more.
    static func tree(of commit: String?, in repository: OpaquePointer, root: String) throws -> StoredTree? {
        guard let commit else { return StoredTree(nil, in: repository, root: root) }
        var id = git_oid()
        guard commit.utf8.count == 40, git_oid_fromstr(&id, commit) == 0 else { return nil }
        var object: OpaquePointer?
        let found = git_commit_lookup(&object, repository, &id)
        if found == GIT_ENOTFOUND.rawValue { return nil }
        try LibGit2.check(found, at: root)
        defer { git_commit_free(object) }
        var tree: OpaquePointer?
        let read = git_commit_tree(&tree, object)
        if read == GIT_ENOTFOUND.rawValue { return nil }
        try LibGit2.check(read, at: root)
        return StoredTree(tree, in: repository, root: root)
    }

    /// `nil` when there is none, or a folder.
    func file(at path: [UInt8]) throws -> TreeFile? {
        guard let handle else { return nil }
        var entry: OpaquePointer?
        let found = path.withCString { git_tree_entry_bypath(&entry, handle, $0) }
        if found == GIT_ENOTFOUND.rawValue { return nil }
        try LibGit2.check(found, at: root)
        defer { git_tree_entry_free(entry) }
        let mode = git_tree_entry_filemode_raw(entry).rawValue
        guard mode != FileMode.tree, let id = git_tree_entry_id(entry) else { return nil }
        return TreeFile(mode: mode, id: ObjectID(id.pointee))
    }

    /// Paths of which the two have not the same; `nil` when a folder on the way is stored nowhere any more.
    func paths(differingFrom other: StoredTree) throws -> Set<[UInt8]>? {
        guard handle != nil || other.handle != nil else { return [] }
        return try paths { git_diff_tree_to_tree(&$0, repository, handle, other.handle, &$1) }
    }

    func paths(differingFromIndex index: OpaquePointer) throws -> Set<[UInt8]> {
        try paths { git_diff_tree_to_index(&$0, repository, handle, index, &$1) } ?? []
    }

    private func paths(
        _ compare: (inout OpaquePointer?, inout git_diff_options) -> Int32
    ) throws -> Set<[UInt8]>? {
        var options = git_diff_options()
        try LibGit2.check(git_diff_options_init(&options, UInt32(GIT_DIFF_OPTIONS_VERSION)), at: root)
        // Else `diff.ignoreSubmodules` decides.
        options.ignore_submodules = GIT_SUBMODULE_IGNORE_NONE
        var diff: OpaquePointer?
        let result = compare(&diff, &options)
        if result == GIT_ENOTFOUND.rawValue { return nil }
        try LibGit2.check(result, at: root)
        defer { git_diff_free(diff) }
        var paths: Set<[UInt8]> = []
        for position in 0..<git_diff_num_deltas(diff) {
            guard let delta = git_diff_get_delta(diff, position)?.pointee else { continue }
            for path in [delta.old_file.path, delta.new_file.path] {
                if let path { paths.insert(Array(UnsafeRawBufferPointer(start: path, count: strlen(path)))) }
            }
        }
        return paths
    }
}

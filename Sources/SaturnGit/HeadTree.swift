import CLibGit2
import Glibc
import SaturnCore

/// The commit that HEAD names and its tree.
struct HeadTree {
    /// `nil` before the first commit.
    private(set) var commit: ObjectID?
    private var tree = ObjectID.emptyTree
    private let repository: OpaquePointer
    private let root: String

    init(of repository: OpaquePointer, root: String) throws {
        self.repository = repository
        self.root = root
        var id = git_oid()
        let found = git_reference_name_to_id(&id, repository, "HEAD")
        // A HEAD that names a branch without commits.
        if found == GIT_ENOTFOUND.rawValue { return }
        try LibGit2.check(found, at: root)
        var commit: OpaquePointer?
        try LibGit2.check(git_commit_lookup(&commit, repository, &id), at: root)
        defer { git_commit_free(commit) }
        self.commit = ObjectID(id)
        if let tree = git_commit_tree_id(commit) { self.tree = ObjectID(tree.pointee) }
    }

    /// The tree's id without the excluded paths. Only the folders on the way to them are read.
    func id(without excluded: ExcludedPaths) throws -> ObjectID {
        guard commit != nil else { return .emptyTree }
        return try id(of: tree, without: excluded) ?? .emptyTree
    }

    /// `nil` when nothing is left of the folder.
    private func id(of folder: ObjectID, without excluded: ExcludedPaths) throws -> ObjectID? {
        if excluded.isExcluded { return nil }
        if excluded.isEmpty { return folder }
        var tree: OpaquePointer?
        var id = folder.raw
        try LibGit2.check(git_tree_lookup(&tree, repository, &id), at: root)
        defer { git_tree_free(tree) }
        var content = TreeContent()
        for position in 0..<git_tree_entrycount(tree) {
            guard let entry = git_tree_entry_byindex(tree, position), let name = git_tree_entry_name(entry),
                let id = git_tree_entry_id(entry)
            else { continue }
            try append(
                Array(UnsafeRawBufferPointer(start: name, count: strlen(name))),
                mode: git_tree_entry_filemode_raw(entry).rawValue, id: ObjectID(id.pointee), to: &content,
                without: excluded)
        }
        return content.bytes.isEmpty ? nil : try ObjectID(ofTree: content.bytes, at: root)
    }

    private func append(
        _ name: [UInt8], mode: UInt32, id: ObjectID, to content: inout TreeContent, without excluded: ExcludedPaths
    ) throws {
        var left: ObjectID? = id
        if let inside = excluded[name[...]] {
            if inside.isExcluded {
                left = nil
            } else if mode == FileMode.tree {
                left = try self.id(of: id, without: inside)
            }
        }
        if let left { content.append(mode: mode, name: name, id: left) }
    }
}

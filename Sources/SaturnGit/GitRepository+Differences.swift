import CLibGit2
import SaturnCore

extension GitRepository {
    /// The selected files that HEAD has otherwise, or not at all.
    ///
    /// - Parameter changed: what the work tree has otherwise than the index.
    func uncommitted(
        _ changed: [[UInt8]: TreeFile?], since commit: String?, in selection: PathSelection
    ) throws -> [CodeDetail.File] {
        let index = try index()
        guard let head = try StoredTree.tree(of: commit, in: handle, root: root) else { return [] }
        let paths = try head.paths(differingFromIndex: index).union(changed.keys)
        return try Self.sorted(paths).compactMap { path in
            guard !selection.excluded.covers(path) else { return nil }
            let (old, new) = (try head.file(at: path), changed[path] ?? recorded(path, in: index))
            let isFolder = (new ?? old)?.mode == FileMode.submodule
            guard old != new, selection.isNamed(path, isFolder: isFolder) else { return nil }
            return CodeDetail.File(String(decoding: path, as: UTF8.self), new?.text)
        }
    }

    private func recorded(_ path: [UInt8], in index: OpaquePointer) -> TreeFile? {
        path.withCString { git_index_get_bypath(index, $0, 0) }.flatMap { IndexEntry($0.pointee).file }
    }

    func differences(
        from old: CodeDetail, to new: CodeDetail, in selection: CodeSelection
    ) throws -> [FileChange]? {
        guard let before = try StoredTree.tree(of: old.commit, in: handle, root: root),
            let after = try StoredTree.tree(of: new.commit, in: handle, root: root)
        else { return nil }
        let (left, right) = (Self.contents(old), Self.contents(new))
        guard var paths = try before.paths(differingFrom: after) else { return nil }
        paths = paths.union(left.keys).union(right.keys)
        let selection = PathSelection(selection)
        return try Self.sorted(paths).compactMap { path in
            let one = try left[path] ?? before.file(at: path)?.text
            let other = try right[path] ?? after.file(at: path)?.text
            let isFolder = (other ?? one)?.hasPrefix("160000 ") == true
            guard one != other, selection.covers(path, isFolder: isFolder) else { return nil }
            let kind: FileChange.Kind = one == nil ? .added : other == nil ? .removed : .changed
            return FileChange(String(decoding: path, as: UTF8.self), kind, isUncommitted: right[path] != nil)
        }
    }

    /// By bytes: two spellings of `é` are one string to Swift.
    private static func contents(_ detail: CodeDetail) -> [[UInt8]: String?] {
        Dictionary(detail.uncommitted.map { (Array($0.path.utf8), $0.content) }, uniquingKeysWith: { $1 })
    }

    private static func sorted(_ paths: Set<[UInt8]>) -> [[UInt8]] {
        paths.sorted { $0.lexicographicallyPrecedes($1) }
    }
}

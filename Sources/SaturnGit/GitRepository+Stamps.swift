import CLibGit2
import Glibc
import SaturnCore

extension GitRepository {
    func stamps(in selection: CodeSelection) throws -> [String: FileStamp] {
        let index = try index()
        let files = try WorkTree(root: root)
        let selection = PathSelection(selection)
        var found: [String: FileStamp] = [:]
        for position in 0..<git_index_entrycount(index) {
            guard let raw = git_index_get_byindex(index, position) else { continue }
            let entry = IndexEntry(raw.pointee)
            guard !entry.isTakenAsRecorded, !selection.excluded.covers(entry.path),
                selection.isNamed(entry.path, isFolder: entry.mode == FileMode.submodule),
                let status = try files.status(of: entry.path)
            else { continue }
            found[entry.name] = try status.st_mode & S_IFMT == S_IFDIR ? submoduleStamp(entry) : FileStamp(status)
        }
        return found
    }

    /// Of the file that moves with a submodule's commit: the folder's own times tell of files that do not count.
    private func submoduleStamp(_ entry: IndexEntry) throws -> FileStamp? {
        let path = "\(root)/\(entry.name)"
        guard access("\(path)/.git", F_OK) == 0 else { return nil }
        let submodule = try Self.open(path)
        defer { git_repository_free(submodule) }
        guard let folder = git_repository_path(submodule).map({ String(cString: $0) }) else { return nil }
        var status = stat()
        // There is no log of HEAD where the user wants none.
        guard stat(folder + "logs/HEAD", &status) == 0 || stat(folder + "HEAD", &status) == 0 else { return nil }
        return FileStamp(status)
    }
}

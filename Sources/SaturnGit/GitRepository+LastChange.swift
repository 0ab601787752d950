import CLibGit2
import SaturnCore

extension GitRepository {
    func lastChange(in selection: CodeSelection) throws -> Int64 {
        let index = try index()
        let files = try WorkTree(root: root)
        let selection = PathSelection(selection)
        var latest: Int64 = 0
        for position in 0..<git_index_entrycount(index) {
            guard let raw = git_index_get_byindex(index, position) else { continue }
            let entry = IndexEntry(raw.pointee)
            guard !selection.excluded.covers(entry.path),
                selection.isNamed(entry.path, isFolder: entry.mode == FileMode.submodule),
                let status = try files.status(of: entry.path)
            else { continue }
            latest = max(latest, FileStamp(status).changed)
        }
        return latest
    }
}

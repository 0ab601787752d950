import CLibGit2
import Glibc
import SaturnCore

extension GitRepository {
    func copy(_ selection: CodeSelection, to folder: String) throws -> CodeState {
        let written = try refresh(index())
        let files = try WorkTree(root: root)
        var copy = FileCopy(of: files, root: root, to: folder)
        return try state(of: selection) { entry, isSelected in
            try isSelected
                ? copied(entry, with: &copy, indexWritten: written)
                : current(entry, in: files, indexWritten: written)
        }
    }

    /// What was copied for `entry`, looked at in the copy, unless it is certain that the file was as the index says all
    /// the time.
    private func copied(
        _ entry: IndexEntry, with copy: inout FileCopy, indexWritten written: Moment
    ) throws -> TreeFile? {
        let recorded = entry.isTakenAsRecorded ? TreeFile(mode: entry.mode, id: entry.id) : nil
        guard let status = try copy.files.status(of: entry.path) else { return recorded }
        if status.st_mode & S_IFMT == S_IFDIR { return try recorded ?? copiedSubmodule(entry, with: &copy) }
        let mode = try mode(of: status, entry)
        if status.st_mode & S_IFMT == S_IFLNK {
            guard let target = try copy.link(entry.path) else { return recorded }
            return try recorded ?? TreeFile(mode: mode, id: ObjectID(ofBlob: target, at: root))
        }
        guard try copy.file(entry.path, isExecutable: status.st_mode & S_IXUSR != 0) else { return recorded }
        if let recorded { return recorded }
        let stamp = FileStamp(status)
        if FileRules.isSameKind(mode, entry.mode), stamp.matches(entry, ofIndexWritten: written),
            try copy.files.status(of: entry.path).map({ FileStamp($0) }) == stamp
        {
            return TreeFile(mode: mode, id: entry.id)
        }
        return try hasher.id(ofFileAt: copy.place(entry.path), as: entry.path).map { TreeFile(mode: mode, id: $0) }
    }

    /// Its tracked files as they are, which must be those of its commit: nothing else of it is in the tree's id.
    private func copiedSubmodule(_ entry: IndexEntry, with copy: inout FileCopy) throws -> TreeFile? {
        let path = "\(root)/\(entry.name)"
        guard let recorded = try submodule(entry), access("\(path)/.git", F_OK) == 0 else {
            return try submodule(entry)
        }
        let submodule = try GitRepository(root: path)
        let state = try submodule.copy(CodeSelection(), to: copy.folder(entry.path))
        guard !state.provenance.dirty else {
            throw Failure(
                .usage, "the submodule \(entry.name) has uncommitted changes, which a snapshot cannot hold",
                hint: "commit them in \(path)")
        }
        return state.provenance.commit == recorded.id.description ? recorded : nil
    }
}

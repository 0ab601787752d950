import CLibGit2
import Glibc
import SaturnCore

extension GitRepository {
    func state(of selection: CodeSelection) throws -> CodeState {
        let written = try refresh(index())
        let files = try WorkTree(root: root)
        return try state(of: selection) { entry, _ in try current(entry, in: files, indexWritten: written) }
    }

    /// - Parameter look: what there is now of an entry of the index, which is selected or not.
    func state(
        of selection: CodeSelection, _ look: (_ entry: IndexEntry, _ isSelected: Bool) throws -> TreeFile?
    ) throws -> CodeState {
        let index = try index()
        let head = try HeadTree(of: handle, root: root)
        var selection = PathSelection(selection)
        var (whole, narrowed) = (TreeWriter(root: root), TreeWriter(root: root))
        var last: [UInt8] = []
        // What is not as the index has it.
        var changed: [[UInt8]: TreeFile?] = [:]
        for position in 0..<git_index_entrycount(index) {
            guard let raw = git_index_get_byindex(index, position) else { continue }
            let entry = IndexEntry(raw.pointee)
            // The sides of a conflict are several entries of one path, and the work tree holds one file.
            if entry.path == last || selection.excluded.covers(entry.path) { continue }
            last = entry.path
            let isSelected = selection.isNamed(entry.path, isFolder: entry.mode == FileMode.submodule)
            let file = try look(entry, isSelected)
            if file != entry.file { changed[entry.path] = .some(file) }
            guard let file else { continue }
            selection.note(entry.path, isFolder: file.mode == FileMode.submodule)
            try whole.add(entry.path, mode: file.mode, id: file.id)
            if isSelected, selection.isNarrowed { try narrowed.add(entry.path, mode: file.mode, id: file.id) }
        }
        let tree = try whole.finish()
        let dirty = try tree != head.id(without: selection.excluded)
        var state = CodeState(
            tree: try (selection.isNarrowed ? narrowed.finish() : tree).description,
            provenance: Provenance(commit: head.commit?.description, dirty: dirty))
        if dirty { state.uncommitted = try uncommitted(changed, since: state.provenance.commit, in: selection) }
        state.unmatched = selection.unmatched { access("\(root)/\(String(decoding: $0, as: UTF8.self))", F_OK) == 0 }
        return state
    }

    /// What the work tree now holds for `entry`; `nil` when nothing that git would keep.
    func current(
        _ entry: IndexEntry, in files: WorkTree, indexWritten written: Moment
    ) throws -> TreeFile? {
        let recorded = TreeFile(mode: entry.mode, id: entry.id)
        if entry.isTakenAsRecorded { return recorded }
        guard let status = try files.status(of: entry.path) else { return nil }
        if status.st_mode & S_IFMT == S_IFDIR { return try submodule(entry) }
        let mode = try mode(of: status, entry)
        let stamp = FileStamp(status)
        if FileRules.isSameKind(mode, entry.mode), stamp.matches(entry, ofIndexWritten: written) {
            return TreeFile(mode: mode, id: entry.id)
        }
        if status.st_mode & S_IFMT == S_IFLNK {
            guard let target = try files.target(of: entry.path, size: Int(stamp.size)) else { return nil }
            return TreeFile(mode: mode, id: try ObjectID(ofBlob: target, at: root))
        }
        return try hasher.id(of: entry.path, stamp: stamp).map { TreeFile(mode: mode, id: $0) }
    }

    func mode(of status: stat, _ entry: IndexEntry) throws -> UInt32 {
        guard let mode = rules.mode(of: status, recorded: entry.mode) else {
            throw LibGit2.unreadable(root, "\(entry.name) is neither a file, a link nor a folder")
        }
        return mode
    }

    /// A folder where the index has one path: a submodule's commit, or a file that is gone.
    func submodule(_ entry: IndexEntry) throws -> TreeFile? {
        let path = "\(root)/\(entry.name)"
        if access("\(path)/.git", F_OK) == 0 {
            let submodule = try Self.open(path)
            defer { git_repository_free(submodule) }
            if let commit = try HeadTree(of: submodule, root: path).commit {
                return TreeFile(mode: FileMode.submodule, id: commit)
            }
        }
        // Not checked out, which git takes for unchanged.
        return entry.mode == FileMode.submodule ? TreeFile(mode: entry.mode, id: entry.id) : nil
    }
}

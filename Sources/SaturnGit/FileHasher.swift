import CLibGit2
import Glibc
import SaturnCore

/// The blob ids of files as `git add` would store them: line endings, `ident` and Git LFS applied, nothing written.
///
/// Other external filters (`filter.NAME.clean`) are not run: such a file counts with the content it has on disk.
struct FileHasher {
    private let repository: OpaquePointer
    private let root: String
    private let usesLFS: Bool
    /// What was hashed before, so that a large changed file is read once and not at every look. A change of
    /// `.gitattributes` alone does not empty it; that changes the tree by itself.
    private var known: [[UInt8]: (stamp: FileStamp, id: ObjectID)] = [:]

    init(repository: OpaquePointer, root: String, usesLFS: Bool) {
        self.repository = repository
        self.root = root
        self.usesLFS = usesLFS
    }

    /// `nil` when the file has just gone.
    mutating func id(of path: [UInt8], stamp: FileStamp) throws -> ObjectID? {
        if let before = known[path], before.stamp == stamp { return before.id }
        let start = Moment.now
        guard let id = try hash(path) else { return nil }
        // The stamp is older than the reading: a write in between shows in the next stamp if the file was settled.
        if stamp.isSettled(at: start) { known[path] = (stamp, id) }
        return id
    }

    private func hash(_ path: [UInt8]) throws -> ObjectID? {
        try id(ofFileAt: Array("\(root)/".utf8) + path, as: path)
    }

    /// Of the file at `place` (absolute), were it at `path` in the work tree.
    func id(ofFileAt place: [UInt8], as path: [UInt8]) throws -> ObjectID? {
        try path.withCString { name in
            if usesLFS, try isInLFS(name), let pointer = LargeFilePointer(ofFileAt: place) {
                return try ObjectID(ofBlob: pointer.text, at: root)
            }
            var id = git_oid()
            let result = place.withCString { git_repository_hashfile(&id, repository, $0, GIT_OBJECT_BLOB, name) }
            if result == GIT_ENOTFOUND.rawValue { return nil }
            try LibGit2.check(result, at: root)
            return ObjectID(id)
        }
    }

    private func isInLFS(_ name: UnsafePointer<CChar>) throws -> Bool {
        var value: UnsafePointer<CChar>?
        try LibGit2.check(git_attr_get(&value, repository, 0, name, "filter"), at: root)
        guard let value else { return false }
        return strcmp(value, "lfs") == 0
    }
}

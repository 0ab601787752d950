import SaturnCore

import struct Crypto.SHA256

/// An immutable copy of a repository's code, as the tasks that run from it need it.
struct SnapshotSpec {
    var root: String
    /// All that git tracks, but for saturn's own folders.
    var selection: CodeSelection
    /// What the copy must be, by its tree.
    var tree: String
    /// What git does not track and the tasks read; relative to the root.
    var links: Set<String> = []
    /// Where tasks run and nothing is tracked; relative to the root.
    var folders: Set<String> = []
    /// What the keys of the tasks count, and the whole: the copy is of these.
    var sources: Set<Int>

    /// Of the folder: the tree's, and that of what is beside the tree's files.
    var name: String {
        guard !links.isEmpty || !folders.isEmpty else { return tree }
        var hash = SHA256()
        for path in links.sorted() + [""] + folders.sorted() { hash.update(data: Array("\(path)\0".utf8)) }
        return "\(tree)-\(String(Digest(hash.finalize()).description.prefix(12)))"
    }
}

/// Computes the id of the tree that holds some files, as `git write-tree` does, writing nothing.
///
///     var writer = TreeWriter(root: root)
///     try writer.add("a/b", mode: FileMode.regular, id: one)
///     try writer.add("c", mode: FileMode.regular, id: two)
///     let id = try writer.finish()
///
/// Files come in the order of their paths' bytes. Within every folder that is git's order of names, in which a
/// folder's name ends in a slash, and it keeps the files of a folder together: one folder is open per level.
struct TreeWriter {
    private let root: String
    /// The open folder, with a slash at the end; empty for the root.
    private var folder: [UInt8] = []
    /// Where the name of each open folder starts in `folder`; the root has none.
    private var starts: [Int] = []
    private var contents = [TreeContent()]

    init(root: String) {
        self.root = root
    }

    mutating func add(_ path: [UInt8], mode: UInt32, id: ObjectID) throws {
        while !path.starts(with: folder) { try close() }
        var start = folder.count
        while let slash = path[start...].firstIndex(of: UInt8(ascii: "/")) {
            starts.append(start)
            folder.append(contentsOf: path[start...slash])
            contents.append(TreeContent())
            start = slash + 1
        }
        contents[contents.count - 1].append(mode: mode, name: path[start...], id: id)
    }

    /// The id of the whole; no files give git's empty tree.
    mutating func finish() throws -> ObjectID {
        while !starts.isEmpty { try close() }
        return try ObjectID(ofTree: contents[0].bytes, at: root)
    }

    /// Folders are opened by a file, so none is ever empty.
    private mutating func close() throws {
        let start = starts.removeLast()
        let id = try ObjectID(ofTree: contents.removeLast().bytes, at: root)
        contents[contents.count - 1].append(mode: FileMode.tree, name: folder[start...].dropLast(), id: id)
        folder.removeSubrange(start...)
    }
}

import Glibc
import SaturnCore

/// What a copy of code was when it was complete: permissions keep a user from writing into it by mistake, and root not.
///
/// Names, kinds, modes, sizes, times and inodes of everything in it, but for what Python leaves beside its modules.
struct SnapshotSeal {
    private let folder: String
    private let seals: String
    private let file: String

    /// - Parameter name: the one that the copy has or is to get; `folder` may be a draft of it.
    init(_ folder: String, name: String, in seals: String) {
        self.folder = folder
        self.seals = seals
        var status = stat()
        // Two runs may make it at the same time, and one of the copies is kept.
        let inode = lstat(folder, &status) == 0 ? UInt64(status.st_ino) : 0
        file = "\(seals)/\(name).\(inode)"
    }

    func write(in state: StateFolder) throws {
        guard mkdir(seals, 0o700) == 0 || errno == EEXIST else { throw SnapshotShelf.problem("make", seals) }
        try state.writeFile(digest().description, to: file)
    }

    func remove() { unlink(file) }

    var isIntact: Bool {
        guard let bytes = FileBytes.read(file, limit: 64), let now = try? digest() else { return false }
        return now.description.utf8.elementsEqual(bytes)
    }

    private func digest() throws -> Digest {
        var text: [UInt8] = []
        try list(folder, "", &text)
        return Digest(of: text)
    }

    private func list(_ folder: String, _ prefix: String, _ text: inout [UInt8]) throws {
        for name in try FileBytes.names(in: folder) where name != "__pycache__" {
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0 else { throw SnapshotShelf.problem("read", folder) }
            let path = prefix + name
            text += Array("\(path)\0\(status.st_mode)".utf8)
            if status.st_mode & S_IFMT == S_IFDIR {
                text.append(0)
                try list("\(folder)/\(name)", path + "/", &text)
            } else {
                let stamp = FileStamp(status)
                text += Array(" \(stamp.inode) \(stamp.size) \(stamp.modified) \(stamp.changed)\0".utf8)
            }
        }
    }
}

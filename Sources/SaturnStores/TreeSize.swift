import Glibc

/// The bytes that folders take on the disk; a file with several names counts once.
struct TreeSize {
    private struct File: Hashable {
        var device: dev_t
        var inode: ino_t
    }

    private(set) var bytes: Int64 = 0
    /// There was more than the limit allows to look at.
    private(set) var isPartial = false
    private var left: Int
    private var linked: Set<File> = []

    /// - Parameter limit: of files and folders to look at.
    init(limit: Int) {
        left = limit
    }

    /// What cannot be read, or is gone in the meantime, is left out.
    mutating func add(_ name: OpenFolder.Name, in folder: OpenFolder) {
        guard left > 0 else {
            isPartial = true
            return
        }
        left -= 1
        guard let status = try? folder.status(of: name) else { return }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        if !isFolder, status.st_nlink > 1,
            !linked.insert(File(device: status.st_dev, inode: status.st_ino)).inserted
        {
            return
        }
        bytes += Int64(status.st_blocks) * 512
        guard isFolder, let inside = try? OpenFolder(name, in: folder), let names = try? inside.names() else { return }
        for name in names where !isPartial { add(name, in: inside) }
    }
}

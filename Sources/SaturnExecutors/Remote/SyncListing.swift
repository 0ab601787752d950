import Glibc
import SaturnCore

/// A folder that every worker gets a copy of.
struct FolderSync: Sendable {
    /// Absolute.
    var source: String
    var destination: String
}

/// What is in such a folder.
struct SyncListing {
    /// Of the copy: another one when something in the folder has another size or time.
    let name: String
    /// Results and state that are somewhere in it, by path below it: they are not shipped.
    private(set) var ownFolders: [String] = []

    /// Names of what is left out, wherever it is.
    static let leftOut = [".git", ".saturn"]

    private struct Identity: Hashable {
        var device: dev_t
        var inode: ino_t

        init(_ status: stat) { (device, inode) = (status.st_dev, status.st_ino) }
    }

    /// - Parameter own: absolute; those that are there.
    init(_ sync: FolderSync, without own: [String]) throws {
        var text = "\(sync.source)\n\(sync.destination)\n"
        var found: [String] = []
        let identities = Set(
            own.compactMap { path in
                var status = stat()
                return stat(path, &status) == 0 ? Identity(status) : nil
            })
        try Self.list(sync.source, "", without: identities, into: &text, &found)
        name = "sync-\(Digest(of: text.utf8).description.prefix(32))"
        ownFolders = found
    }

    private static func list(
        _ path: String, _ below: String, without own: Set<Identity>, into text: inout String, _ found: inout [String]
    ) throws {
        guard let names = FolderNames.of(path) else {
            throw Failure(.usage, "cannot ship \(path): \(String(cString: strerror(errno)))")
        }
        for name in names where !leftOut.contains(name) {
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { continue }
            if own.contains(Identity(status)) {
                found.append(below + name)
                continue
            }
            let time = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
            text += "\(below)\(name) \(status.st_mode) \(status.st_size) \(time)\n"
            if status.st_mode & S_IFMT == S_IFDIR {
                try list("\(path)/\(name)", "\(below)\(name)/", without: own, into: &text, &found)
            }
        }
    }
}

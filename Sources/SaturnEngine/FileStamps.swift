import Glibc
import SaturnCore

/// The stamps of the files that count of a source: what a write moves, also one that is undone.
struct FileStamps {
    /// By path; that of a folder ends with a slash.
    private let all: [String: FileStamp]

    init(_ all: [String: FileStamp]) { self.all = all }

    /// Of a file, or of everything in a folder; links, and what they lead to, both.
    init(at path: String) {
        var found: [String: FileStamp] = [:]
        func add(_ path: String, _ status: stat, target: stat?) {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            found[isFolder ? path + "/" : path] = FileStamp(status)
            guard let target, let real = FileBytes.realPath(path) else { return }
            add(real, target, target: nil)
        }
        var (own, target) = (stat(), stat())
        if lstat(path, &own) == 0 {
            let isThere = stat(path, &target) == 0
            add(path, own, target: isThere && own.st_mode & S_IFMT == S_IFLNK ? target : nil)
            if isThere, target.st_mode & S_IFMT == S_IFDIR {
                // What cannot be listed could not be hashed either.
                try? FolderWalk.go(through: path, target, followsLinks: true) { entry in
                    add(entry.path, entry.status, target: entry.target)
                }
            }
        }
        all = found
    }

    /// When something came, went or was last changed: nanoseconds since 1970; 0 where nothing is.
    var lastChange: Int64 { all.values.reduce(0) { max($0, $1.changed) } }

    /// The files that were written, replaced, made or removed since `earlier`, sorted.
    ///
    /// A change of permissions is none, though it moves the ctime: many a command makes its program executable. Nor is
    /// a folder's new time: many a program has its lock file beside the data.
    func written(since earlier: FileStamps) -> [String] {
        let names = Set(all.keys).union(earlier.all.keys)
        return names.filter { !$0.hasSuffix("/") && Self.isOther(all[$0], earlier.all[$0]) }.sorted()
    }

    private static func isOther(_ one: FileStamp?, _ two: FileStamp?) -> Bool {
        guard let one, let two else { return (one == nil) != (two == nil) }
        // A mounted bucket may number its files anew at any time: a file that was replaced has another ctime too.
        return one.size != two.size || one.modified != two.modified
            || one.inode != two.inode && one.changed != two.changed
    }
}

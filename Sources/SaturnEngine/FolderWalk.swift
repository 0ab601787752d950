import Glibc

/// Goes through everything in a folder, sorted by name, each folder before what is in it.
struct FolderWalk {
    struct Entry {
        var path: String
        /// To the folder of the walk.
        var relative: String
        /// A link's own.
        var status: stat
        /// What a link leads to; `nil` where there is no link or nothing, or links are not followed.
        var target: stat?
    }

    private let visit: (Entry) throws -> Void

    /// - Parameter followsLinks: into folders too, but not in circles.
    static func go(
        through folder: String, _ status: stat, followsLinks: Bool, _ visit: (Entry) throws -> Void
    ) throws {
        try withoutActuallyEscaping(visit) { visit in
            try FolderWalk(visit: visit).go(folder, "", followsLinks ? Way(from: folder, status) : nil)
        }
    }

    /// The folders on the way down, by which links that lead in circles are known.
    private struct Way {
        private struct Identity: Hashable {
            var device: UInt64
            var inode: UInt64

            init(_ status: stat) {
                (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
            }
        }

        /// With a slash at the end; links resolved.
        private let start: String
        private var folders: [Identity]

        init(from path: String, _ status: stat) {
            start = (FileBytes.realPath(path) ?? path) + "/"
            folders = [Identity(status)]
        }

        func down(to folder: stat) -> Way {
            var way = self
            way.folders.append(Identity(folder))
            return way
        }

        /// Not back to where it came from, and not to what the whole lies in: a link to `/` is no part of the data.
        func mayFollow(_ link: String, to folder: stat) -> Bool {
            guard !folders.contains(Identity(folder)), let target = FileBytes.realPath(link) else { return false }
            return !start.hasPrefix(target == "/" ? target : target + "/")
        }
    }

    /// - Parameter way: `nil` to follow no links.
    private func go(_ folder: String, _ prefix: String, _ way: Way?) throws {
        for name in try FileBytes.names(in: folder) {
            var entry = Entry(path: "\(folder)/\(name)", relative: prefix + name, status: stat())
            guard lstat(entry.path, &entry.status) == 0 else { continue }
            let kind = entry.status.st_mode & S_IFMT
            if kind == S_IFLNK, way != nil {
                var target = stat()
                if stat(entry.path, &target) == 0 { entry.target = target }
            }
            try visit(entry)
            if kind == S_IFDIR {
                try go(entry.path, entry.relative + "/", way?.down(to: entry.status))
            } else if let way, let target = entry.target, target.st_mode & S_IFMT == S_IFDIR,
                way.mayFollow(entry.path, to: target)
            {
                try go(entry.path, entry.relative + "/", way.down(to: target))
            }
        }
    }
}

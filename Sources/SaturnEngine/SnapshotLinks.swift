import Glibc
import SaturnCore

/// Puts links into a copy of the code, in the places of what git does not track and tasks read.
struct SnapshotLinks {
    /// The repository's root.
    private let original: String
    private let copy: String

    init(from original: String, to copy: String) {
        self.original = original
        self.copy = copy
    }

    func make(_ spec: SnapshotSpec) throws {
        for path in spec.folders.sorted() { try makeFolders(path.split(separator: "/").map(String.init)) }
        for path in spec.links.sorted() { try link(path.split(separator: "/").map(String.init)) }
    }

    /// Folders on the way are real ones, so that only what was asked for is reached. A link on the way is followed: what
    /// git tracks of it is in the copy, and the rest is put where it leads.
    private func link(_ components: [String]) throws {
        var here: [String] = []
        for (index, name) in components.dropLast().enumerated() {
            here.append(name)
            let path = here.joined(separator: "/")
            guard Self.kind("\(original)/\(path)") == S_IFLNK else { continue }
            // One that git does not track is linked to as it is, with all that it leads to.
            guard Self.kind("\(copy)/\(path)") == S_IFLNK else { return try place(here) }
            // What leads out of the repository leads there from the copy too.
            guard let real = FileBytes.realPath("\(original)/\(path)"),
                let inside = CodeReader.relative(real, to: original)
            else { return }
            return try link(inside.split(separator: "/").map(String.init) + components[(index + 1)...])
        }
        try place(components)
    }

    /// A link in the place of one path, or in those of what is in a folder that git tracks in part.
    private func place(_ components: [String]) throws {
        try makeFolders(components.dropLast())
        let path = components.joined(separator: "/")
        switch Self.kind("\(copy)/\(path)") {
        case nil:
            guard symlink("\(original)/\(path)", "\(copy)/\(path)") == 0 else {
                throw SnapshotShelf.problem("make", "\(copy)/\(path)")
            }
        case S_IFDIR:
            for name in try FileBytes.names(in: "\(original)/\(path)") where name != ".git" {
                try place(components + [name])
            }
        default: break
        }
    }

    private func makeFolders(_ components: some Collection<String>) throws {
        var path = copy
        for name in components {
            path += "/\(name)"
            guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw SnapshotShelf.problem("make", path) }
        }
    }

    private static func kind(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }
}

import Glibc

/// Finds the folder whose `.git` git would use, by looking at names only.
enum RepositorySearch {
    /// The innermost folder with a `.git` at or above `folder`, which must be absolute and free of links.
    ///
    /// `nil` when there is none, and inside a `.git` or a bare repository. Like git, it does not look beyond the file
    /// system that `folder` is on. A `.git` of which anything is left counts, so that damage is told and not taken
    /// for "no repository"; an empty folder of that name is no repository to git either.
    static func workTree(holding folder: String) -> String? {
        let device = status(folder)?.st_dev
        var here = folder
        while status(here)?.st_dev == device {
            if isGitFolder(here) { return nil }
            if holdsRepository(here) { return here }
            guard here != "/" else { return nil }
            here = parent(of: here)
        }
        return nil
    }

    /// `path` with links resolved. What does not exist yet is left out: git covers the folder that it would be in.
    static func resolved(_ path: String) -> String? {
        var here = path
        while true {
            if let real = realpath(here, nil) {
                defer { free(real) }
                return String(cString: real)
            }
            guard errno == ENOENT || errno == ENOTDIR, here != "/", here.utf8.first == UInt8(ascii: "/") else {
                return nil
            }
            here = parent(of: here)
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    private static func isGitFolder(_ folder: String) -> Bool {
        exists("\(folder)/HEAD") && exists("\(folder)/objects") && exists("\(folder)/refs")
    }

    private static func holdsRepository(_ folder: String) -> Bool {
        guard let entry = status("\(folder)/.git") else { return false }
        guard entry.st_mode & S_IFMT == S_IFDIR else { return true }
        return ["HEAD", "objects", "refs"].contains { exists("\(folder)/.git/\($0)") }
    }

    /// Also true of what may not be looked at: reading it will say why.
    private static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }
}

import CLibGit2
import Glibc

/// What the repository's configuration says about files: whether modes, links and Git LFS mean anything here.
struct FileRules {
    /// `core.filemode`: the execute bit counts.
    private let trustsExecutable: Bool
    /// `core.symlinks`: without, a link is checked out as a file that holds its target.
    private let hasLinks: Bool
    let usesLFS: Bool

    init(of repository: OpaquePointer, root: String) throws {
        var config: OpaquePointer?
        try LibGit2.check(git_repository_config(&config, repository), at: root)
        defer { git_config_free(config) }
        // Sparse checkouts move settings to a file that libgit2 1.5 does not read.
        if Self.flag("extensions.worktreeconfig", in: config, default: false),
            let folder = git_repository_path(repository)
        {
            let path = "\(String(cString: folder))config.worktree"
            try LibGit2.check(
                git_config_add_file_ondisk(config, path, GIT_CONFIG_LEVEL_APP, repository, 0), at: root)
        }
        trustsExecutable = Self.flag("core.filemode", in: config, default: true)
        hasLinks = Self.flag("core.symlinks", in: config, default: true)
        usesLFS = ["filter.lfs.clean", "filter.lfs.process"].contains { Self.isSet($0, in: config) }
    }

    /// The mode that `git add` would record; `nil` for a pipe, a socket or a device.
    func mode(of status: stat, recorded: UInt32) -> UInt32? {
        switch status.st_mode & S_IFMT {
        case S_IFLNK:
            return FileMode.link
        case S_IFREG:
            if !hasLinks && recorded == FileMode.link { return recorded }
            if trustsExecutable { return status.st_mode & S_IXUSR != 0 ? FileMode.executable : FileMode.regular }
            return recorded == FileMode.executable ? recorded : FileMode.regular
        default:
            return nil
        }
    }

    /// Both are links, or both files: their execute bits may differ.
    static func isSameKind(_ one: UInt32, _ other: UInt32) -> Bool { one & S_IFMT == other & S_IFMT }

    private static func flag(_ name: String, in config: OpaquePointer?, default value: Bool) -> Bool {
        var found: Int32 = 0
        return git_config_get_bool(&found, config, name) == 0 ? found != 0 : value
    }

    private static func isSet(_ name: String, in config: OpaquePointer?) -> Bool {
        var entry: UnsafeMutablePointer<git_config_entry>?
        guard git_config_get_entry(&entry, config, name) == 0 else { return false }
        git_config_entry_free(entry)
        return true
    }
}

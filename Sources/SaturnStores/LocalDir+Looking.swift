import Glibc
public import SaturnCore

extension LocalDir {
    /// Where the location is not there yet, no task has a folder.
    public func looker() -> (any FolderLooker)? {
        let folder = open(location, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 || errno == ENOENT else { return nil }
        return LocalLooker(self, folder)
    }
}

/// Looks by names relative to the location, held open: the way to it, which may be long, is gone once and not for every
/// task.
private final class LocalLooker: FolderLooker {
    private let store: LocalDir
    /// Negative when there is none.
    private let folder: Int32

    init(_ store: LocalDir, _ folder: Int32) {
        self.store = store
        self.folder = folder
    }

    deinit {
        if folder >= 0 { close(folder) }
    }

    func look(at task: String, expecting stamp: FileStamp?) throws -> FolderLook {
        guard folder >= 0 else { return .absent }
        var status = stat()
        // One question for both: there is no way through a folder that is not there. Where a link leads elsewhere, it is
        // not this stamp.
        switch look(at: task + "/results/../status", &status) {
        case 0 where status.st_mode & S_IFMT == S_IFREG && status.st_size > 0 && FileStamp(status) == stamp:
            return .status(FileStamp(status))
        case ENOENT where look(at: task, &status) == ENOENT: return .absent
        default: return try store.look(at: .standing(task: task))
        }
    }

    /// Links are not followed.
    private func look(at path: String, _ status: inout stat) -> Int32 {
        fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno
    }
}

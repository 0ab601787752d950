import Glibc
public import SaturnCore

extension LocalDir {
    /// By the folder's descriptor: a path of many components is walked once and not for every task.
    public func stand(_ statuses: StatusList) throws -> Bool {
        let folder = open(location, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return false }
        defer { close(folder) }
        let ending = Array("/status".utf8CString)
        return withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { path in
            statuses.allSatisfy { name, stamp in
                guard name.count + ending.count <= path.count, let base = path.baseAddress else { return false }
                path.copyMemory(from: name)
                memcpy(base + name.count, ending, ending.count)
                var status = stat()
                let isThere =
                    fstatat(
                        folder, base.assumingMemoryBound(to: CChar.self), &status, AT_SYMLINK_NOFOLLOW) == 0
                return isThere && status.st_mode & S_IFMT == S_IFREG && status.st_size > 0
                    && FileStamp(status) == stamp
            }
        }
    }
}

import Glibc
public import SaturnCore

extension LocalDir {
    /// By the folder's descriptor: a path of many components is walked once and not for every task.
    public func stand(_ statuses: StatusList) throws -> Bool {
        let folder = open(location, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return false }
        defer { close(folder) }
        return withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { path in
            statuses.allSatisfy { name, stamp in
                // One question for both: there is no way through a folder that is not there. Nor is there one through
                // a link, behind which results may well be.
                Self.isThere("/results/../status", stamp, of: name, in: folder, path)
                    || Self.isThere("/status", stamp, of: name, in: folder, path)
                        && Self.look(at: "/results", of: name, in: folder, path) != nil
            }
        }
    }

    private static func isThere(
        _ part: StaticString, _ stamp: FileStamp, of name: UnsafeRawBufferPointer, in folder: Int32,
        _ path: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard let found = look(at: part, of: name, in: folder, path) else { return false }
        return found.st_mode & S_IFMT == S_IFREG && found.st_size > 0 && FileStamp(found) == stamp
    }

    /// - Parameter path: room for the two and the zero.
    private static func look(
        at part: StaticString, of name: UnsafeRawBufferPointer, in folder: Int32, _ path: UnsafeMutableRawBufferPointer
    ) -> stat? {
        guard name.count + part.utf8CodeUnitCount < path.count, let base = path.baseAddress else { return nil }
        path.copyMemory(from: name)
        memcpy(base + name.count, part.utf8Start, part.utf8CodeUnitCount + 1)
        var status = stat()
        let isThere =
            fstatat(folder, base.assumingMemoryBound(to: CChar.self), &status, AT_SYMLINK_NOFOLLOW) == 0
        return isThere ? status : nil
    }
}

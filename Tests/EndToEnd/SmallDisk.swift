import Foundation
import Glibc
import SaturnTesting
import Testing

/// A disk of a test's own that can be filled, mounted in a folder of its session.
///
/// ```swift
/// let disk = try SmallDisk(at: session.path("small"))
/// try disk.fill(leaving: 3)
/// disk.unmount()
/// ```
/// A tmpfs: it has room for whole pages, as a file's data takes them, and none of them goes to folders.
final class SmallDisk {
    static let reasonToSkip: Comment = "SKIPPED: this user may not mount a tmpfs, so no disk can be filled"
    /// Whether this user may mount one: root, and not in every container.
    static let isPossible: Bool = {
        guard let space = try? TestSpace() else { return false }
        guard let disk = try? SmallDisk(at: space.folder) else { return false }
        disk.unmount()
        return true
    }()

    let path: String
    private static let page = 4096
    private var filler: String { path + "/filler" }

    private let options: String

    /// - Parameter megabytes: its size; memory is taken only for what is in it.
    init(at path: String, megabytes: Int = 4) throws {
        self.path = path
        options = "size=\(megabytes)m"
        mkdir(path, 0o755)
        guard mount("saturn-test", path, "tmpfs", 0, options) == 0 else {
            throw SessionProblem("cannot mount a tmpfs at \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit { unmount() }

    /// Before the session goes, which cannot remove a folder that a disk is mounted in.
    func unmount() { umount2(path, Int32(MNT_DETACH)) }

    /// Takes all room but that of `pages` pages.
    func fill(leaving pages: Int) throws {
        var room = statvfs()
        guard statvfs(path, &room) == 0, case let size = (Int(room.f_bavail) - pages) * Self.page, size >= 0,
            case let fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600), fd >= 0
        else { throw SessionProblem("cannot fill \(path)") }
        defer { close(fd) }
        guard posix_fallocate(fd, 0, size) == 0 else { throw SessionProblem("cannot fill \(path) with \(size) bytes") }
    }

    /// Gives back the room that ``fill(leaving:)`` took.
    func free() { unlink(filler) }

    func setReadOnly(_ isReadOnly: Bool) throws {
        let flags = UInt(MS_REMOUNT) | (isReadOnly ? UInt(MS_RDONLY) : 0)
        guard mount("saturn-test", path, "tmpfs", flags, options) == 0 else {
            throw SessionProblem("cannot remount \(path): \(String(cString: strerror(errno)))")
        }
    }
}

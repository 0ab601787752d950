import CLibGit2
import Glibc
import SaturnCore

/// Looks at the files of a work tree, never through a link: a folder that became a link no longer holds tracked files.
///
/// Paths asked for in the index's order open every folder once; only those on the way to the last path stay open.
final class WorkTree {
    private struct Folder {
        /// The length of its path in `path`, the slash included.
        var end: Int
        /// -1: there is no such folder.
        var descriptor: Int32
    }

    /// Linux's `O_PATH`, which the Swift overlay leaves out: a folder that may be entered need not be readable.
    private static let pathOnly: Int32 = 0o10000000

    private let root: String
    private let rootDescriptor: Int32
    /// The path of the innermost open folder, with a slash at the end; empty for the root.
    private var path: [UInt8] = []
    private var folders: [Folder] = []

    init(root: String) throws {
        self.root = root
        rootDescriptor = Glibc.open(root, Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard rootDescriptor >= 0 else { throw LibGit2.unreadable(root, Self.reason(errno)) }
    }

    deinit {
        while !folders.isEmpty { leave() }
        close(rootDescriptor)
    }

    /// The file's own status, a link's included; `nil` when there is none.
    func status(of file: [UInt8]) throws -> stat? {
        let folder = try enter(folderOf: file)
        guard folder >= 0 else { return nil }
        var status = stat()
        let result = file[path.count...].withCString { fstatat(folder, $0, &status, AT_SYMLINK_NOFOLLOW) }
        guard result == 0 else {
            try expectAbsence(of: file)
            return nil
        }
        return status
    }

    /// Where a link points to; `nil` when it has just gone.
    func target(of link: [UInt8], size: Int) throws -> [UInt8]? {
        let folder = try enter(folderOf: link)
        guard folder >= 0 else { return nil }
        // Some file systems tell no size of a link; a target never exceeds PATH_MAX.
        var target = [CChar](repeating: 0, count: max(size, Int(PATH_MAX)))
        let count = link[path.count...].withCString { readlinkat(folder, $0, &target, target.count) }
        guard count >= 0 else {
            // Invalid: it is a link no more.
            if errno != EINVAL { try expectAbsence(of: link) }
            return nil
        }
        return target[..<count].map { UInt8(bitPattern: $0) }
    }

    /// A descriptor to read the file with, which is the caller's to close; `nil` when there is none any more.
    func open(_ file: [UInt8]) throws -> Int32? {
        let folder = try enter(folderOf: file)
        guard folder >= 0 else { return nil }
        // A pipe that took its place must not be waited for.
        let descriptor = file[path.count...].withCString {
            openat(folder, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        }
        if descriptor < 0 {
            if errno != ELOOP { try expectAbsence(of: file) }
            return nil
        }
        return descriptor
    }

    /// Leaves and enters folders until the innermost one is that of `file`, and returns its descriptor.
    private func enter(folderOf file: [UInt8]) throws -> Int32 {
        while !file.starts(with: path) { leave() }
        while let slash = file[path.count...].firstIndex(of: UInt8(ascii: "/")) {
            let parent = folders.last?.descriptor ?? rootDescriptor
            var descriptor: Int32 = -1
            if parent >= 0 {
                descriptor = file[path.count..<slash].withCString {
                    openat(parent, $0, Self.pathOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                }
                if descriptor < 0 { try expectAbsence(of: Array(file[..<slash])) }
            }
            path.append(contentsOf: file[path.count...slash])
            folders.append(Folder(end: path.count, descriptor: descriptor))
        }
        return folders.last?.descriptor ?? rootDescriptor
    }

    private func leave() {
        let folder = folders.removeLast()
        if folder.descriptor >= 0 { close(folder.descriptor) }
        path.removeSubrange((folders.last?.end ?? 0)...)
    }

    /// Throws unless the last call failed because there is nothing at `file`.
    private func expectAbsence(of file: [UInt8]) throws {
        let code = errno
        if code == ENOENT || code == ENOTDIR { return }
        throw LibGit2.unreadable(root, "\(String(decoding: file, as: UTF8.self)): \(Self.reason(code))")
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}

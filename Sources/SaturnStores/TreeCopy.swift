import CSystem
import Glibc
import SaturnCore

/// Copies files and folders: by reflink where the file system can, else byte by byte.
enum TreeCopy {
    /// Links are copied as links; sockets, pipes and devices are left out.
    static func copy(_ name: OpenFolder.Name, from source: OpenFolder, to target: OpenFolder) throws {
        let status = try source.status(of: name)
        switch status.st_mode & S_IFMT {
        case S_IFDIR: try copyFolder(name, status, from: source, to: target)
        case S_IFLNK: try copyLink(name, from: source, to: target)
        case S_IFREG: try copyFile(name, status, from: source, to: target)
        default: break
        }
    }

    private static func copyFolder(
        _ name: OpenFolder.Name, _ status: stat, from source: OpenFolder, to target: OpenFolder
    ) throws {
        guard mkdirat(target.descriptor, name, 0o700) == 0 else { throw target.problem(name) }
        let (from, to) = (try OpenFolder(name, in: source), try OpenFolder(name, in: target))
        for inner in try from.names() { try copy(inner, from: from, to: to) }
        guard try FileStamp(from.status()).isSameFolder(as: FileStamp(status)) else {
            throw FileProblem(from.path, is: "changed while it was copied")
        }
        // Last: the folder may not let anything be added.
        guard fchmod(to.descriptor, status.st_mode & 0o7777) == 0 else { throw target.problem(name) }
    }

    private static func copyLink(_ name: OpenFolder.Name, from source: OpenFolder, to target: OpenFolder) throws {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard readlinkat(source.descriptor, name, &text, Int(PATH_MAX)) >= 0 else { throw source.problem(name) }
        guard symlinkat(text, target.descriptor, name) == 0 else { throw target.problem(name) }
    }

    private static func copyFile(
        _ name: OpenFolder.Name, _ status: stat, from source: OpenFolder, to target: OpenFolder
    ) throws {
        let from = openat(source.descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard from >= 0 else { throw source.problem(name) }
        defer { close(from) }
        let to = openat(target.descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard to >= 0 else { throw target.problem(name) }
        try Descriptor.closing(to, target.path(of: name)) {
            if csystem_reflink(to, from) != 0 {
                try copyBytes(from, source.path(of: name), to, target.path(of: name))
            }
            guard fchmod(to, status.st_mode & 0o777) == 0 else { throw target.problem(name) }
        }
    }

    private static func copyBytes(_ from: Int32, _ source: String, _ to: Int32, _ target: String) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(from, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileProblem(source) }
            if count == 0 { return }
            try buffer[..<count].withUnsafeBytes { try Descriptor.put($0, to, target) }
        }
    }
}

import CSystem
import Glibc

/// Copies files and folders: by reflink where the file system can, else byte by byte.
enum TreeCopy {
    /// Links are copied as links; sockets, pipes and devices are left out.
    static func copy(_ source: String, to target: String) throws {
        var status = stat()
        guard lstat(source, &status) == 0 else { throw Files.Problem(source) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            try Files.makeFolder(target)
            for name in try Files.names(in: source) { try copy("\(source)/\(name)", to: "\(target)/\(name)") }
            chmod(target, status.st_mode & 0o7777)
        case S_IFLNK: try copyLink(source, to: target)
        case S_IFREG: try copyFile(source, status, to: target)
        default: break
        }
    }

    private static func copyLink(_ source: String, to target: String) throws {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard readlink(source, &text, Int(PATH_MAX)) >= 0, symlink(text, target) == 0 else {
            throw Files.Problem(source)
        }
    }

    private static func copyFile(_ source: String, _ status: stat, to target: String) throws {
        let from = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard from >= 0 else { throw Files.Problem(source) }
        defer { close(from) }
        let to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status.st_mode & 0o777)
        guard to >= 0 else { throw Files.Problem(target) }
        defer { close(to) }
        if csystem_reflink(to, from) == 0 { return }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(from, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Files.Problem(source) }
            if count == 0 { return }
            var written = 0
            while written < count {
                let step = buffer[written..<count].withUnsafeBytes { write(to, $0.baseAddress, $0.count) }
                if step < 0, errno == EINTR { continue }
                guard step > 0 else { throw Files.Problem(target) }
                written += step
            }
        }
    }
}

import Glibc

/// A folder held open: what is in it is reached without following links, and however long the path has become.
///
/// Names are bytes with a zero at the end: tasks give their files names that are not always text.
final class OpenFolder {
    typealias Name = [CChar]

    let descriptor: Int32
    /// For messages.
    let path: String

    /// - Parameter followsLink: whether `path` itself may be a link.
    init(_ path: String, followsLink: Bool = false) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (followsLink ? 0 : O_NOFOLLOW))
        guard descriptor >= 0 else { throw Files.Problem(path) }
    }

    init(_ name: Name, in parent: OpenFolder) throws {
        path = parent.path(of: name)
        descriptor = openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw Files.Problem(path) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func path(of name: Name) -> String {
        "\(path)/\(name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })"
    }

    func problem(_ name: Name) -> Files.Problem { Files.Problem(path(of: name), errno) }

    /// Links are not followed.
    func status(of name: Name) throws -> stat {
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw problem(name) }
        return status
    }

    func names() throws -> [Name] {
        // The stream takes a descriptor of its own, and closes that one.
        let fd = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0, let stream = fdopendir(fd) else { throw Files.Problem(path) }
        defer { closedir(stream) }
        var names: [Name] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { start in
                    Array(UnsafeBufferPointer(start: start, count: strlen(start) + 1))
                }
            }
            if name != Self.itself, name != Self.parent { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw Files.Problem(path) }
        return names
    }

    private static let itself = Array(".".utf8CString)
    private static let parent = Array("..".utf8CString)

    /// Removes all that is in it; links are removed, not followed.
    func removeAll() throws {
        for name in try names() {
            let mode = try status(of: name).st_mode
            let isFolder = mode & S_IFMT == S_IFDIR
            if isFolder {
                if mode & S_IRWXU != S_IRWXU { fchmodat(descriptor, name, 0o700, 0) }
                try OpenFolder(name, in: self).removeAll()
            }
            guard unlinkat(descriptor, name, isFolder ? AT_REMOVEDIR : 0) == 0 else { throw problem(name) }
        }
    }
}

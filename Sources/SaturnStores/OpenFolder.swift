import Glibc

/// A folder held open: what is in it is reached without following links, and however long the path has become.
///
/// Names are bytes with a zero at the end: tasks give their files names that are not always text. Saturn's own are.
final class OpenFolder: Sendable {
    typealias Name = [CChar]

    let descriptor: Int32
    /// For messages.
    let path: String

    /// - Parameter followsLink: whether `path` itself may be a link.
    init(_ path: String, followsLink: Bool = false) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (followsLink ? 0 : O_NOFOLLOW))
        guard descriptor >= 0 else { throw FileProblem(path) }
    }

    init(_ name: Name, in parent: OpenFolder) throws {
        path = parent.path(of: name)
        descriptor = openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw FileProblem(path) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func path(of name: Name) -> String {
        path(of: name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })
    }

    func path(of name: String) -> String { "\(path)/\(name)" }

    func problem(_ name: Name) -> FileProblem {
        let number = errno
        return FileProblem(path(of: name), number)
    }

    func problem(_ name: String) -> FileProblem {
        let number = errno
        return FileProblem(path(of: name), number)
    }

    /// Of the folder itself.
    func status() throws -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileProblem(path) }
        return status
    }

    /// Links are not followed.
    func status(of name: Name) throws -> stat {
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw problem(name) }
        return status
    }

    /// `nil` when nothing has the name.
    func status(of name: String) throws -> stat? {
        var status = stat()
        if fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { return status }
        guard errno == ENOENT else { throw problem(name) }
        return nil
    }

    func names() throws -> [Name] {
        // The stream takes a descriptor of its own, and closes that one.
        let fd = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0, let stream = fdopendir(fd) else { throw FileProblem(path) }
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
        guard errno == 0 else { throw FileProblem(path) }
        return names
    }

    private static let itself = Array(".".utf8CString)
    private static let parent = Array("..".utf8CString)

    func makeFolder(_ name: String) throws {
        guard mkdirat(descriptor, name, 0o755) == 0 else { throw problem(name) }
    }

    func rename(_ name: String, to other: String) throws {
        guard renameat(descriptor, name, descriptor, other) == 0 else { throw problem(name) }
    }

    func remove(_ name: String) throws { try remove(Array(name.utf8CString)) }

    /// Removes a file, link or whole folder; links are removed, not followed. Nothing there is fine.
    func remove(_ name: Name) throws {
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return }
            throw problem(name)
        }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        if isFolder {
            if status.st_mode & S_IRWXU != S_IRWXU { fchmodat(descriptor, name, 0o700, 0) }
            let inner = try OpenFolder(name, in: self)
            for name in try inner.names() { try inner.remove(name) }
        }
        guard unlinkat(descriptor, name, isFolder ? AT_REMOVEDIR : 0) == 0 else { throw problem(name) }
    }
}

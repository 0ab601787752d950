import Glibc

extension OpenFolder.Name {
    /// Names that are no text do not become a name of saturn's.
    var text: String { String(decoding: dropLast().lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self) }
}

/// What must be a folder, and may not be there.
extension OpenFolder {
    /// `nil` when there is none; something else of that name, a link too, is an error.
    func inner(_ name: String) throws -> OpenFolder? {
        do { return try OpenFolder(Array(name.utf8CString), in: self) } catch let error as FileProblem
            where error.number == ENOENT
        { return nil }
    }

    /// The folder of that name, made when it is missing.
    func making(_ name: String) throws -> OpenFolder {
        guard mkdirat(descriptor, name, 0o755) == 0 || errno == EEXIST else { throw problem(name) }
        return try OpenFolder(Array(name.utf8CString), in: self)
    }

    /// Whether it is a folder and no link to one.
    func isRealFolder(_ name: Name) throws -> Bool {
        do { return try status(of: name).st_mode & S_IFMT == S_IFDIR } catch let error as FileProblem
            where error.number == ENOENT
        { return false }
    }

    func realFolder(_ name: Name) throws -> OpenFolder? {
        guard try isRealFolder(name) else { return nil }
        return try inner(name.text)
    }

    /// A descriptor to read and append to a file, or `nil`; neither a link is followed nor a pipe waited for.
    func file(_ name: String) throws -> Int32? {
        let fd = openat(descriptor, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard fd >= 0 else {
            if [ENOENT, ELOOP, ENXIO, EISDIR].contains(errno) { return nil }
            throw problem(name)
        }
        return fd
    }

    /// Removes what is in it. Another gc may be doing the same: what it removed first is no problem.
    func removeAll() throws {
        for tries in 1...1000 {
            do {
                for name in try names() { try remove(name) }
                return
            } catch let error as FileProblem where error.number == ENOENT && tries < 1000 {}
        }
    }
}

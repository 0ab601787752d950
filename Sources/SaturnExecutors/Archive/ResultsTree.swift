import Glibc
import SaturnCore

/// A folder that is filled from an archive of somebody else's making: nothing is written outside it, and no link followed.
final class ResultsTree {
    private let root: Int32
    /// Set when all is there: what is in a folder may be made before.
    private var folders: [(path: [String], mode: mode_t)] = []

    /// - Parameter path: of a real folder.
    init(_ path: String) throws {
        root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard root >= 0 else { throw ArchiveProblem.system(path) }
    }

    deinit { close(root) }

    /// Of a path in an archive; `nil` of the folder itself.
    static func components(_ path: [UInt8]) throws -> [String]? {
        guard path.first != UInt8(ascii: "/"), !path.contains(0) else { throw ArchiveProblem.outside(path) }
        let parts = path.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
        guard !parts.contains(where: { $0.elementsEqual("..".utf8) }) else { throw ArchiveProblem.outside(path) }
        return parts.isEmpty ? nil : parts.map { RawName.text($0) }
    }

    /// Removes all that is in it.
    func empty() throws {
        let copy = fcntl(root, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw ArchiveProblem.system(".") }
        try Self.empty(copy)
    }

    /// - Parameter folder: a descriptor, which is closed.
    private static func empty(_ folder: Int32) throws {
        guard let entries = fdopendir(folder) else {
            close(folder)
            throw ArchiveProblem.system(".")
        }
        defer { closedir(entries) }
        while let entry = readdir(entries) {
            let problem = withUnsafePointer(to: entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name -> Int32 in
                    if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return 0 }
                    if unlinkat(folder, name, 0) == 0 { return 0 }
                    let inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                    guard inner >= 0, (try? empty(inner)) != nil else { return errno }
                    return unlinkat(folder, name, AT_REMOVEDIR) == 0 ? 0 : errno
                }
            }
            guard problem == 0 else { throw ArchiveProblem.disk(".", problem) }
        }
    }

    func makeFolder(_ path: [String], mode: mode_t) throws {
        close(try folder(path[...]))
        folders.append((path, mode))
    }

    /// A new, empty file; the caller closes it.
    func makeFile(_ path: [String]) throws -> Int32 {
        try make(path) { parent, name in
            RawName.with(name) {
                openat(parent, $0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            }
        }
    }

    func makeLink(_ path: [String], to target: [UInt8]) throws {
        _ = try make(path) { parent, name in
            RawName.with(name) { name in RawName.with(RawName.text(target[...])) { symlinkat($0, parent, name) } }
        }
    }

    /// Another name of a file that is there.
    func makeName(_ path: [String], of file: [String]) throws {
        let source = try folder(file.dropLast())
        defer { close(source) }
        _ = try make(path) { parent, name in
            RawName.with(name) { name in RawName.with(file[file.count - 1]) { linkat(source, $0, parent, name, 0) } }
        }
    }

    func finish() throws {
        for (path, mode) in folders.reversed() {
            let folder = try folder(path[...])
            fchmod(folder, mode & 0o777)
            close(folder)
        }
        folders = []
    }

    /// Whatever has the name gives way, unless it is a folder.
    private func make(_ path: [String], _ body: (Int32, String) -> Int32) throws -> Int32 {
        let parent = try folder(path.dropLast())
        defer { close(parent) }
        let name = path[path.count - 1]
        var made = body(parent, name)
        if made < 0, errno == EEXIST {
            _ = RawName.with(name) { unlinkat(parent, $0, 0) }
            made = body(parent, name)
        }
        guard made >= 0 else { throw ArchiveProblem.system(path.joined(separator: "/")) }
        return made
    }

    /// Opened without following a link on the way; made where it is missing.
    private func folder(_ path: ArraySlice<String>) throws -> Int32 {
        var current = fcntl(root, F_DUPFD_CLOEXEC, 3)
        for name in path {
            let next = RawName.with(name) { name in
                let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
                let found = openat(current, name, flags)
                guard found < 0, errno == ENOENT, mkdirat(current, name, 0o755) == 0 else { return found }
                return openat(current, name, flags)
            }
            let problem = errno
            close(current)
            errno = problem
            current = next
            guard current >= 0 else { break }
        }
        guard current >= 0 else { throw ArchiveProblem.system(path.joined(separator: "/")) }
        return current
    }
}

/// Names of files are bytes; those that are no text are carried in a text all the same, a scalar a byte.
enum RawName {
    private static let marker: Character = "\u{0}"

    static func text(_ bytes: ArraySlice<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return String(marker) + String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    static func bytes(_ name: String) -> [UInt8] {
        guard name.unicodeScalars.first == "\u{0}" else { return Array(name.utf8) }
        return name.unicodeScalars.dropFirst().map { UInt8(truncatingIfNeeded: $0.value) }
    }

    static func joined(_ folder: String, _ name: String) -> String {
        if folder.unicodeScalars.first != "\u{0}", name.unicodeScalars.first != "\u{0}" { return "\(folder)/\(name)" }
        return text((bytes(folder) + [UInt8(ascii: "/")] + bytes(name))[...])
    }

    static func with<Result>(_ name: String, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        guard name.unicodeScalars.first == "\u{0}" else { return name.withCString(body) }
        let bytes = name.unicodeScalars.dropFirst().map { CChar(bitPattern: UInt8(truncatingIfNeeded: $0.value)) } + [0]
        return bytes.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return name.withCString(body) }
            return body(base)
        }
    }
}

enum ArchiveProblem: Error, Hashable {
    /// Of this machine: a full disk, say; `errno`.
    case disk(String, Int32)
    case outside([UInt8])
    case malformed(String)

    static func system(_ path: String) -> ArchiveProblem { .disk(path, errno) }

    /// Whatever it were that is unpacked, it would not go better.
    var isOfThisMachine: Bool {
        guard case .disk(_, let number) = self else { return false }
        return [ENOSPC, EDQUOT, EIO, EROFS, EMFILE, ENFILE].contains(number)
    }

    var text: String {
        switch self {
        case .disk(let path, let number): "\(path): \(String(cString: strerror(number)))"
        case .outside(let path): "the path '\(String(decoding: path, as: UTF8.self))' leads out of them"
        case .malformed(let what): what
        }
    }
}

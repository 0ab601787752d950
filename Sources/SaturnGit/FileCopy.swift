import CSystem
import Glibc
import SaturnCore

/// Copies files of a work tree into another folder, which is nobody else's. Copies cannot be written to.
struct FileCopy {
    let files: WorkTree
    private let root: String
    private let target: [UInt8]
    private var made: Set<[UInt8]> = []

    init(of files: WorkTree, root: String, to folder: String) {
        self.files = files
        self.root = root
        target = Array("\(folder)/".utf8)
    }

    func place(_ path: [UInt8]) -> [UInt8] { target + path }

    /// Makes the folder `path`, and returns where it is.
    mutating func folder(_ path: [UInt8]) throws -> String {
        try makeFolder(path)
        return String(decoding: place(path), as: UTF8.self)
    }

    /// What the link says; `nil` when it has just gone. One that leads out of the repository by a relative path leads to
    /// the same place from the copy.
    mutating func link(_ path: [UInt8]) throws -> [UInt8]? {
        guard let target = try files.target(of: path, size: Int(PATH_MAX)) else { return nil }
        let folder = try makeFolder(of: path)
        var text = target
        if target.first != UInt8(ascii: "/"),
            RelativePath.components(of: String(decoding: folder + target, as: UTF8.self)) == nil
        {
            text = Array("\(root)/".utf8) + folder + target
        }
        let result = text.withCString { text in place(path).withCString { symlink(text, $0) } }
        guard result == 0 else { throw problem(path) }
        return target
    }

    /// `false` when the file has just gone.
    mutating func file(_ path: [UInt8], isExecutable: Bool) throws -> Bool {
        guard let source = try files.open(path) else { return false }
        defer { close(source) }
        _ = try makeFolder(of: path)
        let copy = place(path).withCString {
            open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, isExecutable ? 0o555 : 0o444)
        }
        guard copy >= 0 else { throw problem(path) }
        defer { close(copy) }
        guard csystem_reflink(copy, source) == 0 || copyBytes(source, copy) else { throw problem(path) }
        return true
    }

    private func copyBytes(_ source: Int32, _ copy: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        while true {
            let count = read(source, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 }
            var written = 0
            while written < count {
                let step = buffer.withUnsafeBytes {
                    write(copy, $0.baseAddress?.advanced(by: written), count - written)
                }
                guard step > 0 || (step < 0 && errno == EINTR) else { return false }
                written += max(0, step)
            }
        }
    }

    /// The folder that `path` is in, with a slash at the end; empty for the root.
    private mutating func makeFolder(of path: [UInt8]) throws -> [UInt8] {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return [] }
        try makeFolder(Array(path[..<slash]))
        return Array(path[...slash])
    }

    private mutating func makeFolder(_ path: [UInt8]) throws {
        guard made.insert(path).inserted else { return }
        _ = try makeFolder(of: path)
        guard place(path).withCString({ mkdir($0, 0o755) }) == 0 || errno == EEXIST else { throw problem(path) }
    }

    private func problem(_ path: [UInt8]) -> Failure {
        let why = String(cString: strerror(errno))
        return Failure(.engine, "cannot copy \(root)/\(String(decoding: path, as: UTF8.self)): \(why)")
    }
}

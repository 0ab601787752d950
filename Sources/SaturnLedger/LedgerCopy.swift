import GRDB
import Glibc
import SaturnCore

/// Reads a ledger that cannot be read where it is without writing, by way of a copy in the temporary folder.
enum LedgerCopy {
    /// What tells that a file has been written to.
    private struct Stamp: Equatable {
        var inode: UInt64
        var size: Int
        var modified: [Int]

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            inode = UInt64(status.st_ino)
            size = Int(status.st_size)
            modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
        }
    }

    /// Fills `memory` with the content of the file, its journal applied.
    static func copy(_ path: String, to memory: DatabaseQueue) throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let files = [path, path + "-journal"]
        // A run may start, apply the journal and write, between the copies of the two: they must belong together.
        for _ in 0..<10 {
            let before = files.map { Stamp($0) }
            try folder.copy(files[0], as: "ledger.sqlite")
            if before[1] != nil { try folder.copy(files[1], as: "ledger.sqlite-journal") }
            if files.map({ Stamp($0) }) == before {
                return try DatabaseQueue(path: folder.path + "/ledger.sqlite").backup(to: memory)
            }
            folder.clear()
        }
        throw Failure(.engine, "cannot read the ledger \(path): it changes all the time", hint: "try again")
    }
}

/// A folder of its own below TMPDIR.
private struct TemporaryFolder {
    let path: String

    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/saturn-ledger-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.engine, "cannot make a folder in \(parent): \(String(cString: strerror(errno)))")
        }
        path = template.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { String(cString: $0) } ?? ""
        }
    }

    func copy(_ source: String, as name: String) throws {
        guard let from = fopen(source, "re") else { throw problem("copy", source) }
        defer { fclose(from) }
        let target = "\(path)/\(name)"
        guard let to = fopen(target, "wxe") else { throw problem("make", target) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var isWritten = true
        while isWritten, case let count = fread(&buffer, 1, buffer.count, from), count > 0 {
            isWritten = fwrite(buffer, 1, count, to) == count
        }
        // Closing writes what is still held back.
        guard fclose(to) == 0, isWritten else { throw problem("write", target) }
        guard ferror(from) == 0 else { throw problem("read", source) }
    }

    private func problem(_ what: String, _ file: String) -> Failure {
        Failure(.engine, "cannot \(what) \(file): \(String(cString: strerror(errno)))")
    }

    func clear() {
        for name in ["ledger.sqlite", "ledger.sqlite-journal"] { unlink("\(path)/\(name)") }
    }

    func remove() {
        clear()
        rmdir(path)
    }
}

import Glibc
import SaturnCore

/// What has happened in the bucket and is in no segment of the index yet: a file on this machine, for the run that comes
/// after a crash.
struct Journal: Sendable {
    let path: String

    /// What a journal says; a last line that was cut off counts for nothing.
    struct Content: Sendable {
        var epoch: Int
        var boot: String
        var changes: [IndexChange]
    }

    func read() throws -> Content? {
        guard let bytes = try Files.read(path, limit: 1 << 30), let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
            return nil
        }
        let lines = bytes[...end].split(separator: UInt8(ascii: "\n"))
        let header = lines.first.map { IndexChange.parts($0) } ?? []
        guard header.count == 3, header[0] == "saturn journal 1", let epoch = Int(header[1]) else { return nil }
        return Content(epoch: epoch, boot: header[2], changes: lines.dropFirst().compactMap { IndexChange($0) })
    }

    /// Begins it anew, in one step: there is always either the old one or the new one.
    ///
    /// - Parameter epoch: whose leases it is for; 0 is nobody's.
    func begin(epoch: Int, boot: String, _ changes: [IndexChange]) throws {
        let draft = path + ".new"
        unlink(draft)
        let header = IndexChange.line(["saturn journal 1", "\(epoch)", boot])
        try write(changes.reduce(into: header) { $0 += $1.line }, to: draft, flags: O_CREAT | O_EXCL)
        try Files.rename(draft, to: path)
    }

    /// In one write: nothing comes between, also from another thread.
    func append(_ change: IndexChange) throws { try write(change.line, to: path, flags: 0) }

    private func write(_ lines: [UInt8], to path: String, flags: Int32) throws {
        let fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0o600)
        guard fd >= 0 else { throw FileProblem(path) }
        try Descriptor.closing(fd, path) {
            try lines.withUnsafeBytes { try Descriptor.put($0, fd, path) }
        }
    }

    func remove() { unlink(path) }

    /// The id of this start of the machine: what was written before another one may not be on the disk.
    static var boot: String {
        // The kernel says that its files are empty.
        let fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return "" }
        defer { close(fd) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = max(0, Glibc.read(fd, &buffer, buffer.count))
        return String(decoding: buffer[..<count].prefix { $0 > 32 }, as: UTF8.self)
    }
}

import Glibc
import SaturnCore

/// Digests of files and folders, hashed once and remembered by stamp.
///
/// A digest is remembered only when the file was older than the hashing by two seconds: a younger one could be
/// changed again within the granule of its time stamp.
final class ContentDigests {
    private let ledger: any Ledger
    private let clock: any TimeSource
    private var known: [String: DigestRecord] = [:]
    /// What a run may write into the ledger.
    private(set) var fresh: [DigestRecord] = []
    /// What folders held, by their digest's text: what is hashed for it.
    private var listings: [String: [UInt8]] = [:]
    private var listingBytes = 0
    /// Bytes of one listing, and of all together, that are worth keeping to explain a change by.
    private static let listingLimit = (one: 4 << 20, all: 64 << 20)

    init(ledger: any Ledger, clock: any TimeSource = SystemClock()) {
        self.ledger = ledger
        self.clock = clock
    }

    func takeFresh() -> [DigestRecord] {
        defer { fresh = [] }
        return fresh
    }

    /// Of a file's content; of a folder's files, their relative paths, execute bits and contents, and of the
    /// texts of its links. `nil` when there is nothing of that name; links at the top are followed.
    ///
    /// - Parameter followsLinks: what links in the folder lead to counts too. Not for results, in which a task may plant
    ///   any: nothing outside of them is looked at.
    func digest(of path: String, followsLinks: Bool = false) throws -> Digest? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        if status.st_mode & S_IFMT != S_IFDIR { return try file(path, status) }
        var text: [UInt8] = []
        try FolderWalk.go(through: path, status, followsLinks: followsLinks) { text += try self.text($0) }
        let digest = Digest(of: text)
        keep(text, of: digest.description)
        return digest
    }

    /// The ``FolderListing`` of a folder whose digest was asked for, unless it is too long.
    func listing(of digest: String) -> [UInt8]? { listings[digest] }

    private func keep(_ text: [UInt8], of digest: String) {
        guard text.count <= Self.listingLimit.one, listingBytes + text.count <= Self.listingLimit.all,
            listings.updateValue(text, forKey: digest) == nil
        else { return }
        listingBytes += text.count
    }

    private func text(_ entry: FolderWalk.Entry) throws -> [UInt8] {
        switch entry.status.st_mode & S_IFMT {
        case S_IFDIR: return FolderListing.text(.folder, entry.relative, "")
        case S_IFREG:
            let kind = entry.status.st_mode & S_IXUSR == 0 ? FolderListing.Kind.file : .executable
            return FolderListing.text(kind, entry.relative, try file(entry.path, entry.status).description)
        case S_IFLNK:
            var content = FileBytes.link(entry.path)
            if let target = entry.target, target.st_mode & S_IFMT == S_IFREG {
                content += " " + (try file(entry.path, target).description)
            }
            return FolderListing.text(.link, entry.relative, content)
        default: return FolderListing.text(.other, entry.relative, "")
        }
    }

    private func file(_ path: String, _ status: stat) throws -> Digest {
        let stamp = FileStamp(status)
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(.usage, "\(path) is neither a file nor a folder")
        }
        if let record = try known[path] ?? ledger.digest(of: path), record.stamp == stamp {
            known[path] = record
            return record.digest
        }
        let record = DigestRecord(path: path, stamp: stamp, digest: try FileBytes.digest(of: path))
        if clock.now().microseconds * 1000 - max(stamp.modified, stamp.changed) > 2_000_000_000 {
            known[path] = record
            fresh.append(record)
        }
        return record.digest
    }
}

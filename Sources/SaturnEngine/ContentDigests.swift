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
        try walk(path, "", followsLinks ? Way(from: path, status) : nil, &text)
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

    /// The folders on the way down, by which links that lead in circles are known.
    private struct Way {
        private struct Identity: Hashable {
            var device: UInt64
            var inode: UInt64

            init(_ status: stat) {
                (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
            }
        }

        /// With a slash at the end; links resolved.
        private let start: String
        private var folders: [Identity]

        init(from path: String, _ status: stat) {
            let real = realpath(path, nil)
            start = (real.map { String(cString: $0) } ?? path) + "/"
            free(real)
            folders = [Identity(status)]
        }

        func down(to folder: stat) -> Way {
            var way = self
            way.folders.append(Identity(folder))
            return way
        }

        /// Not back to where it came from, and not to what the whole lies in: a link to `/` is no part of the data.
        func mayFollow(_ link: String, to folder: stat) -> Bool {
            guard !folders.contains(Identity(folder)), let real = realpath(link, nil) else { return false }
            defer { free(real) }
            let target = String(cString: real)
            return !start.hasPrefix(target == "/" ? target : target + "/")
        }
    }

    /// - Parameter way: `nil` to follow no links.
    private func walk(_ folder: String, _ prefix: String, _ way: Way?, _ text: inout [UInt8]) throws {
        for name in try FileBytes.names(in: folder) {
            let path = "\(folder)/\(name)"
            let relative = prefix + name
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                text += FolderListing.text(.folder, relative, "")
                try walk(path, relative + "/", way?.down(to: status), &text)
            case S_IFREG:
                let kind = status.st_mode & S_IXUSR == 0 ? FolderListing.Kind.file : .executable
                text += FolderListing.text(kind, relative, try file(path, status).description)
            case S_IFLNK: try link(path, relative, way, &text)
            default: text += FolderListing.text(.other, relative, "")
            }
        }
    }

    private func link(_ path: String, _ relative: String, _ way: Way?, _ text: inout [UInt8]) throws {
        var status = stat()
        var content = FileBytes.link(path)
        let isThere = stat(path, &status) == 0
        let kind = status.st_mode & S_IFMT
        if way != nil, isThere, kind == S_IFREG { content += " " + (try file(path, status).description) }
        text += FolderListing.text(.link, relative, content)
        guard let way, isThere, kind == S_IFDIR, way.mayFollow(path, to: status) else { return }
        try walk(path, relative + "/", way.down(to: status), &text)
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

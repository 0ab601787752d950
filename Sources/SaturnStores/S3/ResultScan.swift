import Glibc
import SaturnCore

/// Goes through the results of a task before they are uploaded: what is there, by its path; nothing is read.
struct ResultScan {
    private(set) var records: [ObjectRecord] = []
    private let limit: Int

    /// - Parameters:
    ///   - folder: `results`, held open, so that no link leads out of it.
    ///   - limit: the most bytes a path may have, from `results/` on.
    init(_ folder: OpenFolder, limit: Int) throws {
        self.limit = limit
        try add(folder, "results/")
    }

    private mutating func add(_ folder: OpenFolder, _ prefix: String) throws {
        for name in try folder.names().sorted(by: {
            $0.map { UInt8(bitPattern: $0) }.lexicographicallyPrecedes($1.map { UInt8(bitPattern: $0) })
        }) {
            guard let text = name.withUnsafeBufferPointer({ $0.baseAddress.flatMap { String(validatingCString: $0) } })
            else { throw Self.problem("\(prefix)\(name.text)", "is no text in UTF-8") }
            let path = prefix + text
            guard path.utf8.count <= limit else { throw Self.problem(path, "is too long: S3 takes 1,024 bytes in all") }
            let status = try folder.status(of: name)
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                let inner = try OpenFolder(name, in: folder)
                let count = records.count
                try add(inner, path + "/")
                if records.count == count { records.append(ObjectRecord(.folder, path)) }
            case S_IFREG:
                guard faccessat(folder.descriptor, name, R_OK, 0) == 0 else {
                    throw Failure(.workspace, "cannot store \(path): it cannot be read")
                }
                let kind = status.st_mode & S_IXUSR == 0 ? FolderListing.Kind.file : .executable
                records.append(ObjectRecord(kind, path, size: Int64(status.st_size)))
            case S_IFLNK: records.append(ObjectRecord(.link, path, target: Self.link(name, in: folder)))
            default: records.append(ObjectRecord(.other, path))
            }
        }
    }

    private static func link(_ name: OpenFolder.Name, in folder: OpenFolder) -> String {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = max(0, readlinkat(folder.descriptor, name, &text, text.count))
        return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func problem(_ path: String, _ what: String) -> Failure {
        Failure(.workspace, "cannot store \(path): its name \(what)")
    }
}

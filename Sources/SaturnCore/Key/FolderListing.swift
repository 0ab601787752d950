/// What a folder that counts by content held: what is hashed for its digest, kept so that a later change can be put down
/// to files.
public struct FolderListing: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case folder = "d"
        case file = "f"
        case executable = "x"
        case link = "l"
        /// A socket, a device.
        case other = "o"
    }

    private struct Entry: Hashable {
        var kind: Kind
        /// A file's digest, a link's target.
        var content: String
    }

    /// By the bytes of the path, relative to the folder: texts that only look alike are two files.
    private var entries: [[UInt8]: Entry] = [:]

    /// The text of one entry. NUL cannot be part of a path: no two folders give one text.
    public static func text(_ kind: Kind, _ path: String, _ content: String) -> [UInt8] {
        Array("\(kind.rawValue)\0\(path)\0\(content)\0".utf8)
    }

    /// `nil` when the bytes are not the texts of entries.
    public init?(decoding bytes: [UInt8]) {
        var parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.popLast()?.isEmpty == true, parts.count % 3 == 0 else { return nil }
        for start in stride(from: 0, to: parts.count, by: 3) {
            guard let kind = Kind(rawValue: String(decoding: parts[start], as: UTF8.self)) else { return nil }
            entries[Array(parts[start + 1])] = Entry(
                kind: kind, content: String(decoding: parts[start + 2], as: UTF8.self))
        }
    }

    /// What is not in `new` as it was in this one, sorted by path. Folders are told of only when no file is.
    public func differences(to new: FolderListing) -> [FileChange] {
        let paths = Set(entries.keys).union(new.entries.keys).filter { entries[$0] != new.entries[$0] }
        let files = paths.filter { path in
            [entries[path], new.entries[path]].contains { $0.map { $0.kind != .folder } ?? false }
        }
        return (files.isEmpty ? paths : files).sorted { $0.lexicographicallyPrecedes($1) }.map { path in
            let kind: FileChange.Kind =
                entries[path] == nil ? .added : new.entries[path] == nil ? .removed : .changed
            return FileChange(String(decoding: path, as: UTF8.self), kind)
        }
    }
}

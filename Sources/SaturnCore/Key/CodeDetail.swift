/// What a tree of code was made of, kept so that a later change can be put down to files: a commit, and the files that
/// differed from it.
public struct CodeDetail: Hashable, Sendable {
    public struct File: Hashable, Sendable {
        /// Relative to the root.
        public var path: String
        /// Git's mode and id of its content, `100644 ce013625…`; `nil` when it was deleted.
        public var content: String?

        public init(_ path: String, _ content: String?) {
            self.path = path
            self.content = content
        }
    }

    /// `nil` before the first commit.
    public var commit: String?
    /// Sorted by path.
    public var uncommitted: [File]
    /// The files that count; empty for all.
    public var pathspecs: [String]

    public init(commit: String?, uncommitted: [File] = [], pathspecs: [String] = []) {
        self.commit = commit
        self.uncommitted = uncommitted
        self.pathspecs = pathspecs
    }

    /// NUL cannot be part of a path: no two have the same bytes.
    public var encoded: [UInt8] {
        var text = Array("\(commit ?? "")\0\(pathspecs.count)\0".utf8)
        for pathspec in pathspecs { text += Array("\(pathspec)\0".utf8) }
        for file in uncommitted { text += Array("\(file.path)\0\(file.content ?? "")\0".utf8) }
        return text
    }

    /// `nil` when the bytes are not what ``encoded`` gives.
    public init?(decoding bytes: [UInt8]) {
        var parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }[...]
        guard parts.popLast() == "", let commit = parts.popFirst(), let count = parts.popFirst().flatMap({ Int($0) }),
            count >= 0, parts.count >= count, (parts.count - count) % 2 == 0
        else { return nil }
        self.commit = commit.isEmpty ? nil : commit
        pathspecs = Array(parts.prefix(count))
        let files = Array(parts.dropFirst(count))
        uncommitted = stride(from: 0, to: files.count, by: 2).map {
            File(files[$0], files[$0 + 1].isEmpty ? nil : files[$0 + 1])
        }
    }
}

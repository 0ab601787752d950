/// A file that is not what it was: `lib/model.py changed (uncommitted)`.
public struct FileChange: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case added, removed, changed
    }

    /// Relative to the repository's root, or to the folder that counts.
    public var path: String
    public var kind: Kind
    /// What it is now is not in the commit that HEAD names.
    public var isUncommitted: Bool

    public init(_ path: String, _ kind: Kind, isUncommitted: Bool = false) {
        self.path = path
        self.kind = kind
        self.isUncommitted = isUncommitted
    }
}

/// What the code was when a task started, recorded with its result.
public struct Provenance: Hashable, Sendable {
    /// HEAD's id, 40 hexadecimal digits; `nil` outside git or before the first commit.
    public var commit: String?
    /// Tracked files differ from HEAD.
    public var dirty: Bool

    public init(commit: String? = nil, dirty: Bool = false) {
        self.commit = commit
        self.dirty = dirty
    }
}

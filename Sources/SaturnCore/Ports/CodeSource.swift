/// Finds the version-controlled code that a task runs from.
public protocol CodeSource: Sendable {
    /// The repository whose work tree holds `folder` (absolute), or `nil` when there is none or it is bare.
    ///
    /// Throws a ``Failure`` of kind `usage` when there is one that git refuses to read: a foreign owner
    /// (the hint is the `safe.directory` command), or damage.
    func repository(containing folder: String) throws -> (any CodeRepository)?
}

/// One repository with a work tree. Not shared between threads: one handle per thread.
public protocol CodeRepository: AnyObject {
    /// The root of the work tree, absolute, links resolved, without a slash at the end.
    var root: String { get }

    /// Whether git covers the file at `path`, relative to the root.
    func tracks(_ path: String) throws -> Bool

    /// The code as it is now. Writes nothing.
    ///
    /// - Parameter excluded: files and folders, relative to the root, that do not count.
    func state(excluding excluded: [String]) throws -> CodeState
}

/// What git says of the code at one moment.
public struct CodeState: Hashable, Sendable {
    /// The id of the tree that committing now would give: HEAD's, with what changed in tracked files.
    public var tree: String
    public var provenance: Provenance

    public init(tree: String, provenance: Provenance) {
        self.tree = tree
        self.provenance = provenance
    }
}

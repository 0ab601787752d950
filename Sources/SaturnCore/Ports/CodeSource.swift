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

    /// Whether git covers the file at `path`, relative to the root; with a slash at the end, a file below it.
    func tracks(_ path: String) throws -> Bool

    /// The code as it is now. Writes nothing.
    func state(of selection: CodeSelection) throws -> CodeState

    /// Of the selected files that are there, by path; of a submodule, of a file that moves with its commit.
    func stamps(in selection: CodeSelection) throws -> [String: FileStamp]

    /// Files that `selection` would count were they tracked, and that git does not ignore, sorted; at most `limit`.
    func untracked(in selection: CodeSelection, limit: Int) throws -> [String]

    /// The files of `selection` that differ between two states of this repository, sorted by path; `nil` when that cannot
    /// be told any more: a commit is gone.
    func differences(from old: CodeDetail, to new: CodeDetail, in selection: CodeSelection) throws -> [FileChange]?

    /// Copies the tracked files of the work tree into `folder`, which must be empty, as they are at this moment.
    /// The state of what was copied is returned: something else than was expected when files changed meanwhile.
    func copy(_ selection: CodeSelection, to folder: String) throws -> CodeState
}

/// Which of a repository's tracked files count.
public struct CodeSelection: Hashable, Sendable {
    /// Files and folders, relative to the root, that never count.
    public var excluded: [String]
    /// Relative to the root; `!` before one takes away what it covers. `nil` is all files.
    public var pathspecs: [String]?

    public init(excluding excluded: [String] = [], pathspecs: [String]? = nil) {
        self.excluded = excluded
        self.pathspecs = pathspecs
    }
}

/// What git says of the code at one moment.
public struct CodeState: Hashable, Sendable {
    /// The id of the tree that committing now would give: HEAD's, with what changed in tracked files; of the files that
    /// were selected.
    public var tree: String
    public var provenance: Provenance
    /// Selected files that are not as in HEAD, sorted by path.
    public var uncommitted: [CodeDetail.File] = []
    /// Indices of the pathspecs that cover no file.
    public var unmatched: [Int] = []

    public init(tree: String, provenance: Provenance) {
        self.tree = tree
        self.provenance = provenance
    }

    public var detail: CodeDetail { CodeDetail(commit: provenance.commit, uncommitted: uncommitted) }
}

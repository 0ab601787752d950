public import SaturnCore

/// Git as the source of a task's code, read through libgit2. No program is started and nothing is written.
///
///     let repository = try GitCodeSource().repository(containing: "/home/me/project/src")
///     let state = try repository?.state(of: CodeSelection(excluding: [".saturn", "run.yaml"]))
///
/// The repository is the one that git finds from the folder upward. The variables `GIT_DIR`, `GIT_WORK_TREE` and
/// `GIT_INDEX_FILE` are ignored, so that a run started by a git hook sees the code and not the commit in the making.
public struct GitCodeSource: CodeSource {
    public init() {}

    public func repository(containing folder: String) throws -> (any CodeRepository)? {
        guard let folder = RepositorySearch.resolved(folder),
            let root = RepositorySearch.workTree(holding: folder)
        else { return nil }
        let repository = try GitRepository(root: root)
        return repository.holds(folder) ? repository : nil
    }
}

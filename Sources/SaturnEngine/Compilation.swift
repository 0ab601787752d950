public import SaturnCore

/// A run's graph, and the means to see whether what it was made from has changed.
public struct Compilation {
    public struct Context: Sendable {
        /// Absolute paths of the run file and the task file.
        public var files: [String]
        /// Absolute path of the run file's folder, from which relative paths count.
        public var folder: String
        public var run: String
        /// Folders that never count as code: results, state.
        public var ownFolders: [String]
        /// The caller's environment.
        public var environment: [String: String]
        /// What the executor adds to every key.
        public var executor: [Manifest.Value]
        /// Of what was read of each of `files`, and of nothing later; without them a run leaves no ``Trace``.
        public var contents: [String: Digest] = [:]

        public init(
            files: [String], folder: String, run: String, ownFolders: [String], environment: [String: String],
            executor: [Manifest.Value]
        ) {
            self.files = files
            self.folder = folder
            self.run = run
            self.ownFolders = ownFolders
            self.environment = environment
            self.executor = executor
        }
    }

    /// The parts from which a run is compiled.
    public struct Parts {
        public var spec: RunSpec
        /// What is known to be wrong already; thrown with everything else that is.
        public var problems: [Diagnostic]
        public var texts: [SourceText]
        public var context: Context
        public var code: any CodeSource
        /// For digests that are remembered; only read.
        public var ledger: any Ledger
        public var store: any ResultStore

        public init(
            spec: RunSpec, problems: [Diagnostic], texts: [SourceText], context: Context,
            code: any CodeSource, ledger: any Ledger, store: any ResultStore
        ) {
            self.spec = spec
            self.problems = problems
            self.texts = texts
            self.context = context
            self.code = code
            self.ledger = ledger
            self.store = store
        }
    }

    public let parts: Parts
    public let graph: Graph
    let digests: ContentDigests
    let sources: Sources
    /// By task: the sources that its key counts, and that may change under it.
    let used: [[Int]]
    /// By task: the source that is the code that counts, and the copy that it runs from.
    let repositories: [Int?]
    let snapshotOf: [Int?]
    let snapshots: [SnapshotSpec]
    let world: World
    /// What the user should know of how keys came about.
    public var notes: [String]
}

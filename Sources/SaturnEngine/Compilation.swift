public import SaturnCore

/// A run's graph, and the means to see whether what it was made from has changed.
public struct Compilation {
    /// The parts from which a run is compiled.
    public struct Parts {
        public var spec: RunSpec
        /// What is known to be wrong already; thrown with everything else that is.
        public var problems: [Diagnostic]
        public var texts: [SourceText]
        public var context: Compiler.Context
        public var code: any CodeSource
        /// For digests that are remembered; only read.
        public var ledger: any Ledger
        public var store: any ResultStore

        public init(
            spec: RunSpec, problems: [Diagnostic], texts: [SourceText], context: Compiler.Context,
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
    /// By task: the sources that its key counts.
    let used: [[Int]]
    /// What the user should know of how keys came about.
    public let notes: [String]
}

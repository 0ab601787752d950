public import SaturnCore

/// What an executor is told of the run that it is made for.
public struct ExecutorContext: Sendable {
    /// `NAME=value`, as saturn itself has it.
    public var environment: [String]
    public var run: String
    /// The run file's, absolute.
    public var folder: String
    /// Where a run that goes by way of a bridge keeps what that needs, absolute.
    public var bridgeFolder: String
    public var fileSyncs: [FileSync]
    /// Results and state, absolute: no code or data of the user's.
    public var ownFolders: [String] = []
    /// The run's place, on this machine as it is now: two runs of one place never are at work at once. Empty is
    /// unknown.
    public var home = ""
    /// What tells this run from all others, once it has the locks: project, name, and where its results are; `nil` when
    /// that is not known.
    public var identity: @Sendable () -> String? = { nil }

    public init(
        environment: [String], run: String, folder: String, bridgeFolder: String, fileSyncs: [FileSync] = []
    ) {
        self.environment = environment
        self.run = run
        self.folder = folder
        self.bridgeFolder = bridgeFolder
        self.fileSyncs = fileSyncs
    }

    /// By which the run is known on an engine.
    func runID() -> AttemptID {
        if let identity = identity() { return AttemptID(digest: Digest(of: identity.utf8)) }
        var generator = SystemRandomNumberGenerator()
        return AttemptID(using: &generator)
    }

    var folderSyncs: [FolderSync] {
        fileSyncs.map { FolderSync(source: absolute($0.source.value), destination: $0.destination.value) }
    }

    /// Of a path that counts from the run file.
    func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }
}

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

    public init(
        environment: [String], run: String, folder: String, bridgeFolder: String, fileSyncs: [FileSync] = []
    ) {
        self.environment = environment
        self.run = run
        self.folder = folder
        self.bridgeFolder = bridgeFolder
        self.fileSyncs = fileSyncs
    }

    /// Of a path that counts from the run file.
    func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }
}

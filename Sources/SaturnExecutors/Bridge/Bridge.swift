import SaturnCore

/// What it takes to reach an engine by way of a bridge.
struct Bridge: Sendable {
    /// The program that runs the script.
    var interpreter: String
    /// The executor's setting that names it.
    var setting: String
    /// What starts it, in front of its path: nothing, mostly.
    var launcher: [String] = []
    /// Of the script's file.
    var suffix: String
    var script: [UInt8]
    /// For the script, as the run file has them.
    var settings: JSONValue
    /// `NAME=value`.
    var environment: [String]
    var run: String
    /// The run's own folder: the script, what the bridge says beside the protocol, spool files. Made when missing.
    var folder: String
    /// Tasks fill their workspaces themselves.
    var isShared: Bool
    /// Folders that every worker gets a copy of.
    var syncs: [Sync]
    /// The run file's folder, for which such a worker has another.
    var base: String
    /// Folders that are no worker's, wherever they are.
    var ownFolders: [String]
    /// The engine, in messages.
    var engine: String
    /// Of runs with the same one and other ids nobody knows any more.
    var home: String
    /// Where the run is from now on.
    var memory: ExecutorMemory
    /// The run's id on the engine: the same again for who has lost the folder.
    var identity: @Sendable () -> AttemptID
    /// What the engine would refuse of a task's.
    var problems: @Sendable (TaskSpec) -> [Diagnostic] = { _ in [] }

    struct Sync: Sendable {
        /// Absolute.
        var source: String
        var destination: String
    }
}

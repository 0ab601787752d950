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
    var run: RemoteRun
    /// Tasks fill their workspaces themselves.
    var isShared: Bool
    /// Folders that every worker gets a copy of.
    var syncs: [FolderSync]
    /// The run file's folder, for which such a worker has another.
    var base: String
    /// Folders that are no worker's, wherever they are.
    var ownFolders: [String]
    /// The engine, in messages.
    var engine: String
    /// What the engine would refuse of a task's.
    var problems: @Sendable (TaskSpec) -> [Diagnostic] = { _ in [] }
}

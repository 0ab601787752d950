import Glibc
import SaturnCore

/// A run that is known on an engine, and where saturn keeps what tells it again.
struct RemoteRun: Sendable {
    var name: String
    /// Its own folder, made when missing.
    var folder: String
    /// Of runs with the same one and other ids nobody knows any more.
    var home: String
    /// Where the run is from now on.
    var memory: ExecutorMemory
    /// Its id on the engine: the same again for who has lost the folder.
    var identity: @Sendable () -> AttemptID

    init(_ spec: ComponentSpec, _ context: ExecutorContext) {
        (name, folder, home) = (context.run, context.bridgeFolder, context.home)
        memory = ExecutorMemory(spec, context)
        identity = context.runID
    }
}

/// The folder of a run that is on an engine: its id there, and what a bridge to it needs: its script and words, spool files.
final class RemoteFolder: Sendable {
    let path: String
    /// Of the run, on the engine; the same until all of it is gone from there.
    let id: AttemptID
    /// Nothing of the run was on the engine.
    let isNew: Bool

    /// Makes it when missing.
    init(_ run: RemoteRun) throws {
        path = run.folder
        let parent = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        for folder in [String(parent), path] {
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw Failure.system("cannot make \(folder)") }
        }
        let known = ExecutorMemory.id(in: path)
        (id, isNew) = (known ?? run.identity(), known == nil)
        // In a copy of a project it is the original's.
        if isNew, access(path + "/id", F_OK) == 0 { unlink(path + "/cluster") }
        try run.memory.write(into: path)
        guard isNew else { return }
        try FileText.write(Array("\(id)\n".utf8), to: path + "/id")
        unlink(path + "/bridge.log")
    }

    /// Returns the path of the script.
    func prepare(_ bridge: Bridge) throws -> String {
        removeSpools()
        let script = "\(path)/bridge\(bridge.suffix)"
        try FileText.write(bridge.script, to: script)
        return script
    }

    /// - Parameter keepsRun: for whoever goes on with it.
    func clear(keepsRun: Bool) {
        removeSpools()
        if keepsRun { return }
        for name in ["bridge.py", "bridge.R", "ray-token", ExecutorMemory.file, "id"] { unlink("\(path)/\(name)") }
    }

    private func removeSpools() {
        for name in FolderNames.of(path) ?? [] where name.hasPrefix("spool-") { unlink("\(path)/\(name)") }
    }
}

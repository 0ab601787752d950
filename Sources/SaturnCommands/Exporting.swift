import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger
import SaturnStores

/// What `collect --to DIR` brings: of a run that the ledger knows, or, where there is no ledger, of a run file.
struct Exporting {
    /// The ledger knows it: it can be waited for.
    let hasRun: Bool
    private let tasks: [String]
    private let bucket: S3Results
    private let folder: String
    private let project: String?
    private let state: String

    init(file: String?, name: String?, to folder: String, location: LocationArguments) throws {
        self.folder = folder
        let store: any ResultStore
        if let (view, state) = try? location.find(file, name) {
            hasRun = true
            tasks = view.tasks.map(\.name)
            store = try BuiltInStore.at(view.record.location, state)
            (project, self.state) = (state.project, state.path)
        } else {
            guard let file else {
                throw Failure(
                    .usage, "no run is known here",
                    hint: "name the run file: saturn collect FILE --to \(ShellText.quoted(folder))")
            }
            hasRun = false
            var arguments = RunFileArguments.nothingGiven
            (arguments.file, arguments.name, arguments.location) = (file, name, location)
            arguments.location.change = nil
            let loaded = try Wiring(file: arguments, needsExecutor: false, ignoresLedger: true).load()
            tasks = loaded.compilation.graph.nodes.map(\.name)
            store = loaded.compilation.parts.store
            (project, self.state) = (loaded.folder.project, loaded.folder.path)
        }
        guard let bucket = store as? S3Results else {
            throw Failure(.usage, "the results are on this machine, in \(store.location)", hint: "leave out --to")
        }
        self.bucket = bucket
    }

    func bring() throws {
        let holder = LockHolder(command: "collect --to", path: folder)
        let export = try bucket.export(tasks, to: folder, holder: holder.owned(by: project, state: state).text)
        let missing = export.missing == 0 ? "" : ", \(export.missing) not in the bucket"
        let fetched = "\(counted(export.fetched, "result")) fetched (\(ByteText.text(export.bytes)))"
        Output.error("\(fetched), \(export.upToDate) up to date\(missing), in \(Printable.text(folder))\n")
    }
}

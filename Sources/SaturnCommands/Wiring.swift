import Glibc
import SaturnCore
import SaturnEngine
import SaturnExecutors
import SaturnGit
import SaturnLedger
import SaturnRunFile
import Synchronization

/// Joins the parts: from the words of a command line to a run that is read and compiled.
struct Wiring {
    let file: RunFileArguments
    /// Makes the executor even where only a plan is wanted.
    let needsExecutor: Bool
    /// Works with what the results folder tells: the ledger is damaged.
    var ignoresLedger = false
    /// Goes to where the run has something already, also when its file names another executor now.
    var followsRun = false

    /// A run file, read and compiled; nothing was written.
    struct Loaded {
        var run: String
        var path: String
        var folder: StateFolder
        var compilation: Compilation
        var executor: (any Executor)?
        /// Where the run may have something too, and its file does not say so any more.
        var elsewhere: Elsewhere?
        var ledger: any Ledger
        /// The ledger was there and is open for writing.
        var isWriting: Bool
    }

    func load() throws -> Loaded {
        let path = try Paths.absolute(file.file)
        let text = try Self.read(path, shown: file.file)
        let tasks = try file.tasks.map { try Self.read(Paths.absolute($0), shown: $0) }
        let folder = Paths.parent(path)
        let contents = Contents()
        let reader = RunFileReader(
            executors: BuiltInExecutor.all.map(\.schema), stores: BuiltInStore.all.map(\.schema)
        ) { name in
            let text = try Self.read(Self.sweepFile(name, folder), shown: name, hint: Self.sweepHint)
            return try contents.add(text, from: Self.sweepFile(name, folder)).bytes
        }
        let result = reader.read(text, tasks: tasks, overrides: file.set)
        let run = try runName(result.spec, path)
        // So many take their time: nobody should wonder whether that is what was meant.
        if result.problems.isEmpty, result.spec.tasks.count >= 100_000 {
            Output.error("\(Printable.text(run)): \(result.spec.tasks.count) tasks; planning them\n")
        }
        let state = try file.location.stateFolder(for: folder)
        let inStore = BuiltInStore.named(result.spec.results).problems(result.spec.results, run)
        let inExecutor = BuiltInExecutor.named(result.spec.executor).problems(result.spec.executor)
        let isSound = result.problems.isEmpty && inStore.isEmpty && inExecutor.isEmpty
        let backends = try makeBackends(result.spec, isSound: isSound, run, folder, state)
        let problems =
            result.problems + inStore + inExecutor + problems(with: result.spec, backends.executor)
        // A ledger that is not there yet is read as an empty one: what is wrong with a file is told without a trace.
        let isWriting = needsExecutor && access(state.ledger, F_OK) == 0
        let ledger = try openLedger(state.ledger, isWriting: isWriting)
        let files =
            try [path] + (file.tasks.map { [$0] } ?? []).map(Paths.absolute)
            + result.sweepFiles.map { try Paths.absolute(Self.sweepFile($0, folder)) }
        if needsExecutor {
            try contents.add(text, from: path)
            if let tasks, let name = file.tasks { try contents.add(tasks, from: name) }
        }
        var context = Compilation.Context(
            files: files, folder: folder, run: run,
            ownFolders: ownFolders(result.spec, backends.store, state, folder),
            environment: Environment.dictionary, executor: backends.executor?.identity ?? [])
        context.contents = contents.digests
        let parts = Compilation.Parts(
            spec: result.spec, problems: problems, texts: result.sources, context: context,
            code: GitCodeSource(), ledger: ledger, store: backends.store)
        var compilation = try Compiler.compile(parts)
        compilation.notes += backends.executor?.notes(on: compilation.graph.nodes) ?? []
        return Loaded(
            run: run, path: path, folder: state, compilation: compilation,
            executor: backends.executor,
            elsewhere: try needsExecutor && !followsRun ? Elsewhere(of: result.spec, run, state) : nil,
            ledger: ledger, isWriting: isWriting)
    }

    private func problems(with spec: RunSpec, _ executor: (any Executor)?) -> [Diagnostic] {
        guard let executor else { return [] }
        let images = spec.tasks.filter { $0.image != nil && !executor.hasImages }.map {
            Diagnostic(
                at: $0.mark,
                "'\($0.name)' has an 'image', and \(BuiltInExecutor.named(spec.executor).schema.name) has none",
                hint: "KubernetesExecutor has")
        }
        return Diagnostic.condensed(images) + executor.problems(with: spec.tasks)
    }

    private func openLedger(_ path: String, isWriting: Bool) throws -> any Ledger {
        if ignoresLedger { return EmptyLedger() }
        return isWriting ? try SQLiteLedger(writing: path) : try SQLiteLedger.looking(at: path)
    }

    /// With a broken executor or store section the rest is still checked, so that all errors come at once.
    private func makeBackends(
        _ spec: RunSpec, isSound: Bool, _ run: String, _ folder: String, _ state: StateFolder
    ) throws -> (store: any ResultStore, executor: (any Executor)?) {
        guard isSound else {
            let store = try BuiltInStore.all[0].make(ComponentSpec(name: ""), run, folder, state)
            return (store, try? makeExecutor(spec, context(spec, run, folder, state, store)))
        }
        let store = try BuiltInStore.named(spec.results).make(spec.results, run, folder, state)
        if file.verify { store.verify() }
        return (store, try makeExecutor(spec, context(spec, run, folder, state, store)))
    }

    private func context(
        _ spec: RunSpec, _ run: String, _ folder: String, _ state: StateFolder, _ store: any ResultStore
    ) -> ExecutorContext {
        var context = ExecutorContext(
            environment: Environment.list, run: run, folder: folder, bridgeFolder: state.bridge(of: run),
            fileSyncs: spec.fileSyncs)
        context.ownFolders = ownFolders(spec, store, state, folder)
        context.home = state.home(of: run)
        context.identity = {
            let project = state.project ?? Ownership.lostProject(of: store, state)
            return project.map { "\($0)\n\(run)\n\(store.location)" }
        }
        return context
    }

    private func makeExecutor(_ spec: RunSpec, _ context: ExecutorContext) throws -> (any Executor)? {
        if followsRun, let elsewhere = try Elsewhere(of: spec, context) { return elsewhere.executor }
        var component = spec.executor
        if let jobs = file.jobs {
            component.settings["jobs"] = Setting(.scalar("\(jobs)"), at: SourceMark(line: 0, column: 0))
        }
        do {
            return try BuiltInExecutor.named(component).make(component, context)
        } catch  where !needsExecutor {
            return nil
        }
    }

    private func runName(_ spec: RunSpec, _ path: String) throws -> String {
        let name = file.name ?? spec.name?.value ?? Paths.stem(path)
        if let problem = TaskName.problem(with: name) {
            throw Failure(.usage, "the run's name '\(name)' \(problem)", hint: "choose another --name")
        }
        return name
    }

    private func ownFolders(
        _ spec: RunSpec, _ store: any ResultStore, _ state: StateFolder, _ folder: String
    ) -> [String] {
        let isDefault = spec.results.settings["directory"] == nil && spec.results.settings["path"] == nil
        // Other runs of the default layout are neighbours: their results are no code either.
        return (store.isRemote ? [] : [store.location]) + [state.path] + (isDefault ? [folder + "/results"] : [])
    }

    private static func sweepFile(_ name: String, _ folder: String) -> String {
        name.hasPrefix("/") ? name : "\(folder)/\(name)"
    }

    private static let sweepHint = "the path is relative to the run file"

    /// - Parameter hint: For a file that is not there.
    private static func read(
        _ path: String, shown: String, hint: String = "name a run file: saturn run FILE"
    ) throws -> SourceText {
        guard let handle = fopen(path, "re") else {
            let code = errno
            throw Failure(
                .usage, "cannot read \(shown): \(String(cString: strerror(code)))", hint: code == ENOENT ? hint : nil)
        }
        defer { fclose(handle) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&buffer, 1, buffer.count, handle), count > 0 {
            bytes += buffer[..<count]
            guard bytes.count <= 1 << 28 else { throw Failure(.usage, "\(shown) is larger than 256 MiB") }
        }
        guard ferror(handle) == 0 else { throw Failure(.usage, "cannot read \(shown): it is not a file") }
        return SourceText(path: shown, bytes: bytes)
    }
}

/// The digests of what was read of files, by absolute path.
private final class Contents: Sendable {
    private let found = Mutex<[String: Digest]>([:])

    var digests: [String: Digest] { found.withLock { $0 } }

    @discardableResult
    func add(_ text: SourceText, from path: String) throws -> SourceText {
        let (path, digest) = (try Paths.absolute(path), Digest(of: text.bytes))
        found.withLock { $0[path] = digest }
        return text
    }
}

import Glibc
import SaturnCore
import SaturnEngine
import SaturnGit
import SaturnLedger
import SaturnRunFile
import SaturnStores
import SaturnTesting

/// Saturn without a process: the real reader, git, planner, loop, store and ledger, and jobs that are computed here.
struct InProcess: ModelPlayer {
    private let folder: String
    private let state: StateFolder
    private let trace: TraceFile
    /// Where nothing had to be planned.
    private let shortcuts: Recording<String>

    init(_ history: ModelHistory, _ shortcuts: Recording<String>) {
        folder = history.folder
        state = StateFolder(path: folder + "/.saturn")
        trace = TraceFile([], in: state)
        self.shortcuts = shortcuts
    }

    /// The tasks, if they are all up to date by what the last run has left.
    private func upToDate(_ ledger: any Ledger, _ store: any ResultStore, _ what: String) -> [String]? {
        guard let trace = trace.read() else { return nil }
        let surroundings = Trace.Surroundings(
            environment: [:], code: GitCodeSource(), ledger: ledger, store: store, project: state.project)
        guard trace.holds(in: surroundings, notes: true) else { return nil }
        shortcuts.append(what)
        return trace.names(limit: .max)
    }

    func plan() async throws -> [String: ModelDecision] {
        let (ledger, store) = (try SQLiteLedger(reading: state.ledger), LocalDir(directory: results))
        if let tasks = upToDate(ledger, store, "plan") {
            let decision = ModelDecision(action: .reuse, reason: .inPlace)
            return Dictionary(uniqueKeysWithValues: tasks.map { ($0, decision) })
        }
        let preparation = try prepare(ledger, store)
        return Dictionary(
            uniqueKeysWithValues: zip(preparation.graph.nodes, preparation.plan.decisions).compactMap {
                node, decision in
                decision.map {
                    (node.name, ModelDecision(action: $0.action, reason: $0.reason))
                }
            })
    }

    private var results: String { "\(folder)/\(ModelHistory.results)" }

    func run() async throws -> [ModelExecution] {
        try state.create()
        let store = LocalDir(directory: results)
        try store.claim(holder: "test")
        let ledger = try SQLiteLedger(writing: state.ledger)
        if upToDate(ledger, store, "run") != nil { return [] }
        let preparation = try prepare(ledger, store)
        let executed = Recording<ModelExecution>()
        let folder = folder
        let executor = ScriptedExecutor(slots: 2) { launch in Self.work(launch, folder, executed) }
        var options = Run.Options(host: "box", file: folder + "/run.yaml")
        options.trace = trace
        let run = Run(
            preparation, executor: executor, state: state, observer: RecordingObserver(), clock: ManualClock(),
            options: options)
        _ = try await run.execute(signals: AsyncStream { _ in })
        return executed.all
    }

    private func prepare(_ ledger: any Ledger, _ store: any ResultStore) throws -> Preparation {
        let executor = ComponentSchema(
            name: "Multiprocessing", classSpecs: ["MultiprocessingExecutor"], settings: ["jobs": .integer(atLeast: 1)])
        let path = folder + "/run.yaml"
        let text = SourceText(path: path, bytes: try FileReader.bytes(of: path))
        let read = RunFileReader(executors: [executor], stores: [LocalDir.schema]).read(text)
        var context = Compilation.Context(
            files: [path], folder: folder, run: "model", ownFolders: [store.location, state.path], environment: [:],
            executor: [])
        context.contents = [path: Digest(of: text.bytes)]
        let compilation = try Compiler.compile(
            Compilation.Parts(
                spec: read.spec, problems: read.problems, texts: read.sources, context: context, code: GitCodeSource(),
                ledger: ledger, store: store))
        return try Preparation(compilation, ledger: ledger, project: state.project, options: .init())
    }

    /// What the job's shell script does, by what there is to see.
    private static func work(
        _ launch: Launch, _ folder: String, _ executed: Recording<ModelExecution>
    ) -> ScriptedExecutor.Step {
        let words = launch.command.text.split(separator: " ").map(String.init)
        guard words.count >= 4, let salt = Int(words[2]), let modulus = Int(words[3]) else { return .exits(127) }
        var job = ModelJob(launch.workspace.task, salt: salt, modulus: modulus)
        job.variable = launch[variable: "V"]
        var needs: [String: String] = [:]
        for line in (launch[variable: "SATURN_NEEDS"].map(FileReader.text) ?? "").split(separator: "\n") {
            let parts = line.split(separator: "\t")
            needs[String(parts[0])] = FileReader.text("\(parts[1])/out")
        }
        let (out, succeeds) = job.work(
            files: words.dropFirst(4).map { FileReader.text("\(folder)/\($0)") }, needs: needs)
        executed.append(ModelExecution(attempt: launch.attempt, task: launch.workspace.task))
        return FileReader.write(out, to: launch.workspace.results + "/out") && succeeds ? .exits(0) : .exits(1)
    }
}

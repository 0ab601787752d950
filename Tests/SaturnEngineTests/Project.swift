import SaturnCore
import SaturnEngine
import SaturnGit
import SaturnTesting
import Testing

/// A project in a temporary folder, with everything that a run needs but the executor.
///
/// ```swift
/// let project = try Project()
/// let executor = ScriptedExecutor()
/// let summary = try await project.run([TaskSpec("a")], with: executor)
/// ```
final class Project: Sendable {
    let space: TestSpace
    let store: MemoryStore
    let code = ManualCode()
    /// The real git instead.
    let git: GitCodeSource?
    let clock = ManualClock()
    let state: StateFolder
    let environment: [String: String]

    init(environment: [String: String] = [:], git: GitCodeSource? = nil) throws {
        self.git = git
        space = try TestSpace()
        store = MemoryStore(location: space.path("results"))
        state = StateFolder(path: space.path(".saturn"))
        self.environment = environment
        try state.create()
    }

    func compile(
        _ tasks: [TaskSpec], ledger: MemoryLedger = MemoryLedger(), run: String = "run",
        executor: [Manifest.Value] = []
    ) throws -> Compilation {
        let spec = RunSpec(
            name: nil, tasks: tasks.numbered, executor: ComponentSpec(name: "Scripted"),
            results: ComponentSpec(name: "Memory"))
        var context = Compilation.Context(
            files: [space.path("run.yaml")], folder: space.folder, run: run,
            ownFolders: [store.location, state.path], environment: environment, executor: executor)
        context.contents = [space.path("run.yaml"): Digest(of: [])]
        return try Compiler.compile(
            Compilation.Parts(
                spec: spec, problems: [], texts: [], context: context, code: git ?? code, ledger: ledger,
                store: store))
    }

    /// What is wrong with the tasks.
    func problems(_ tasks: [TaskSpec]) -> [Diagnostic] {
        do {
            _ = try compile(tasks)
            return []
        } catch let error as Diagnostics {
            return error.items
        } catch {
            Issue.record("\(error)")
            return []
        }
    }

    func prepare(
        _ tasks: [TaskSpec], ledger: MemoryLedger, run: String = "run", only selected: Set<Int>? = nil,
        force: Bool = false
    ) throws -> Preparation {
        try Preparation(
            compile(tasks, ledger: ledger, run: run), ledger: ledger, project: state.project,
            options: Planner.Options(selected: selected, force: force))
    }

    /// What the next run would do, and why.
    func plan(_ tasks: [TaskSpec], ledger: MemoryLedger) throws -> [Decision?] {
        try prepare(tasks, ledger: ledger).plan.decisions
    }

    func run(
        _ tasks: [TaskSpec], with executor: ScriptedExecutor, ledger: MemoryLedger = MemoryLedger(),
        name: String = "run", only selected: Set<Int>? = nil, force: Bool = false,
        observer: RecordingObserver = RecordingObserver(), signals: AsyncStream<Int32> = AsyncStream { _ in },
        maxFailures: Int? = nil, trace: TraceFile? = nil
    ) async throws -> Run.Summary {
        let preparation = try prepare(tasks, ledger: ledger, run: name, only: selected, force: force)
        var options = Run.Options(maxFailures: maxFailures, grace: 5, host: "box", file: space.path("run.yaml"))
        options.trace = trace
        let run = Run(
            preparation, executor: executor, state: state, observer: observer, clock: clock, options: options)
        return try await run.execute(signals: signals)
    }
}

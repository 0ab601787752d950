import SaturnCore
import SaturnEngine
import SaturnExecutors

/// An executor that a run has something on, and that is not the one of its run file any more.
struct Elsewhere {
    let executor: any Executor
    /// `Dask (tcp://127.0.0.1:8786)`
    private let words: String
    private let change: String
    private let folder: String

    /// `nil` when there is none.
    init?(of spec: RunSpec, _ context: ExecutorContext) throws {
        guard let memory = ExecutorMemory(of: context.bridgeFolder),
            !spec.executor.isSame(as: memory.spec, in: BuiltInExecutor.named(memory.spec).place)
        else { return nil }
        let isSame = spec.executor.name == memory.spec.name
        let change = isSame ? "'s executor has other settings now" : " names another executor now"
        try self.init(memory, context, "the run file\(change)")
    }

    init?(of spec: RunSpec, _ run: String, _ state: StateFolder) throws {
        let context = ExecutorContext(
            environment: Environment.list, run: run, folder: state.path, bridgeFolder: state.bridge(of: run))
        try self.init(of: spec, context)
    }

    /// Whatever the run file says, and also when it is no more.
    init?(_ run: String, _ state: StateFolder) throws {
        let bridge = state.bridge(of: run)
        guard let memory = ExecutorMemory(of: bridge) else { return nil }
        let context = ExecutorContext(
            environment: Environment.list, run: run, folder: memory.folder, bridgeFolder: bridge)
        try self.init(memory, context, "there is no run file that names it")
    }

    private init(_ memory: ExecutorMemory, _ context: ExecutorContext, _ change: String) throws {
        self.change = change
        var context = context
        context.folder = memory.folder
        executor = try BuiltInExecutor.named(memory.spec).make(memory.spec, context)
        let address = memory.spec.settings["scheduler_address"]?.text
        words = memory.spec.name + (address.map { " (\($0))" } ?? "")
        folder = context.bridgeFolder
    }

    /// Says why what runs there is ended, or that it cannot be.
    ///
    /// - Parameter body: ends it.
    func explaining(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let failure as Failure where failure.kind == .engine {
            throw Failure(
                .engine,
                "tasks of this run may be on \(words), which the run file does not name any more: \(failure.message)",
                hint: "if that is gone for good, remove \(folder)")
        }
        let text = "what ran on \(words) is ended: \(change)"
        Output.error(DiagnosticText(style: .error).warning(text))
    }
}

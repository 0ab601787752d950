import Glibc
import SaturnCore
import SaturnTesting

/// An executor that runs, with a folder for the workspaces of its tasks, and all that it has told.
///
/// ```swift
/// let bench = try Bench(.multiprocessing)
/// #expect(try await bench.run("a", .shell("echo hi; exit 3")) == .code(3))
/// #expect(try bench.log("a") == "hi\n")
/// ```
final class Bench {
    let space: TestSpace
    let executor: any Executor
    let events = Recording<ExecutorEvent>()
    /// The same as they were told together; each is here before the first of its events is in ``events``.
    let batches = Recording<[ExecutorEvent]>()

    private let board: Switchboard?

    init(_ candidate: Candidate, _ wish: Candidate.Wish = Candidate.Wish()) throws {
        space = try TestSpace()
        board = wish == Candidate.Wish() ? try Switchboard.shared(by: candidate) : nil
        if let board {
            executor = board.executor
        } else {
            executor = try candidate.make(wish, space)
            try executor.start(listener)
        }
    }

    deinit {
        // What a failed test has left running.
        if board == nil { Task.detached { [executor] in await executor.stop() } }
    }

    private var listener: Switchboard.Listener {
        { [events, batches] batch in
            batches.append(batch)
            for event in batch { events.append(event) }
        }
    }

    // MARK: Tasks

    func workspace(_ task: String) -> Workspace { Workspace(task: task, folder: space.path("work/\(task)")) }

    /// A launch as the engine makes it, with an empty workspace.
    func prepare(
        _ task: String, _ command: Command, env: [Variable] = [], secrets: [Variable] = [], workdir: String? = nil
    ) -> Launch {
        var generator = SystemRandomNumberGenerator()
        let attempt = AttemptID(using: &generator)
        board?.connect(attempt, test: ObjectIdentifier(self).hashValue, listener)
        let workspace = workspace(task)
        space.makeFolder(workspace.results)
        let own = [
            Variable("SATURN_RESULTS_DIR", workspace.results), Variable("SATURN_ATTEMPT_ID", attempt.description),
        ]
        return Launch(
            attempt: attempt, command: command, workdir: workdir ?? space.folder, environment: env + own,
            secrets: secrets, workspace: workspace)
    }

    @discardableResult
    func launch(
        _ task: String, _ command: Command, env: [Variable] = [], secrets: [Variable] = [], workdir: String? = nil
    ) -> AttemptID {
        let launch = prepare(task, command, env: env, secrets: secrets, workdir: workdir)
        executor.launch([launch])
        return launch.attempt
    }

    /// Launches it and waits for its end.
    func run(
        _ task: String, _ command: Command, env: [Variable] = [], secrets: [Variable] = [], workdir: String? = nil
    ) async throws -> Exit {
        try await exit(of: launch(task, command, env: env, secrets: secrets, workdir: workdir))
    }

    func exit(of attempt: AttemptID) async throws -> Exit {
        let event = try await events.first { $0.ended == attempt }
        guard case .exited(_, let exit, _) = event else { throw CancellationError() }
        return exit
    }

    func start(of attempt: AttemptID) async throws {
        try await events.first { $0.began == attempt }
    }

    /// Attempts in the order in which they started.
    var started: [AttemptID] { events.all.compactMap(\.began) }
    var ended: [AttemptID] { events.all.compactMap(\.ended) }

    func log(_ task: String) throws -> String { try space.read(workspace(task).log) }
}

extension ExecutorEvent {
    var began: AttemptID? { if case .started(let attempt, _, _, _) = self { attempt } else { nil } }
    var ended: AttemptID? { if case .exited(let attempt, _, _) = self { attempt } else { nil } }
}

extension Command {
    /// A text for the default shell.
    static func shell(_ text: String) -> Command { .shell(text, shell: Command.defaultShell) }
}

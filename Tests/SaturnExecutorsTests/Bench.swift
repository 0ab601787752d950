import Glibc
import SaturnCore
import SaturnTesting

/// An executor that runs, with a folder for the workspaces of its tasks, and all that it has told.
///
/// ```swift
/// let bench = try await Bench(.multiprocessing)
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

    init(_ candidate: Candidate, _ wish: Candidate.Wish = Candidate.Wish()) async throws {
        space = try TestSpace()
        board = wish == Candidate.Wish() ? try await Switchboard.shared(by: candidate) : nil
        if let board {
            executor = board.executor
        } else {
            let (space, batches, events) = (space, batches, events)
            let start: @Sendable () throws -> any Executor = {
                let executor = try candidate.make(wish, space)
                try executor.start(Self.listener(events, batches))
                return executor
            }
            executor = candidate.home == nil ? try start() : try await Blocking.run(start)
        }
    }

    static func several(_ count: Int) async throws -> [Bench] {
        var benches: [Bench] = []
        for _ in 0..<count { benches.append(try await Bench(.multiprocessing)) }
        return benches
    }

    deinit {
        // What a failed test has left running.
        if board == nil { Task.detached { [executor] in await executor.stop() } }
    }

    private static func listener(
        _ events: Recording<ExecutorEvent>, _ batches: Recording<[ExecutorEvent]>
    ) -> Switchboard.Listener {
        { batch in
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
        board?.connect(attempt, test: ObjectIdentifier(self).hashValue, Self.listener(events, batches))
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
        let event = try await events.first { $0.ended == attempt || $0.failure != nil }
        guard case .exited(_, let exit, _) = event else { throw event.failure ?? Failure(.fault, "it has not ended") }
        // As the engine does: what is kept of it takes its place.
        executor.release(attempt)
        return exit
    }

    func start(of attempt: AttemptID) async throws {
        let event = try await events.first { $0.began == attempt || $0.failure != nil }
        if let failure = event.failure { throw failure }
    }

    /// Attempts in the order in which they started.
    var started: [AttemptID] { events.all.compactMap(\.began) }
    var ended: [AttemptID] { events.all.compactMap(\.ended) }

    /// Of this machine, which all engines are on: all that have it in their environment.
    func processes(of attempt: AttemptID) -> [String] {
        (try? space.list("/proc").filter { name in
            guard Int(name) != nil, let words = try? space.read("/proc/\(name)/environ") else { return false }
            return words.split(separator: "\0").contains("SATURN_ATTEMPT_ID=\(attempt)")
        }) ?? []
    }

    func log(_ task: String) throws -> String { try space.read(workspace(task).log) }
}

extension ExecutorEvent {
    var began: AttemptID? { if case .started(let attempt, _, _, _) = self { attempt } else { nil } }
    var failure: Failure? { if case .fatal(let failure) = self { failure } else { nil } }
    var ended: AttemptID? { if case .exited(let attempt, _, _) = self { attempt } else { nil } }
}

extension Command {
    /// A text for the default shell.
    static func shell(_ text: String) -> Command { .shell(text, shell: Command.defaultShell) }
}

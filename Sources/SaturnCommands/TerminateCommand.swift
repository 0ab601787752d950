import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine
import SaturnExecutors
import SaturnLedger

struct TerminateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "terminate", abstract: "Stop a run's tasks, and see that they are gone.")

    @Argument(help: "The run file, when not called from its project.")
    var file: String?

    @Option(help: "The run; without it the newest.")
    var name: String?

    @Flag(help: "Let running tasks finish; start none.")
    var drain = false

    @Flag(help: "Shut down the cluster too, also one that is not the run's own.")
    var cluster = false

    @OptionGroup var location: LocationArguments

    func run() async throws {
        var view: RunView
        let state: StateFolder
        do { (view, state) = try location.find(file, name) } catch let failure as Failure {
            if try await stopWithoutLedger() { return }
            guard let file, try await endWithoutState(file) else { throw failure }
            return
        }
        if let name, let other = try liveMatch(name, state) { view = other }
        Output.out(try await end(view.record.name, state))
    }

    /// Returns what there is to say.
    private func end(_ run: String, _ state: StateFolder) async throws -> String {
        var hasStopped = false
        while true {
            // Whatever its record says: it may just have begun. One that Ctrl-C has ended hands over to a `collect`.
            while let holder = try await holder(of: run, state), !hasStopped || holder.isSuccessor {
                try await stop(holder, run, state)
                hasStopped = true
            }
            let view = try RunView.reading(run, state)
            do {
                // It was killed, or could not end all.
                if !hasStopped || isOnEngine(run, state) { return try await endInterrupted(view, state) }
                if view.record.exitCode == nil { _ = try await endInterrupted(view, state) }
                return try text(of: run, state)
            } catch let failure as Failure where failure.kind == .inUse {
                guard let holder = try await holder(of: run, state), holder.isSuccessor else { throw failure }
                hasStopped = true
            }
        }
    }

    /// Who has just taken the lock has yet to write down who that is.
    private func holder(of run: String, _ state: StateFolder) async throws -> LockHolder? {
        for _ in 0..<100 {
            guard let holder = state.holder(of: run), holder.process == nil else { break }
            try await Task.sleep(nanoseconds: 20_000_000)
        }
        return state.holder(of: run)
    }

    /// - Parameter kept: how many tasks had ended on an engine.
    private func text(of run: String, _ state: StateFolder, kept: Int = 0) throws -> String {
        let view = try RunView.reading(run, state)
        let workplace = try BuiltInStore.at(view.record.location, state).workplace
        let left = try Survivors.end(of: view.tasks.map(\.name), in: workplace)
        return TerminateText(view, left, kept: kept, drained: drain).render()
    }

    private func isOnEngine(_ run: String, _ state: StateFolder) -> Bool {
        cluster || ExecutorMemory.isThere(state.bridge(of: run))
    }

    /// What the ledger should know, and was damaged or lost: the lock says who is at work. `false` when nobody is.
    private func stopWithoutLedger() async throws -> Bool {
        let state =
            try file.map { try location.stateFolder(for: Paths.parent(Paths.absolute($0))) }
            ?? location.existingState()
        let active = try state.activeRuns()
        guard let run = name ?? (active.count == 1 ? active.first : nil), let holder = state.holder(of: run) else {
            return false
        }
        try await stop(holder, run, state)
        Output.out("\(Printable.text(run)): \(drain ? "drained" : "stopped")\n")
        return true
    }

    /// The project's state is lost, and what its run has on an engine is not: the results tell whose it is, and the engine where it is from.
    private func endWithoutState(_ file: String) async throws -> Bool {
        var arguments = try RunArguments.parse([file] + (name.map { ["--name=\($0)"] } ?? []))
        arguments.file.location = location
        arguments.file.location.change = nil
        let loaded = try Wiring(file: arguments.file, needsExecutor: true, ignoresLedger: true).load()
        guard let executor = loaded.executor, executor.outlivesSaturn else { return false }
        let kept = try await Execution(arguments).ending(signal, cluster: cluster)
        Output.out(try text(of: loaded.run, loaded.folder, kept: kept))
        return true
    }

    private var signal: Int32 { drain ? SIGUSR1 : SIGTERM }

    /// Of the runs whose file has that name, the one that is going on.
    private func liveMatch(_ name: String, _ state: StateFolder) throws -> RunView? {
        let ledger = try SQLiteLedger(reading: state.ledger)
        let runs = try ledger.runs()
        guard !runs.contains(where: { $0.name == name }) else { return nil }
        let live = try runs.filter { $0.specName == name }.map { try RunView($0, ledger: ledger, folder: state) }
            .filter { $0.holder != nil }
        guard live.count <= 1 else {
            let names = live.map(\.record.name).sorted().joined(separator: ", ")
            throw Failure(.usage, "\(live.count) runs of '\(name)' are going on: \(names)", hint: "name one of them")
        }
        return live.first
    }

    /// Asks, then urges, then kills; returns when the run's lock is free. Another `terminate` is waited for.
    private func stop(_ holder: LockHolder, _ run: String, _ state: StateFolder) async throws {
        guard holder.host == Machine.host else {
            throw Failure(.inUse, "run '\(run)' is run by \(holder.words)", hint: "stop it there")
        }
        guard let process = holder.process else {
            throw Failure(.engine, "the lock of run '\(run)' does not say which process has it", hint: holder.words)
        }
        // It does the same.
        let signal = holder.command == "terminate" ? 0 : signal
        guard try process.signal(signal) else {
            // It holds the lock and is not to be seen: another container, perhaps.
            guard state.holder(of: run) == holder else { return }
            throw Failure(
                .inUse, "run '\(run)' is run by \(holder.words), which cannot be reached", hint: "stop it there")
        }
        // Stopped by Ctrl-Z it would not hear of it.
        _ = try process.signal(SIGCONT)
        if drain, signal != 0 { Output.error("\(Printable.text(run)): waiting for what runs\n") }
        var waited = 0
        while state.holder(of: run) == holder {
            try await Task.sleep(nanoseconds: 50_000_000)
            waited += 1
            if drain || signal == 0 { continue }
            if waited == 200 { Output.error("\(Printable.text(run)): still waiting for tasks to end\n") }
            // It has 5 s of grace for its tasks, and then some for what it has to write down.
            if waited == 300 { _ = try process.signal(SIGTERM) }
            if waited == 600 { _ = try process.signal(SIGKILL) }
        }
    }

    /// A saturn that was killed cannot end its tasks any more. Returns what there is to say.
    private func endInterrupted(_ view: RunView, _ state: StateFolder) async throws -> String {
        let name = Printable.text(view.record.name)
        let isOnEngine = isOnEngine(view.record.name, state)
        guard view.record.exitCode == nil || isOnEngine else { return "\(name): nothing is running\n" }
        if isOnEngine, let execution = try execution(of: view, state) {
            _ = try Ownership.store(at: view.record.location, for: state)
            let kept = try await execution.ending(signal, cluster: cluster)
            return try text(of: view.record.name, state, kept: kept)
        }
        let holder = LockHolder(command: "terminate", path: view.record.file)
        let lock = try state.lock(run: view.record.name, holder: holder)
        defer { withExtendedLifetime(lock) {} }
        let store = try Ownership.store(at: view.record.location, for: state)
        // Another run that works in the same folder has tasks of the same names.
        try store.claim(holder: holder.owned(by: state.project, state: state.path).text)
        defer { try? store.finish() }
        let elsewhere = isOnEngine ? try Elsewhere(view.record.name, state) : nil
        if let elsewhere { try await Stopping.stop(elsewhere.executor, cluster: cluster) }
        let attempts = view.attempts.values.filter { $0.state == .unfinished }.map(\.id)
        let ended = try Survivors.end(of: view.tasks.map(\.name), attempts: attempts, in: store.workplace)
        let ledger = try SQLiteLedger(writing: state.ledger)
        let interrupted = try Interrupted(view, view.unfinished, store: store, ledger: ledger)
        if view.record.exitCode == nil, let interrupted {
            try ledger.commit(interrupted.stopped(at: SystemClock().now()))
        }
        let words =
            elsewhere == nil ? nil : "what ran on the cluster is ended; without its run file nothing is kept of it"
        return "\(name): \(words ?? Survivors.words(ended) ?? "nothing is running")\n"
    }

    /// What goes on with the run; `nil` when there is no good run file any more, or it has nothing on an engine.
    private func execution(of view: RunView, _ state: StateFolder) throws -> Execution? {
        do {
            var arguments = try RunArguments.parse(view.record.arguments)
            arguments.file.location.state = state.path
            let loaded = try Wiring(file: arguments.file, needsExecutor: true, followsRun: true).load()
            return loaded.executor?.outlivesSaturn ?? false ? Execution(arguments) : nil
        } catch {
            guard try Elsewhere(view.record.name, state) != nil else { throw error }
            return nil
        }
    }
}

extension LockHolder {
    /// It goes on with what another one has begun, or ends that.
    fileprivate var isSuccessor: Bool { command == "collect" || command == "terminate" }
}

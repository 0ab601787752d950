import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger

/// Plans and executes a run file, under the locks: what `run` does, and `collect` with what an interrupted run has left.
struct Execution {
    let arguments: RunArguments
    /// Only what a run that died has left is executed, if it has left anything.
    var finishes = false
    /// Called once everything is under way: from here on the run can be followed and stopped by its name.
    var onBegin: (Wiring.Loaded) throws -> Void = { _ in }

    /// What it has to say goes to the supervisor's log.
    var isSupervised = false

    private var file: RunFileArguments { arguments.file }

    init(_ arguments: RunArguments) {
        self.arguments = arguments
    }

    /// Throws the run's exit code when it is not 0.
    func execute() async throws {
        do { try await executeOnce() } catch let failure as Failure where failure.kind == .ledger {
            try setLedgerAside(failure)
            try await executeOnce()
        }
    }

    /// The next one is filled from the results folders.
    private func setLedgerAside(_ failure: Failure) throws {
        let state = try file.location.stateFolder(for: Paths.parent(Paths.absolute(file.file)))
        // Whoever writes into it now would spoil the next one.
        let others = try state.activeRuns()
        guard others.isEmpty else {
            throw Failure(
                .engine, failure.message, hint: "run again when \(others.joined(separator: ", ")) has ended")
        }
        let name = try SQLiteLedger.setAside(state.ledger)
        Output.error(
            DiagnosticText(style: .error).warning(
                "\(failure.message); it is now \(name), and what is in the results folder is found again"))
    }

    private func executeOnce() async throws {
        while true {
            let loaded = try Wiring(file: file, needsExecutor: true).load()
            guard let executor = loaded.executor else { throw Failure(.fault, "there is no executor") }
            try loaded.folder.create()
            let holder = LockHolder(command: finishes ? "collect" : "run", path: loaded.path)
            do {
                let lock = try lock(loaded, holder)
                defer { withExtendedLifetime(lock) {} }
                return try await execute(loaded, executor)
            } catch let taken as Taken {
                guard arguments.wait else { throw taken.failure }
                Output.error("\(Printable.text(taken.failure.message)); waiting\n")
                try await wait(for: loaded, holder)
            }
        }
    }

    /// Somebody else has a lock.
    private struct Taken: Error {
        var failure: Failure
    }

    private func lock(_ loaded: Wiring.Loaded, _ holder: LockHolder) throws -> RunLock {
        do {
            let lock = try loaded.folder.lock(run: loaded.run, holder: holder)
            try claim(loaded, holder)
            return lock
        } catch let failure as Failure where failure.kind == .inUse {
            throw Taken(failure: failure)
        }
    }

    /// Until both locks can be had. They are let go of again: what was waited for has changed what was read before.
    private func wait(for loaded: Wiring.Loaded, _ holder: LockHolder) async throws {
        while true {
            do {
                _ = try lock(loaded, holder)
                return
            } catch is Taken {
                try await Task.sleep(nanoseconds: 100_000_000)
            }
        }
    }

    /// Takes the lock of the results folder; a project that has lost its state folder gets its id back from there.
    private func claim(_ loaded: Wiring.Loaded, _ holder: LockHolder) throws {
        let store = loaded.compilation.parts.store
        let last = try store.lastHolder.map { LockHolder(parsing: $0) }
        try store.claim(holder: holder.owned(by: loaded.folder.project, state: loaded.folder.path).text)
        if !loaded.isWriting, let last { try loaded.folder.reclaim(from: last) }
    }

    private func execute(_ loaded: Wiring.Loaded, _ executor: any Executor) async throws {
        if !isSupervised { unlink(loaded.folder.supervisorLog(of: loaded.run)) }
        let ledger = loaded.isWriting ? loaded.ledger : try SQLiteLedger(writing: loaded.folder.ledger)
        // Under the lock: another one may just have finished it.
        let interrupted =
            finishes ? try RunView(RunView.find(loaded.run, in: ledger), ledger: ledger, folder: nil) : nil
        if let interrupted, interrupted.unfinished.isEmpty { return try CollectText.tell(interrupted, json: file.json) }
        if let other = try ledger.runs().first(where: { $0.name == loaded.run }), other.file != loaded.path {
            let text = "'\(loaded.run)' was the name of \(other.file): its record is replaced; --name gives another"
            Output.error(DiagnosticText(style: .error).warning(text))
        }
        let (run, progress) = try begin(loaded, executor, ledger, interrupted)
        try onBegin(loaded)
        let summary = try await run.execute(signals: StopSignals.stream())
        progress.finish()
        let view = try RunView(RunView.find(loaded.run, in: ledger), ledger: ledger, folder: loaded.folder)
        Output.out(
            file.json ? try RunDocument(view).document() : SummaryText(view).render(duration: summary.duration))
        if !file.json, summary.hasSuperseded, let use = AtticSize.measure(loaded.compilation.parts.store) {
            Output.error(AtticText.line(use))
        }
        try Self.exit(summary)
    }

    /// Plans until all that is to be restored could be.
    private func begin(
        _ loaded: Wiring.Loaded, _ executor: any Executor, _ ledger: any Ledger, _ interrupted: RunView?
    ) throws -> (Run, Progress) {
        for _ in 0..<10 {
            let attic = try loaded.compilation.parts.store.lockAttic()
            let preparation = try Preparation(
                loaded.compilation, ledger: ledger, project: loaded.folder.project,
                options: Planner.Options(
                    selected: try selection(loaded.compilation.graph, interrupted), force: file.force,
                    spared: try spared(loaded, interrupted, ledger)))
            let progress = Progress(preparation.graph, plan: preparation.plan)
            let run = Run(
                preparation, executor: executor, state: loaded.folder, observer: progress, clock: SystemClock(),
                options: try options(loaded, interrupted), attic: attic)
            guard try run.begin() else { continue }
            Output.error(PlanText(preparation).summary())
            for note in preparation.plan.notes where preparation.plan.count(.run) > 0 {
                Output.error("note: \(Printable.text(note))\n")
            }
            return (run, progress)
        }
        throw Failure(.engine, "results that are to be restored disappear all the time", hint: "is another gc at work?")
    }

    private func options(_ loaded: Wiring.Loaded, _ interrupted: RunView?) throws -> Run.Options {
        var options = Run.Options(maxFailures: arguments.failureLimit, host: Machine.host, file: loaded.path)
        options.arguments = try arguments.repeated(run: loaded.run)
        if let interrupted {
            options.earlier = Dictionary(
                interrupted.tasks.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
            options.started = interrupted.record.started
        }
        return options
    }

    private func selection(_ graph: Graph, _ interrupted: RunView?) throws -> Set<Int>? {
        guard let interrupted else { return try file.selection(graph) }
        return Set(interrupted.unfinished.compactMap { graph.indices[$0] })
    }

    /// What the run that died had finished before the ledger could hear of it: it has been forced already.
    private func spared(
        _ loaded: Wiring.Loaded, _ interrupted: RunView?, _ ledger: any Ledger
    ) throws -> Set<Int> {
        guard let interrupted, file.force else { return [] }
        let store = loaded.compilation.parts.store
        return Set(
            try interrupted.unfinished.filter { name in
                guard let attempt = try store.events(of: .standing(task: name))?.attempt else { return false }
                return try ledger.attempts([attempt]).isEmpty
            }.compactMap { loaded.compilation.graph.indices[$0] })
    }

    private static func exit(_ summary: Run.Summary) throws {
        if let signal = summary.stoppedBy { throw ExitCode(128 + signal) }
        guard summary.states.allSatisfy({ $0.hasResult || $0 == .excluded }) else { throw ExitCode(1) }
    }
}

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
    /// Nothing is to be executed any more, see ``ending(_:cluster:)``.
    var isEnding = false
    /// Called once everything is under way: from here on the run can be followed and stopped by its name.
    var onBegin: (Wiring.Loaded) throws -> Void = { _ in }

    /// What it has to say goes to the supervisor's log.
    var isSupervised = false

    private var file: RunFileArguments { arguments.file }
    /// What others are told of who has the locks.
    private var command: String { isEnding ? "terminate" : finishes ? "collect" : "run" }

    init(_ arguments: RunArguments) {
        self.arguments = arguments
    }

    /// Throws the run's exit code when it is not 0.
    func execute() async throws {
        do {
            try await locked { try await execute($0, $1) }
        } catch let left as Left {
            // Whoever presses Ctrl-C again does mean the tasks.
            if !isSupervised {
                try await Detachment(json: file.json, words: left.words, interrupt: SIGTERM).start()
            }
            throw ExitCode(128 + left.signal)
        }
    }

    /// It was told to go, and its tasks are not: the supervisor, that goes on with them, can have the locks.
    private struct Left: Error {
        var signal: Int32
        /// Of the supervisor.
        var words: [String]
    }

    /// The next one is filled from the results folders.
    private func setLedgerAside(_ failure: Failure) throws {
        let state = try file.location.stateFolder(for: Paths.parent(Paths.absolute(file.file)))
        // Whoever writes into it now would spoil the next one.
        let others = try state.activeRuns()
        guard others.isEmpty else {
            throw Failure(
                .engine, failure.message, hint: "run again when nobody is at work on \(others.joined(separator: ", "))")
        }
        let name = try SQLiteLedger.setAside(state.ledger)
        Output.error(
            DiagnosticText(style: .error).warning(
                "\(failure.message); it is now \(name), and what is in the results folder is found again"))
    }

    /// Does it with the run file as it is once both locks can be had; again when the ledger turns out to be damaged.
    func locked<Value>(_ body: (Wiring.Loaded, any Executor) async throws -> Value) async throws -> Value {
        do { return try await lockedOnce(body) } catch let failure as Failure where failure.kind == .ledger {
            try setLedgerAside(failure)
            return try await lockedOnce(body)
        }
    }

    private func lockedOnce<Value>(_ body: (Wiring.Loaded, any Executor) async throws -> Value) async throws -> Value {
        var isNew = false
        while true {
            let loaded = try Wiring(file: file, needsExecutor: true, followsRun: finishes).load()
            try file.checkClean(loaded.compilation)
            guard let executor = loaded.executor else { throw Failure(.fault, "there is no executor") }
            isNew = try loaded.folder.create() || isNew
            let holder = LockHolder(command: command, path: loaded.path)
            do {
                if let elsewhere = loaded.elsewhere {
                    try await elsewhere.explaining { _ = try await ending() }
                    continue
                }
                let lock = try lock(loaded, holder, isNew: isNew)
                defer {
                    try? loaded.compilation.parts.store.finish()
                    withExtendedLifetime(lock) {}
                }
                return try await body(loaded, executor)
            } catch let taken as Taken {
                if isSupervised, finishes, loaded.folder.holder(of: loaded.run)?.command == "terminate" {
                    Output.error("\(Printable.text(loaded.run)): saturn terminate stops it\n")
                    throw ExitCode(128 + SIGTERM)
                }
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

    /// - Parameter isNew: the project has got its id a moment ago.
    private func lock(_ loaded: Wiring.Loaded, _ holder: LockHolder, isNew: Bool) throws -> RunLock {
        do {
            let lock = try loaded.folder.lock(run: loaded.run, holder: holder)
            try Ownership.claim(loaded, holder, isNew: isNew)
            return lock
        } catch let failure as Failure where failure.kind == .inUse {
            throw Taken(failure: failure)
        }
    }

    /// Until both locks can be had. They are let go of again: what was waited for has changed what was read before.
    private func wait(for loaded: Wiring.Loaded, _ holder: LockHolder) async throws {
        while true {
            do {
                _ = try lock(loaded, holder, isNew: false)
                return
            } catch is Taken {
                // Each look at a bucket is a request that somebody pays for.
                let pause: UInt64 = loaded.compilation.parts.store.isRemote ? 5_000_000_000 : 100_000_000
                try await Task.sleep(nanoseconds: pause)
            }
        }
    }

    private func execute(_ loaded: Wiring.Loaded, _ executor: any Executor) async throws {
        let ledger = try ledger(of: loaded)
        // Under the lock: another one may just have finished it.
        let left = finishes ? try RunView(RunView.find(loaded.run, in: ledger), ledger: ledger, folder: nil) : nil
        let interrupted = try left.flatMap {
            try Interrupted($0, $0.unfinished, store: loaded.compilation.parts.store, ledger: ledger)
        }
        if let left, interrupted == nil {
            try await cleanUp(executor)
            return try CollectText.tell(left, json: file.json)
        }
        if let interrupted { Output.error(CollectText.interrupted(interrupted, loaded.folder)) }
        if !isSupervised { unlink(loaded.folder.supervisorLog(of: loaded.run)) }
        let other = try ledger.runs().first { $0.name == loaded.run && isAnother($0, than: loaded) }
        let (run, preparation, progress) = try begin(
            loaded, executor, ledger, interrupted, options: options(loaded, interrupted)
        ) { Progress($0.graph, plan: $0.plan) }
        tell(preparation, loaded)
        if let other {
            let text = "'\(loaded.run)' was the name of \(other.file): its record is replaced; --name gives another"
            Output.error(DiagnosticText(style: .error).warning(text))
        }
        try onBegin(loaded)
        let summary = try await run.execute(signals: StopSignals.stream())
        progress.finish()
        if summary.isHandedOver { throw try leaving(loaded, signal: summary.stoppedBy ?? SIGINT) }
        let view = try RunView(
            RunView.find(loaded.run, in: ledger), summary.tasks, ledger: ledger, folder: loaded.folder)
        Output.out(
            file.json ? try RunDocument(view).document() : SummaryText(view).render(duration: summary.duration))
        if !file.json, summary.hasSuperseded, let use = AtticSize.measure(loaded.compilation.parts.store) {
            Output.error(AtticText.line(use))
        }
        try Self.exit(summary)
    }

    /// What a saturn that was killed after its last task has left on an engine.
    private func cleanUp(_ executor: any Executor) async throws {
        guard executor.hasLeftovers else { return }
        do { try await Stopping.stop(executor) } catch let failure as Failure {
            Output.error(DiagnosticText(style: .error).warning(failure.message))
        }
    }

    private func leaving(_ loaded: Wiring.Loaded, signal: Int32) throws -> Left {
        let words = ["run", "--supervised", "--finish", "--state=\(loaded.folder.path)"]
        return Left(
            signal: signal,
            words: words + (file.json ? ["--json"] : []) + (try arguments.repeated(run: loaded.run)))
    }

    /// Plans until all that is to be restored could be.
    func begin<Observer: RunObserver>(
        _ loaded: Wiring.Loaded, _ executor: any Executor, _ ledger: any Ledger, _ interrupted: Interrupted?,
        options: Run.Options, observer: (Preparation) -> Observer
    ) throws -> (Run, Preparation, Observer) {
        for _ in 0..<10 {
            let attic = try loaded.compilation.parts.store.lockAttic()
            let preparation = try Preparation(
                loaded.compilation, ledger: ledger, project: loaded.folder.project,
                options: Planner.Options(
                    selected: try selection(loaded.compilation.graph, interrupted), force: file.force,
                    spared: Self.tasks(interrupted?.finished ?? [], of: loaded.compilation.graph)))
            let observer = observer(preparation)
            let run = Run(
                preparation, executor: executor, state: loaded.folder, observer: observer, clock: SystemClock(),
                options: options, attic: attic)
            if try run.begin() { return (run, preparation, observer) }
        }
        throw Run.alwaysVanishing
    }

    /// What is to be done, before it is.
    private func tell(_ preparation: Preparation, _ loaded: Wiring.Loaded) {
        for remark in loaded.compilation.parts.store.takeRemarks() {
            Output.error(DiagnosticText(style: .error).warning(remark))
        }
        if !loaded.isWriting, preparation.adopted > 0 { Output.error(Self.found(preparation)) }
        Output.error(PlanText(preparation).summary())
        guard preparation.plan.count(.run) > 0 else { return }
        for note in preparation.plan.notes { Output.error("note: \(Printable.text(note))\n") }
    }

    func ledger(of loaded: Wiring.Loaded) throws -> any Ledger {
        loaded.isWriting ? loaded.ledger : try SQLiteLedger(writing: loaded.folder.ledger)
    }

    private static func found(_ preparation: Preparation) -> String {
        let (store, results) = (preparation.compilation.parts.store, counted(preparation.adopted, "result"))
        // On another machine that is as it should be.
        if store.isRemote { return "note: \(results) found in \(Printable.text(store.location))\n" }
        return DiagnosticText(style: .error).warning(
            "there was no ledger; \(results) found again in \(store.location)")
    }

    /// Whether its record was that of another run file. A sweep of the command line that has grown goes on with the same
    /// results from a new one.
    private func isAnother(_ record: RunRecord, than loaded: Wiring.Loaded) -> Bool {
        let file = record.moved(to: loaded.folder).file
        let isGrown = [file, loaded.path].allSatisfy { SweepFile.isOne($0, in: loaded.folder) }
        return file != loaded.path && !(isGrown && record.location == loaded.compilation.parts.store.location)
    }

    func options(_ loaded: Wiring.Loaded, _ interrupted: Interrupted?) throws -> Run.Options {
        var options = Run.Options(maxFailures: arguments.failureLimit, host: Machine.host, file: loaded.path)
        options.retries = arguments.retries
        options.arguments = try arguments.repeated(run: loaded.run, in: loaded.folder)
        options.trace = try Shortcut.file(for: file, in: loaded.folder)
        if let interrupted {
            options.earlier = interrupted.tasks
            options.takesAllAttempts = true
            options.started = interrupted.record.started
        }
        return options
    }

    private func selection(_ graph: Graph, _ interrupted: Interrupted?) throws -> Set<Int>? {
        guard let interrupted else { return try file.selection(graph) }
        return Self.tasks(interrupted.open, of: graph)
    }

    private static func tasks(_ names: Set<String>, of graph: Graph) -> Set<Int> {
        Set(names.compactMap { graph.indices[$0] })
    }

    private static func exit(_ summary: Run.Summary) throws {
        if let signal = summary.stoppedBy { throw ExitCode(128 + signal) }
        guard summary.states.allSatisfy({ $0.hasResult || $0 == .excluded }) else { throw ExitCode(1) }
    }
}

import CSystem
import Glibc
import SaturnCore
import SaturnEngine
import SaturnExecutors
import SaturnGit
import SaturnLedger

/// The way past reading, compiling and planning, for a run of which nothing has changed since it had all its results.
///
/// Where anything is not as its ``Trace`` says, or cannot be told, there is no shortcut, and whatever is wrong is said by
/// those who plan.
struct Shortcut {
    private let path: String
    private let state: StateFolder
    private let trace: Trace

    /// `nil` when there is no trace, or more is asked for than a plan of all tasks.
    init?(_ file: RunFileArguments) throws {
        guard file.only.isEmpty, !file.force, !file.verify, !file.requireClean, !file.json else { return nil }
        path = try Paths.absolute(file.file)
        state = try file.location.stateFolder(for: Paths.parent(path))
        guard let trace = try Self.file(for: file, in: state).read() else { return nil }
        self.trace = trace
    }

    /// Where the trace is of what the arguments ask for; `jobs` and the like make no other plan.
    static func file(for file: RunFileArguments, in state: StateFolder) throws -> TraceFile {
        let words = [try Paths.absolute(file.file), file.name.map { "=\($0)" } ?? ""]
        return TraceFile(words + [try file.tasks.map { "=\(try Paths.absolute($0))" } ?? ""] + file.set, in: state)
    }

    /// Says what `saturn plan` says, if nothing has changed; `false` when something may have.
    static func plan(_ file: RunFileArguments) throws -> Bool {
        guard let text = try Shortcut(file)?.plan() else { return false }
        Output.out(text)
        return true
    }

    private func plan() -> String? {
        guard state.holder(of: trace.run) == nil, let ledger = try? SQLiteLedger(reading: state.ledger) else {
            return nil
        }
        Self.keep(ledger)
        guard let store = try? store(), holds(ledger, store, notes: true) else { return nil }
        return PlanText.upToDate(
            trace.run, count: trace.statuses.count, names: trace.names(limit: 4), notes: trace.notes)
    }

    /// Until the end of the process: closing it takes a thread, and nobody has asked yet whether there is one.
    private static func keep(_ ledger: SQLiteLedger) { _ = Unmanaged.passRetained(ledger) }

    /// Does what `saturn run` does when it finds all tasks up to date; `false` when it may be otherwise.
    static func run(_ arguments: RunArguments) throws -> Bool {
        // A run sets a ledger aside that is damaged.
        do {
            return try Shortcut(arguments.file)?.run(arguments) ?? false
        } catch let failure as Failure where failure.kind == .ledger {
            return false
        }
    }

    private func run(_ arguments: RunArguments) throws -> Bool {
        let start = SystemClock().uptime()
        // A ledger that this saturn cannot read is refused without a trace.
        guard access(state.ledger, F_OK) == 0, let ledger = try? SQLiteLedger(writing: state.ledger) else {
            return false
        }
        Self.keep(ledger)
        let holder = LockHolder(command: "run", path: path)
        guard let lock = try? state.lock(run: trace.run, holder: holder), let store = try? store(),
            (try? store.claim(holder: holder.owned(by: state.project, state: state.path).text)) != nil
        else { return false }
        defer {
            try? store.finish()
            withExtendedLifetime((lock, store)) {}
        }
        guard holds(ledger, store, notes: false),
            var record = try ledger.runs().first(where: { $0.name == trace.run }), record.file == path,
            record.state == .succeeded, !ExecutorMemory.isThere(state.bridge(of: trace.run))
        else { return false }
        unlink(state.supervisorLog(of: trace.run))
        let time = SystemClock().now()
        (record.started, record.ended, record.exitCode) = (time, time, 0)
        record.arguments = try arguments.repeated(run: trace.run, in: state)
        var batch = LedgerBatch()
        batch.runs = [record]
        batch.upToDate = [trace.run]
        try ledger.commit(batch)
        Output.error("\(Printable.text(trace.run)): \(trace.statuses.count) up to date\n")
        let seconds = Double(SystemClock().uptime() - start) / 1e9
        Output.out(SummaryText.upToDate(trace.run, trace.statuses.count, seconds, trace.location))
        return true
    }

    private func store() throws -> any ResultStore {
        try BuiltInStore.named(trace.results).make(trace.results, trace.run, Paths.parent(path), state)
    }

    private func holds(_ ledger: any Ledger, _ store: any ResultStore, notes: Bool) -> Bool {
        let surroundings = Trace.Surroundings(
            environment: Environment.dictionary, code: GitCodeSource(), ledger: ledger, store: store,
            project: state.project)
        guard trace.holds(in: surroundings, notes: notes) else { return false }
        csystem_step("shortcut.taken")
        return true
    }
}

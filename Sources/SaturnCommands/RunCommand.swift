import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the tasks of a run file that have no result yet.")

    @OptionGroup var file: RunFileArguments

    @Flag(name: [.customShort("n"), .customLong("dry-run")], help: "Only show the plan.")
    var dryRun = false

    @Flag(help: "Start nothing more after the first failure.")
    var failFast = false

    @Option(help: ArgumentHelp("Start nothing more after this many failures.", valueName: "n"))
    var maxFailures: Int?

    @Flag(name: [.customShort("k"), .long], help: "Go on after failures. This is what happens anyway.")
    var keepGoing = false

    func validate() throws {
        if let maxFailures, maxFailures < 1 { throw ValidationError("--max-failures wants a number of at least 1.") }
    }

    func run() async throws {
        try file.location.enter()
        if dryRun {
            let preparation = try PlanCommand.prepare(file)
            return Output.out(file.json ? try PlanDocument(preparation).document() : PlanText(preparation).render())
        }
        let loaded = try Wiring(file: file, needsExecutor: true).load()
        guard let executor = loaded.executor else { throw Failure(.fault, "there is no executor") }
        try loaded.folder.create()
        let holder = "process \(getpid()) on \(Self.host) (saturn run \(loaded.path))"
        let lock = try loaded.folder.lock(run: loaded.run, holder: holder)
        defer { withExtendedLifetime(lock) {} }
        try await execute(loaded, executor, holder)
    }

    private func execute(_ loaded: Wiring.Loaded, _ executor: any Executor, _ holder: String) async throws {
        let ledger = loaded.isWriting ? loaded.ledger : try SQLiteLedger(writing: loaded.folder.ledger)
        try loaded.compilation.parts.store.claim(holder: holder)
        if let other = try ledger.runs().first(where: { $0.name == loaded.run }), other.file != loaded.path {
            let text = "'\(loaded.run)' was the name of \(other.file): its record is replaced; --name gives another"
            Output.error(DiagnosticText(style: .error).warning(text))
        }
        let preparation = try Preparation(
            loaded.compilation, ledger: ledger, project: loaded.folder.project,
            options: Planner.Options(selected: try file.selection(loaded.compilation.graph), force: file.force))
        Output.error(PlanText(preparation).summary())
        for note in preparation.plan.notes where preparation.plan.count(.run) > 0 {
            Output.error("note: \(Printable.text(note))\n")
        }
        let progress = Progress(preparation.graph, plan: preparation.plan)
        let run = Run(
            preparation, executor: executor, state: loaded.folder, observer: progress, clock: SystemClock(),
            options: Run.Options(
                maxFailures: failFast ? 1 : maxFailures, holder: holder, host: Self.host, file: loaded.path))
        let summary = try await run.execute(signals: StopSignals.stream())
        progress.finish()
        let record = try RunView.find(loaded.run, in: ledger)
        let view = try RunView(record, ledger: ledger, folder: loaded.folder)
        Output.out(
            file.json ? try RunDocument(view).document() : SummaryText(view).render(duration: summary.duration))
        try Self.exit(summary)
    }

    private static func exit(_ summary: Run.Summary) throws {
        if let signal = summary.stoppedBy { throw ExitCode(128 + signal) }
        guard summary.states.allSatisfy({ $0.hasResult || $0 == .excluded }) else { throw ExitCode(1) }
    }

    static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }
}

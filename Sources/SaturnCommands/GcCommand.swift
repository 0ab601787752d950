import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger

struct GcCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Delete superseded results, and old records of runs.",
        discussion: """
            Results stand in the attic when others took their place. Without a limit, those go that were superseded more \
            than 30 days ago; with several, those that one of the limits says. What is pinned stays, and what stands in \
            the results folder, but for --name N --results.
            """)

    @Option(help: ArgumentHelp("What was superseded longer ago: 30d, 12h.", valueName: "duration"))
    var olderThan: String?

    @Option(help: ArgumentHelp("Keep the newest n results of each task, the current one counted.", valueName: "n"))
    var keepLast: Int?

    @Option(help: ArgumentHelp("The oldest, until what is left is no larger: 10GB.", valueName: "size"))
    var maxSize: String?

    @Flag(help: "All that is superseded.")
    var all = false

    @Option(help: "Only what is of this run.")
    var name: String?

    @Flag(help: "Also the run's results that stand in the results folder, and its record; with --name.")
    var results = false

    @Flag(name: [.customShort("n"), .customLong("dry-run")], help: "Only show what would be deleted.")
    var dryRun = false

    @OptionGroup var location: LocationArguments

    func validate() throws {
        if let olderThan, Quantity.seconds(olderThan) == nil {
            throw ValidationError("--older-than wants a duration like 30d, 12h or 90m, not '\(olderThan)'.")
        }
        if let maxSize, Quantity.bytes(maxSize) == nil {
            throw ValidationError("--max-size wants a size like 10GB or 512MiB, not '\(maxSize)'.")
        }
        if let keepLast, keepLast < 1 {
            throw ValidationError("--keep-last wants a number of at least 1; --all keeps no superseded result.")
        }
        if results, name == nil { throw ValidationError("--results wants a run: --name N --results.") }
    }

    func run() throws {
        try location.enter()
        let state = try location.existingState()
        // One that is not there is not made: there is nothing that it could forget.
        let isWriting = !dryRun && access(state.ledger, F_OK) == 0
        let ledger = isWriting ? try SQLiteLedger(writing: state.ledger) : try SQLiteLedger(reading: state.ledger)
        let request = GarbageRequest(
            limits: limits, run: try name.map { try RunView.find($0, in: ledger) }, removesResults: results)
        let collector = GarbageCollector(
            ledger: ledger, state: state, clock: SystemClock(),
            holder: LockHolder(command: "gc", path: state.path).owned(by: state.project, state: state.path),
            stores: Ownership.stores(for: state))
        let garbage = try dryRun ? collector.plan(request) : collector.collect(request)
        for note in garbage.notes { Output.error("note: \(Printable.text(note))\n") }
        Output.out(GarbageText(garbage: garbage, isDryRun: dryRun).render())
    }

    private var limits: RetentionLimits {
        RetentionLimits(
            olderThan: olderThan.flatMap { Quantity.seconds($0) }, keepLast: keepLast,
            maxSize: maxSize.flatMap { Quantity.bytes($0) }.map(Int64.init), all: all)
    }
}

import ArgumentParser
import SaturnCore
import SaturnEngine
import SaturnLedger

struct PinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin", abstract: "Keep results from being deleted by saturn gc.",
        discussion: "A pin is written into the result itself, and stays with it when it is superseded or restored.")

    @Argument(help: ArgumentHelp("The tasks; without any, with --name, all results of the run.", valueName: "task"))
    var tasks: [String] = []

    @Option(help: "The run; without it the newest.")
    var name: String?

    @Flag(help: "Take the pins away.")
    var remove = false

    @OptionGroup var location: LocationArguments

    func validate() throws {
        if tasks.isEmpty, name == nil { throw ValidationError("Name the tasks to pin, or with --name a whole run.") }
    }

    func run() throws {
        try location.enter()
        let state = try location.existingState()
        let ledger = try SQLiteLedger(reading: state.ledger)
        let run = try RunView.find(name, in: ledger)
        let pinning = Pinning(ledger: ledger, store: try Ownership.store(at: run.location, for: state), run: run)
        // All of them are looked at before one is pinned.
        let targets = try pinning.targets(tasks)
        guard !targets.isEmpty else {
            throw Failure(.usage, "run '\(run.name)' has no finished result", hint: "saturn status shows how it stands")
        }
        for target in targets {
            try pinning.pin(target, !remove, at: SystemClock().now())
            Output.out("\(Printable.text(target.task)): \(outcome(wasPinned: target.isPinned))\n")
        }
    }

    private func outcome(wasPinned: Bool) -> String {
        if remove { return wasPinned ? "not pinned any more" : "was not pinned" }
        return wasPinned ? "already pinned" : "pinned"
    }
}

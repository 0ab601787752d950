import ArgumentParser
import SaturnCore
import SaturnEngine
import SaturnLedger

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the runs of this project, newest first.")

    @OptionGroup var location: LocationArguments

    func run() throws {
        try location.enter()
        let state = try location.existingState()
        let ledger = try SQLiteLedger(reading: state.ledger)
        let views = try ledger.runs().map { try RunView($0, ledger: ledger, folder: state) }
        guard !views.isEmpty else { return Output.error("no runs yet\n") }
        let width = views.map(\.record.name.count).max() ?? 0
        Output.out(
            views.map { view in
                "\(Printable.text(view.record.name).padded(to: width))  \(Dates.short(view.record.started))  "
                    + "\(view.state.padded(to: 11))  \(SummaryText(view).counts())\n"
            }.joined())
    }
}

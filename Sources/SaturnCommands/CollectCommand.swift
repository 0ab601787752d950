import ArgumentParser
import SaturnCore
import SaturnEngine
import SaturnLedger

struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect", abstract: "Wait for a run and say how it ended.",
        discussion: "The results of local tasks are in their place as soon as they are there.")

    @Argument(help: "The run file, when not called from its project.")
    var file: String?

    @Option(help: "The run; without it the newest.")
    var name: String?

    @OptionGroup var location: LocationArguments

    func run() async throws {
        var (view, state) = try location.find(file, name)
        if let holder = view.holder {
            Output.error("\(Printable.text(view.record.name)) is running: \(Printable.text(holder)); waiting for it\n")
            while state.holder(of: view.record.name) != nil { try await Task.sleep(nanoseconds: 100_000_000) }
            let ledger = try SQLiteLedger(reading: state.ledger)
            view = try RunView(RunView.find(view.record.name, in: ledger), ledger: ledger, folder: state)
        }
        Output.out(SummaryText(view).render())
        guard let code = view.record.exitCode else {
            Output.error(
                DiagnosticText(style: .error).warning(
                    "the run was interrupted; saturn run \(view.record.file) --name \(view.record.name) finishes it"))
            throw ExitCode(1)
        }
        if code != 0 { throw ExitCode(code) }
    }
}

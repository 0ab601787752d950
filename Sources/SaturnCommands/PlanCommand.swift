import ArgumentParser
import SaturnCore
import SaturnEngine

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what would run, and why. Changes nothing.")

    @OptionGroup var file: RunFileArguments

    @Flag(help: "Exit with 6 when there is work to do.")
    var exitCode = false

    func run() async throws {
        try file.location.enter()
        let preparation = try Self.prepare(file)
        Output.out(file.json ? try PlanDocument(preparation).document() : PlanText(preparation).render())
        let isDone = preparation.plan.decisions.allSatisfy { $0 == nil || $0?.action == .reuse }
        if exitCode, !isDone { throw ExitCode(6) }
    }

    static func prepare(_ file: RunFileArguments) throws -> Preparation {
        let loaded = try Wiring(file: file, needsExecutor: false).load()
        if let holder = loaded.folder.holder(of: loaded.run) {
            Output.error(
                "note: this run is going on (\(Printable.text(holder))); the plan is of what it has left behind so far\n"
            )
        }
        return try Preparation(
            loaded.compilation, ledger: loaded.ledger, project: loaded.folder.project,
            options: Planner.Options(selected: try file.selection(loaded.compilation.graph), force: file.force))
    }
}

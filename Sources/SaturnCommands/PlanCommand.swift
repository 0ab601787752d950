import ArgumentParser
import SaturnCore
import SaturnEngine

struct PlanCommand: ParsableCommand, StartsAlone {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what would run, and why. Changes nothing.")

    @OptionGroup var file: RunFileArguments

    @Flag(help: "Exit with 6 when there is work to do.")
    var exitCode = false

    func start() throws -> Bool {
        try file.location.enter()
        return try Shortcut.plan(file)
    }

    func run() throws {
        let preparation = try Self.prepare(file)
        for remark in preparation.compilation.parts.store.takeRemarks() {
            Output.error(DiagnosticText(style: .error).warning(remark))
        }
        // Kept until the end of the process, which frees it faster than piece by piece.
        _ = Unmanaged.passRetained(Kept(preparation: preparation))
        try Self.show(preparation, json: file.json)
        let isDone = preparation.plan.decisions.allSatisfy { $0 == nil || $0?.action == .reuse }
        if exitCode, !isDone { throw ExitCode(6) }
    }

    private final class Kept {
        let preparation: Preparation

        init(preparation: Preparation) { self.preparation = preparation }
    }

    static func show(_ file: RunFileArguments) throws { try show(prepare(file), json: file.json) }

    private static func show(_ preparation: Preparation, json: Bool) throws {
        Output.out(json ? try PlanDocument(preparation).document() : PlanText(preparation).render())
    }

    /// With a damaged ledger the plan is of what the results folder alone tells: a run would do the same.
    static func prepare(_ file: RunFileArguments) throws -> Preparation {
        do { return try prepare(file, ignoresLedger: false) } catch let failure as Failure where failure.kind == .ledger
        {
            Output.error(DiagnosticText(style: .error).warning("\(failure.message); planning without it"))
            return try prepare(file, ignoresLedger: true)
        }
    }

    private static func prepare(_ file: RunFileArguments, ignoresLedger: Bool) throws -> Preparation {
        let loaded = try Wiring(file: file, needsExecutor: false, ignoresLedger: ignoresLedger).load()
        try file.checkClean(loaded.compilation)
        if let holder = loaded.folder.holder(of: loaded.run) {
            let who = Printable.text(holder.words)
            Output.error("note: this run is going on (\(who)); the plan is of what it has left behind so far\n")
        }
        let store = loaded.compilation.parts.store
        let project =
            try loaded.folder.project
            ?? store.lastHolder.flatMap {
                loaded.folder.lostProject(known: LockHolder(parsing: $0), isShared: store.isRemote)
            }
        return try Preparation(
            loaded.compilation, ledger: loaded.ledger,
            project: project,
            options: Planner.Options(selected: try file.selection(loaded.compilation.graph), force: file.force))
    }
}

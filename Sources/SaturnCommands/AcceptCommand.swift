import ArgumentParser
import SaturnCore
import SaturnEngine
import SaturnLedger

struct AcceptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept", abstract: "Declare results good under the keys that their tasks have now.",
        discussion: """
            For a change that cannot matter: a comment, a renamed variable. The result is written down as accepted, with \
            what changed, and stays good under its own key too. Accept what a task needs together with it.
            """)

    @OptionGroup var subject: TaskFileArguments

    func run() throws {
        let loaded = try Wiring(file: subject.runFile(), needsExecutor: false).load()
        let tasks = try subject.tasks(in: loaded.compilation.graph, of: loaded.run)
        let store = loaded.compilation.parts.store
        let none = Failure(.usage, "run '\(loaded.run)' has no results yet", hint: "saturn run makes some")
        guard loaded.folder.project != nil else { throw none }
        let holder = LockHolder(command: "accept", path: loaded.path)
        let lock = try loaded.folder.lock(run: loaded.run, holder: holder)
        guard let attic = try Self.lock(store) else { throw none }
        _ = try Ownership.store(at: store.location, for: loaded.folder)
        defer { withExtendedLifetime((attic, lock)) {} }
        let ledger = try SQLiteLedger(writing: loaded.folder.ledger)
        let preparation = try Preparation(
            loaded.compilation, ledger: ledger, project: loaded.folder.project,
            options: Planner.Options(accepting: Set(tasks)))
        try accept(tasks, Accepting(preparation, ledger: ledger), ReasonText(graph: preparation.graph))
    }

    /// `nil` when there is no results folder.
    private static func lock(_ store: any ResultStore) throws -> (any AtticLock)? {
        do { return try store.lockAttic() } catch let failure as Failure where failure.kind == .workspace { return nil }
    }

    private func accept(_ tasks: [Int], _ accepting: Accepting, _ reasons: ReasonText) throws {
        // All of them are looked at before one is accepted.
        let targets = try accepting.targets(tasks)
        var changes: [String: String] = [:]
        for (task, target) in zip(tasks, targets) {
            changes[target.task] = target.reason.map { words($0, of: task, reasons, areForOthers: true) }
        }
        try accepting.accept(targets, changes: changes, at: SystemClock().now())
        for (task, target) in zip(tasks, targets) {
            let outcome = target.reason.map { "accepted (\(words($0, of: task, reasons, areForOthers: false)))" }
            Output.out("\(Printable.text(target.task)): \(Printable.text(outcome ?? "already up to date"))\n")
        }
    }

    private func words(_ reason: Reason, of task: Int, _ reasons: ReasonText, areForOthers: Bool) -> String {
        guard case .changed(let changes) = reason, !changes.isEmpty else { return reasons.full(reason, of: task) }
        var text = reasons.changes(changes, of: task, limit: areForOthers ? 10 : 3)
        text.showsVariables = !areForOthers
        return text.phrases.joined(separator: ", ")
    }
}

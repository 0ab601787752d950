import ArgumentParser
import CSystem
import Glibc
import SaturnCore
import SaturnEngine

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the tasks of a run and how they stand.",
        discussion: """
            With --watch it is shown anew until the run has ended, and the exit code is the run's: 3 where it has none, \
            because its saturn was killed. What is no terminal gets a line for each change.
            """)

    @Option(help: "The run; without it the newest.")
    var name: String?

    @Flag(help: "Print one JSON document on stdout.")
    var json = false

    @Flag(name: .shortAndLong, help: "Show it anew until the run has ended.")
    var watch = false

    @OptionGroup var location: LocationArguments

    func validate() throws {
        if watch, json { throw ValidationError("--watch shows it to people, and has no --json.") }
    }

    func run() throws {
        let isTerminal = watch && Output.isTerminal(STDOUT_FILENO)
        // Before reading the ledger makes threads, which would take them.
        if isTerminal { csystem_block_screen_signals() }
        let (view, state) = try location.find(nil, name)
        if watch { return try StatusWatch.follow(view.record.name, state, isTerminal: isTerminal) }
        Output.out(json ? try RunDocument(view).document() : render(view))
    }

    private func render(_ view: RunView) -> String {
        var text = "\(Printable.text(view.record.name)): \(view.state)"
        if let holder = view.holder { text += " (\(Printable.text(holder.words)))" }
        text += ", started \(Dates.short(view.record.started))\n"
        if !view.unfinished.isEmpty {
            text += "  saturn collect \(Printable.text(ShellText.option("--name", view.record.name))) finishes it\n"
        }
        let width = min(60, view.tasks.map(\.name.count).max() ?? 0)
        let acceptances = view.acceptances()
        for task in view.tasks {
            let notes = [task.note, acceptances[task.name]?.last.map(words)].compactMap { $0 }
            let note = notes.map { "  \(Printable.text($0))" }.joined()
            let line = "  \(Printable.text(task.name).padded(to: width))  \(task.state.rawValue)\(note)"
            text += line + "\n"
        }
        text += "\(SummaryText(view).counts())\nresults: \(Printable.text(view.record.location))\n"
        guard let use = view.store.flatMap({ AtticSize.measure($0) }) else {
            return text
        }
        return text + AtticText.line(use)
    }

    private func words(_ acceptance: Acceptance) -> String {
        "accepted" + (acceptance.time.map { " \(Dates.short($0))" } ?? "")
            + (acceptance.changes.map { ": \($0)" } ?? "")
    }
}

/// Times as people read them, in UTC.
enum Dates {
    /// `2022-09-11 20:31:59`
    static func short(_ time: Timestamp) -> String {
        time.description.prefix(19).replacing("T", with: " ") + " UTC"
    }
}

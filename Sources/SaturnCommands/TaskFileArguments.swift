import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger

/// The tasks that a command is about, and the run file that they are in.
struct TaskFileArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The tasks; a glob names several.", valueName: "task"))
    var names: [String]

    @Option(
        help: ArgumentHelp("The run file; without it run.yaml, else that of the run.", valueName: "file"))
    var file: String?

    @Option(name: .customLong("tasks"), help: ArgumentHelp("A second file with more tasks.", valueName: "file"))
    var taskFile: String?

    @Option(help: "The run; without it the one that saturn run would be.")
    var name: String?

    @Option(help: ArgumentHelp("Override a value of the file: executor.jobs=4.", valueName: "key=value"))
    var set: [String] = []

    @OptionGroup var location: LocationArguments

    /// The arguments of `saturn plan` that are about all tasks of the same run.
    func runFile() throws -> RunFileArguments {
        try location.enter()
        var arguments = try recorded() ?? written()
        arguments.set += set
        arguments.only = []
        arguments.force = false
        arguments.location.state = location.state
        return arguments
    }

    private func written() throws -> RunFileArguments {
        let options = name.map { ["--name=\($0)"] } ?? []
        return try RunFileArguments.parse(options + ["--", file ?? "run.yaml"] + (taskFile.map { [$0] } ?? []))
    }

    /// Those that a run was started with: the one of that name, or the newest where there is no run file.
    private func recorded() throws -> RunFileArguments? {
        guard file == nil, taskFile == nil, let state = try? location.existingState(),
            let ledger = try? SQLiteLedger(reading: state.ledger)
        else { return nil }
        let known = try ledger.runs().first { $0.name == name }
        if known == nil, access("run.yaml", F_OK) == 0 { return nil }
        return try RunArguments.parse((known ?? RunView.find(name, in: ledger)).moved(to: state).arguments).file
    }

    /// The tasks, in the order of the run file.
    func tasks(in graph: Graph, of run: String) throws -> [Int] {
        var found: Set<Int> = []
        for name in names {
            let matches = graph.tasks(named: name)
            guard !matches.isEmpty else {
                throw Failure(
                    .usage, "run '\(run)' has no task '\(name)'",
                    hint: Suggestion.hint(for: name, among: graph.nodes.map(\.name)))
            }
            found.formUnion(matches)
        }
        return found.sorted()
    }
}

import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger

/// Options that every command has.
struct LocationArguments: ParsableArguments {
    @Option(name: .customShort("C"), help: ArgumentHelp("Change to this folder first.", valueName: "dir"))
    var change: String?

    @Option(help: ArgumentHelp("Keep the project's state in this folder (also SATURN_STATE).", valueName: "dir"))
    var state: String?

    /// To be called before any path is looked at.
    func enter() throws {
        guard let change else { return }
        _ = Paths.origin
        guard chdir(change) != 0 else { return }
        throw Failure(.usage, "cannot change to \(change): \(String(cString: strerror(errno)))")
    }

    private var chosen: String? { state ?? getenv("SATURN_STATE").map { String(cString: $0) } }

    /// Of a run file in `folder`.
    func stateFolder(for folder: String) throws -> StateFolder {
        try chosen.map { StateFolder(path: try Paths.absolute($0)) } ?? StateFolder.home(of: folder)
    }

    /// Found from the current folder upward.
    func existingState() throws -> StateFolder {
        let found =
            try chosen.map { StateFolder(path: try Paths.absolute($0)) }
            ?? StateFolder.find(from: Paths.current())
        guard let found, found.project != nil else {
            throw Failure(
                .usage, "there is no saturn project here or in a folder above",
                hint: "go to the run file's folder, or use -C or --state")
        }
        return found
    }

    /// The run that a command is about, with the ledger that knows it.
    func find(_ file: String?, _ name: String?) throws -> (view: RunView, state: StateFolder) {
        try enter()
        let state = try file.map { try stateFolder(for: Paths.parent(Paths.absolute($0))) } ?? existingState()
        let ledger = try SQLiteLedger(reading: state.ledger)
        let record = try RunView.find(name, in: ledger)
        return (try RunView(record, ledger: ledger, folder: state), state)
    }
}

/// The run file and what shapes it.
struct RunFileArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The run file.", valueName: "file"))
    var file = "run.yaml"

    @Argument(help: ArgumentHelp("A second file with more tasks.", valueName: "tasks"))
    var tasks: String?

    @Option(help: "The run's name; without it the file's own.")
    var name: String?

    @Option(
        name: [.customShort("j", allowingJoined: true), .long],
        help: ArgumentHelp("Tasks to run at once.", valueName: "n"))
    var jobs: Int?

    @Option(help: ArgumentHelp("Override a value of the file: executor.jobs=4.", valueName: "key=value"))
    var set: [String] = []

    @Option(help: ArgumentHelp("Only tasks whose name matches.", valueName: "glob"))
    var only: [String] = []

    @Flag(name: .shortAndLong, help: "Run tasks even when they have a result.")
    var force = false

    @Flag(help: "Do not believe the index of results in a bucket: list its objects.")
    var verify = false

    @Flag(help: "Do nothing when code that counts is not committed.")
    var requireClean = false

    @Flag(help: "Print one JSON document on stdout.")
    var json = false

    @OptionGroup var location: LocationArguments

    func validate() throws {
        if let jobs, jobs < 1 { throw ValidationError("-j wants a number of at least 1.") }
    }

    /// The tasks that `--only` names; `nil` is all.
    func selection(_ graph: Graph) throws -> Set<Int>? {
        guard !only.isEmpty else { return nil }
        var selected: Set<Int> = []
        for pattern in only {
            let found = graph.tasks(named: pattern)
            guard !found.isEmpty else {
                throw Failure(
                    .usage, "--only '\(pattern)' matches no task",
                    hint: Suggestion.hint(for: pattern, among: graph.nodes.map(\.name)))
            }
            selected.formUnion(found)
        }
        return selected
    }

    /// Throws with `--require-clean` when the code of a selected task has uncommitted changes.
    func checkClean(_ compilation: Compilation) throws {
        guard requireClean else { return }
        let found = try compilation.uncommitted(among: selection(compilation.graph))
        guard !found.isEmpty else { return }
        let places = found.map { root, files in
            "\(root): \(ReasonText.list(files))"
        }
        throw Failure(
            .usage, "uncommitted changes in \(places.joined(separator: "; "))",
            hint: "commit them, or leave out --require-clean")
    }
}

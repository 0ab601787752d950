import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger

struct TableCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "table", abstract: "Show a run's tasks with their parameters and what they have measured.",
        discussion: """
            A row for each task: its name, the parameters of its sweep, how it stands, why it failed, how long it took, \
            the commit, and what is in the JSON object results/metrics.json, as far as the task has written one. Of \
            columns with one name the parameter's has it; the others are task.NAME and metrics.NAME.
            """)

    @Argument(
        help: ArgumentHelp(
            "The tasks, globs too; without any, all. A file that ends in .yaml or .yml is the run file.",
            valueName: "task-or-file"))
    var words: [String] = []

    @Option(help: "The run; without it the newest.")
    var name: String?

    @Option(help: ArgumentHelp("Another file than metrics.json below the results.", valueName: "file"))
    var metrics = "metrics.json"

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Only rows of which this is so: 'lr<0.1'; < <= > >= = != and ~ for a glob.", valueName: "expr"))
    var conditions: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Sort by these columns; '-loss' has the largest first.", valueName: "column,…"))
    var sort: String?

    @Option(help: ArgumentHelp("Show these columns, in this order.", valueName: "column,…"))
    var columns: String?

    @Flag(help: "Print CSV, as RFC 4180 has it.")
    var csv = false

    @Flag(help: "Print one JSON document.")
    var json = false

    @Flag(help: "Print a table in Markdown.")
    var markdown = false

    @OptionGroup var location: LocationArguments

    func validate() throws {
        guard [csv, json, markdown].count(where: { $0 }) <= 1 else {
            throw ValidationError("--csv, --json and --markdown are three ways to print one table: choose one.")
        }
        let parts = metrics.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard !parts.contains(where: { ["", ".", ".."].contains(Substring($0)) }) else {
            throw ValidationError("--metrics wants the path of a file below a task's results.")
        }
    }

    func run() throws {
        let (view, state) = try view()
        let store = try BuiltInStore.at(view.record.location, state)
        guard let store = store as? any AttemptReading else {
            throw Failure(.fault, "the results in \(store.location) cannot be read")
        }
        let reader = TableReader(
            view: view, ledger: try SQLiteLedger(reading: state.ledger), store: store, file: metrics)
        var table = try reader.read(TaskSelection(words.filter { !Self.isFile($0) }, in: view).tasks) {
            Output.error(DiagnosticText(style: .error).warning($0))
        }
        table.filter(try conditions.map { try RowFilter($0, in: table) })
        if let sort { try table.sort(by: sort) }
        if let columns { try table.choose(columns) }
        show(table, view.record.name)
    }

    private func show(_ table: ResultTable, _ run: String) {
        let isSafe = isatty(STDOUT_FILENO) == 1
        if csv { return TableFormats.csv(table, isSafe: isSafe) { Output.write($0, to: STDOUT_FILENO) } }
        if json { return TableFormats.json(table, run: run) { Output.write($0, to: STDOUT_FILENO) } }
        if markdown { return TableFormats.markdown(table) { Output.write($0, to: STDOUT_FILENO) } }
        var text = TableText(table)
        let hidden = isSafe ? text.fit(Output.width(STDOUT_FILENO)) : []
        text.render { Output.write($0, to: STDOUT_FILENO) }
        if !hidden.isEmpty {
            let names = Printable.text(hidden.joined(separator: ", "))
            Output.error("\(counted(hidden.count, "column")) left out: \(names); --columns chooses\n")
        }
    }

    // MARK: What it is about

    private static func isFile(_ word: String) -> Bool {
        (word.hasSuffix(".yaml") || word.hasSuffix(".yml")) && access(word, F_OK) == 0
    }

    /// The run of that name; without one the newest of the run file, where that is given.
    private func view() throws -> (RunView, StateFolder) {
        try location.enter()
        guard let file = words.first(where: Self.isFile) else { return try location.find(nil, name) }
        let path = try Paths.absolute(file)
        let state = try location.stateFolder(for: Paths.parent(path))
        let ledger = try SQLiteLedger(reading: state.ledger)
        let own = try ledger.runs().first { $0.moved(to: state).file == path }
        if name == nil, own == nil {
            throw Failure(.usage, "there is no run of \(file) yet", hint: "saturn run \(ShellText.quoted(file))")
        }
        let record = try RunView.find(name ?? own?.name, in: ledger)
        return (try RunView(record, ledger: ledger, folder: state), state)
    }
}

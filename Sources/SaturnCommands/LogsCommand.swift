import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine
import SaturnStores

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print, follow and search the logs of tasks.",
        discussion: """
            With several tasks each line has its task in front. With --grep it exits with 1 when no line matches.
            """)

    @Argument(help: ArgumentHelp("The tasks; a glob names several.", valueName: "task"))
    var names: [String] = []

    @Option(help: "The run; without it the newest.")
    var name: String?

    @Flag(name: .shortAndLong, help: "Follow the logs until the tasks end; without a task, those of the whole run.")
    var follow = false

    @Flag(help: "Only of tasks that failed.")
    var failed = false

    @Option(help: ArgumentHelp("The log of the n-th attempt; without it the last one's.", valueName: "n"))
    var attempt: Int?

    @Option(help: ArgumentHelp("Only the last n lines of each.", valueName: "n"))
    var tail: Int?

    @Option(help: ArgumentHelp("Print the lines that match a regular expression, as PCRE2 has them.", valueName: "re"))
    var grep: String?

    @Flag(name: .customShort("i"), help: "With --grep: upper and lower case are the same.")
    var ignoresCase = false

    @Flag(name: .customShort("l"), help: "With --grep: print only the names of the tasks.")
    var onlyNames = false

    @OptionGroup var location: LocationArguments

    func validate() throws {
        guard !names.isEmpty || follow || failed || grep != nil else {
            throw ValidationError("Name a task, or use --failed, --grep or -f.")
        }
        if let attempt, attempt < 1 { throw ValidationError("--attempt wants a number of at least 1.") }
        if let tail, tail < 0 { throw ValidationError("--tail wants a number of lines.") }
        if grep == nil, ignoresCase || onlyNames { throw ValidationError("-i and -l go with --grep.") }
        if grep != nil, follow || tail != nil { throw ValidationError("--grep goes with neither -f nor --tail.") }
        if follow, failed || attempt != nil {
            throw ValidationError("-f goes with neither --failed nor --attempt: what they name has ended.")
        }
    }

    func run() async throws {
        // Before anything is looked for: it may be wrong.
        let expression = try grep.map { try Expression($0, ignoresCase: ignoresCase) }
        let (view, state) = try location.find(nil, name)
        let tasks = try TaskSelection(names, onlyFailed: failed, in: view).tasks
        let shelf = try LogShelf(view, tasks, state)
        if let expression {
            let search = LogSearch(shelf: shelf, attempt: attempt, expression: expression)
            guard try search.run(onlyNames: onlyNames) else {
                try Output.check()
                throw ExitCode(1)
            }
            return
        }
        guard !tasks.isEmpty else {
            let what = names.isEmpty ? "no task of '\(Printable.text(view.record.name))'" : "none of these tasks"
            return Output.error("saturn: \(what) has failed\n")
        }
        let printing = LogPrinting(shelf: shelf, attempt: attempt, tail: tail)
        guard follow else { return try printing.run() }
        try await LogFollower(printing: printing, view: view, state: state).run()
    }
}

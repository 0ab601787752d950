import ArgumentParser
import SaturnCore

struct RunCommand: AsyncParsableCommand, StartsAlone {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the tasks of a run file that have no result yet.")

    @OptionGroup var arguments: RunArguments

    @Option(
        help: ArgumentHelp(
            "Sweep a parameter of the command behind --, without a run file.", valueName: "name=values"))
    var sweep: [String] = []

    @Flag(help: "Only print the run file that --sweep and the command stand for.")
    var print = false

    @Argument(parsing: .postTerminator, help: "A command to run instead of a run file, behind --.")
    var command: [String] = []

    @Flag(name: [.customShort("n"), .customLong("dry-run")], help: "Only show the plan.")
    var dryRun = false

    @Flag(help: "Run in the background; saturn collect follows it.")
    var detach = false

    /// Given by `--detach` to the process that does the work.
    @Flag(help: .hidden)
    var supervised = false

    /// Given to a supervisor that goes on with what another saturn has begun.
    @Flag(help: .hidden)
    var finish = false

    /// A temporary run file of it.
    private var draft: SweepFile?
    /// For `--print`.
    private var printed: String?

    private enum CodingKeys: CodingKey {
        case arguments, sweep, print, command, dryRun, detach, supervised, finish
    }

    func validate() throws {
        guard !sweep.isEmpty || !command.isEmpty || print else { return }
        if arguments.file.tasks != nil || arguments.file.file != "run.yaml" {
            throw ValidationError("A run file, or a command behind --, but not both.")
        }
    }

    mutating func prepare() throws {
        guard !sweep.isEmpty || !command.isEmpty || print else { return }
        try arguments.file.location.enter()
        arguments.file.location.change = nil
        let sweep = try CommandLineSweep(sweep, command: command, name: arguments.file.name)
        try sweep.check(overrides: arguments.file.set)
        if print { return printed = sweep.runFile() }
        let folder = try Paths.absolute(".")
        let state = try arguments.file.location.stateFolder(for: folder)
        let file = try dryRun ? SweepFile(temporary: sweep, from: folder) : SweepFile(sweep, in: state, from: folder)
        arguments.file.file = file.path
        arguments.file.location.state = state.path
        draft = file
    }

    func start() throws -> Bool {
        if let printed {
            Output.out(printed)
            return true
        }
        var isDone = true
        defer { if isDone { draft?.remove() } }
        try arguments.file.location.enter()
        isDone =
            try dryRun
            ? Shortcut.plan(arguments.file) : !supervised && !detach && Shortcut.run(arguments)
        return isDone
    }

    func run() async throws {
        defer { draft?.remove() }
        if dryRun { return try PlanCommand.show(arguments.file) }
        if supervised { return try await Supervisor(arguments: arguments, finishes: finish).run() }
        if detach { return try await Detachment(json: arguments.file.json).start() }
        try await Execution(arguments).execute()
    }
}

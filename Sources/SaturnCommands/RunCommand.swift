import ArgumentParser
import SaturnCore

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the tasks of a run file that have no result yet.")

    @OptionGroup var arguments: RunArguments

    @Flag(name: [.customShort("n"), .customLong("dry-run")], help: "Only show the plan.")
    var dryRun = false

    @Flag(help: "Run in the background; saturn collect follows it.")
    var detach = false

    /// Given by `--detach` to the process that does the work.
    @Flag(help: .hidden)
    var supervised = false

    /// What comes before ``run()`` and needs no threads, which take as long to make as all the rest of a run that has
    /// nothing to do. Returns whether it was all.
    func start() throws -> Bool {
        try arguments.file.location.enter()
        if dryRun {
            try PlanCommand.show(arguments.file)
            return true
        }
        return try !supervised && !detach && Shortcut.run(arguments)
    }

    func run() async throws {
        if supervised { return try await Supervisor(arguments: arguments).run() }
        if detach { return try await Detachment(json: arguments.file.json).start() }
        try await Execution(arguments).execute()
    }
}

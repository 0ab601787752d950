import ArgumentParser
import SaturnCore

struct RunCommand: AsyncParsableCommand, StartsAlone {
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

    /// Given to a supervisor that goes on with what another saturn has begun.
    @Flag(help: .hidden)
    var finish = false

    func start() throws -> Bool {
        try arguments.file.location.enter()
        if dryRun { return try Shortcut.plan(arguments.file) }
        return try !supervised && !detach && Shortcut.run(arguments)
    }

    func run() async throws {
        if dryRun { return try PlanCommand.show(arguments.file) }
        if supervised { return try await Supervisor(arguments: arguments, finishes: finish).run() }
        if detach { return try await Detachment(json: arguments.file.json).start() }
        try await Execution(arguments).execute()
    }
}

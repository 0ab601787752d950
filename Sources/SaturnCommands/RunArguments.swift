import ArgumentParser
import SaturnCore

/// What `run` executes, and how: all that another process needs to go on with it.
struct RunArguments: ParsableArguments {
    @OptionGroup var file: RunFileArguments

    @Flag(help: "Start nothing more after the first failure.")
    var failFast = false

    @Option(help: ArgumentHelp("Start nothing more after this many failures.", valueName: "n"))
    var maxFailures: Int?

    @Flag(name: [.customShort("k"), .long], help: "Go on after failures. This is what happens anyway.")
    var keepGoing = false

    @Flag(help: "Wait while the run or its results folder is in use.")
    var wait = false

    var failureLimit: Int? { failFast ? 1 : maxFailures }

    func validate() throws {
        if let maxFailures, maxFailures < 1 { throw ValidationError("--max-failures wants a number of at least 1.") }
    }

    /// Those that do the same again from any folder; the state folder is not among them.
    func repeated(run: String) throws -> [String] {
        var arguments = [try Paths.absolute(file.file)]
        if let tasks = file.tasks { arguments.append(try Paths.absolute(tasks)) }
        arguments.append("--name=\(run)")
        if let jobs = file.jobs { arguments.append("--jobs=\(jobs)") }
        arguments += file.set.map { "--set=\($0)" } + file.only.map { "--only=\($0)" }
        if file.force { arguments.append("--force") }
        if let failureLimit { arguments.append("--max-failures=\(failureLimit)") }
        return arguments
    }
}

import ArgumentParser
import SaturnCore
import SaturnEngine

/// What `run` executes, and how: all that another process needs to go on with it.
struct RunArguments: ParsableArguments {
    @OptionGroup var file: RunFileArguments

    @Flag(help: "Start nothing more after the first failure.")
    var failFast = false

    @Option(help: ArgumentHelp("Start nothing more after this many failures.", valueName: "n"))
    var maxFailures: Int?

    @Option(help: ArgumentHelp("How often a failed task is tried again, whatever the file says.", valueName: "n"))
    var retries: Int?

    @Flag(name: [.customShort("k"), .long], help: "Go on after failures. This is what happens anyway.")
    var keepGoing = false

    @Flag(help: "Wait while the run or its results folder is in use.")
    var wait = false

    var failureLimit: Int? { failFast ? 1 : maxFailures }

    func validate() throws {
        if let maxFailures, maxFailures < 1 { throw ValidationError("--max-failures wants a number of at least 1.") }
        if let retries, !(0...1000).contains(retries) {
            throw ValidationError("--retries wants a number from 0 to 1000.")
        }
    }

    /// Those that do the same again from any folder; the state folder is not among them.
    ///
    /// - Parameter state: for the record of a run: files of its project are named as seen from there, see
    ///   ``RunRecord/moved(to:)``.
    func repeated(run: String, in state: StateFolder? = nil) throws -> [String] {
        var arguments = try ([file.file] + (file.tasks.map { [$0] } ?? [])).map { name in
            let path = try Paths.absolute(name)
            return state.map { $0.relative(path) } ?? path
        }
        arguments.append("--name=\(run)")
        if let jobs = file.jobs { arguments.append("--jobs=\(jobs)") }
        arguments += file.set.map { "--set=\($0)" } + file.only.map { "--only=\($0)" }
        if file.force { arguments.append("--force") }
        if let retries { arguments.append("--retries=\(retries)") }
        if let failureLimit { arguments.append("--max-failures=\(failureLimit)") }
        return arguments
    }
}

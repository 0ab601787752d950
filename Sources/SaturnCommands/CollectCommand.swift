import ArgumentParser
import SaturnCore
import SaturnEngine
import SaturnLedger

struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect", abstract: "Follow a run to its end, and finish one that died.",
        discussion: """
            Ends with the run's exit code. When the run's saturn was killed, the tasks that it had not finished are \
            run here; failed ones are not tried again. With nothing outstanding it returns at once.
            """)

    @Argument(help: "The run file, when not called from its project.")
    var file: String?

    @Option(help: "The run; without it the newest.")
    var name: String?

    @Option(help: ArgumentHelp("Bring results that are in a bucket into this folder.", valueName: "dir"))
    var to: String?

    @Flag(help: "Print one JSON document on stdout.")
    var json = false

    @OptionGroup var location: LocationArguments

    func run() async throws {
        guard let to else { return try await collect() }
        try location.enter()
        // Before anything is waited for.
        let export = try Exporting(file: file, name: name, to: Paths.absolute(to), location: location)
        if export.hasRun {
            do { try await collect() } catch let code as ExitCode where code.rawValue == 1 {
                // What failed has a log, too.
                try export.bring()
                throw code
            }
        }
        try export.bring()
    }

    private func collect() async throws {
        let (first, state) = try location.find(file, name)
        let run = first.record.name
        while true {
            let view = try RunView.reading(run, state)
            if view.holder != nil {
                try await Follower(view: view, state: state).follow()
            } else if view.unfinished.isEmpty {
                return try CollectText.tell(view, json: json)
            } else if try await finish(view, state) {
                return
            }
        }
    }

    /// `false` when somebody else is at it.
    private func finish(_ view: RunView, _ state: StateFolder) async throws -> Bool {
        _ = try Ownership.store(at: view.record.location, for: state)
        var arguments = try RunArguments.parse(view.record.arguments)
        arguments.file.location.state = state.path
        arguments.file.json = json
        var execution = Execution(arguments)
        execution.finishes = true
        do { try await execution.execute() } catch let failure as Failure where failure.kind == .inUse {
            guard state.holder(of: view.record.name) != nil else { throw failure }
            return false
        }
        return true
    }
}

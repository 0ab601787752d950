import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine

struct TerminateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "terminate", abstract: "Stop a run's tasks.")

    @Argument(help: "The run file, when not called from its project.")
    var file: String?

    @Option(help: "The run; without it the newest.")
    var name: String?

    @OptionGroup var location: LocationArguments

    func run() async throws {
        let (view, state) = try location.find(file, name)
        guard let holder = view.holder else {
            return Output.out("\(Printable.text(view.record.name)): nothing is running\n")
        }
        // It holds the run's lock at this moment, so the number in the lock is its own.
        let words = holder.split(separator: " ")
        guard words.count >= 4, words[3] == RunCommand.host, let pid = pid_t(words[1]) else {
            throw Failure(.inUse, "run '\(view.record.name)' is run by \(holder)", hint: "stop it there")
        }
        guard kill(pid, SIGTERM) == 0 || errno == ESRCH else {
            throw Failure(.engine, "cannot stop process \(pid): \(String(cString: strerror(errno)))")
        }
        while state.holder(of: view.record.name) != nil { try await Task.sleep(nanoseconds: 50_000_000) }
        Output.out("\(Printable.text(view.record.name)): stopped process \(pid) and its tasks\n")
    }
}

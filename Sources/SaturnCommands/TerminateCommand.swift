import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger

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
        guard let holder = view.holder else { return Output.out(try endSurvivors(view, state)) }
        // It holds the run's lock at this moment, so the number in the lock is its own.
        let words = holder.split(separator: " ")
        guard words.count >= 4, words[3] == RunCommand.host, let pid = pid_t(words[1]) else {
            throw Failure(.inUse, "run '\(view.record.name)' is run by \(holder)", hint: "stop it there")
        }
        guard kill(pid, SIGTERM) == 0 || errno == ESRCH else {
            throw Failure(.engine, "cannot stop process \(pid): \(String(cString: strerror(errno)))")
        }
        // Stopped by Ctrl-Z it would not hear of it.
        kill(pid, SIGCONT)
        while state.holder(of: view.record.name) != nil { try await Task.sleep(nanoseconds: 50_000_000) }
        Output.out("\(Printable.text(view.record.name)): stopped process \(pid) and its tasks\n")
    }

    /// A saturn that was killed cannot end its tasks any more.
    private func endSurvivors(_ view: RunView, _ state: StateFolder) throws -> String {
        let name = Printable.text(view.record.name)
        // Another run that works in the same folder has tasks of the same names.
        let neighbours = try SQLiteLedger(reading: state.ledger).runs().filter { $0.location == view.record.location }
        guard view.state == "interrupted", neighbours.allSatisfy({ state.holder(of: $0.name) == nil }) else {
            return "\(name): nothing is running\n"
        }
        let ended = try Survivors.end(of: view.tasks.map(\.name), in: view.record.location)
        return ended == 0
            ? "\(name): nothing is running\n"
            : "\(name): ended \(counted(ended, "process")) that a killed saturn had left running\n"
    }
}

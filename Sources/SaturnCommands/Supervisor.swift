import Glibc
import SaturnCore
import SaturnEngine

/// The process that goes on with a detached run when its terminal is gone.
///
/// It begins with the stderr of whoever started it, so that what is wrong with a run file is told there. When the run is
/// under way it says so on its stdout, which is a pipe, and from then on writes into a file of the state folder.
struct Supervisor {
    var arguments: RunArguments
    /// It goes on with a run that another saturn has begun.
    var finishes: Bool

    /// What it writes when the run is under way; the rest of the line is the run's name.
    static let word = "begun "

    func run() async throws {
        var execution = Execution(arguments)
        execution.isSupervised = true
        execution.finishes = finishes
        execution.onBegin = { loaded in
            let path = loaded.folder.supervisorLog(of: loaded.run)
            let log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard log >= 0 else {
                throw Failure(.engine, "cannot make \(path): \(String(cString: strerror(errno)))")
            }
            dup2(log, STDERR_FILENO)
            Output.out(Self.word + loaded.run + "\n")
            dup2(log, STDOUT_FILENO)
            close(log)
        }
        try await execution.execute()
    }
}

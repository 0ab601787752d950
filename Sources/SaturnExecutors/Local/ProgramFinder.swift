import Glibc
import SaturnCore

/// Finds programs along PATH as execvp does, seen from the task's folder.
///
/// What was found is remembered for a moment, for the many tasks of one program that start one after the other. One of
/// them may put another program into an earlier folder: which of those that do not wait for it use that one is chance, a
/// moment more or less. A task that does wait for others looks everywhere. Where nothing was found, nothing is
/// remembered.
final class ProgramFinder {
    private struct Question: Hashable {
        var name: String
        var path: String
        var workdir: String
    }

    private var answers: [Question: String] = [:]
    private var since: Int64 = 0
    /// Nanoseconds.
    private static let moment: Int64 = 50_000_000

    /// The program to execute, or `nil` when there is none. One that may not be executed is the answer when there is no
    /// other, for exec to say so. What `isRemembered` may be gone.
    func find(_ name: String, path: String, _ launch: Launch) -> (program: String, isRemembered: Bool)? {
        let now = Clocks.uptime()
        if launch.followsOthers || now - since > Self.moment {
            forget()
            since = now
        }
        let question = Question(name: name, path: path, workdir: launch.workdir)
        if let program = answers[question] { return (program, true) }
        guard let (program, isGood) = Self.search(name, path: path, workdir: launch.workdir) else { return nil }
        if isGood { answers[question] = program }
        return (program, false)
    }

    func forget() { answers = [:] }

    private static func search(_ name: String, path: String, workdir: String) -> (program: String, isGood: Bool)? {
        guard !name.utf8.contains(UInt8(ascii: "/")) else { return (name, false) }
        var refused: String?
        for folder in path.split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = absolute(folder, in: workdir) + "/" + name
            var status = stat()
            guard stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            if access(candidate, X_OK) == 0 { return (candidate, true) }
            refused = refused ?? candidate
        }
        return refused.map { ($0, false) }
    }

    /// An empty `path` is the folder itself.
    static func absolute(_ path: some StringProtocol, in folder: String) -> String {
        path.hasPrefix("/") ? String(path) : path.isEmpty ? folder : "\(folder)/\(path)"
    }
}

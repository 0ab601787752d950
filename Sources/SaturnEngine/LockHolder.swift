import Glibc

/// Who has a lock: what is written into the locked file.
///
/// ```
/// process 4711 on box (saturn run /home/ada/run.yaml)
/// 4711 1835502
/// 91270c44-966c-44e7-aa84-e5c135bd949f /home/ada/.saturn
/// ```
/// The first line is for people. The second has the process's number and when it began, in ticks since the machine was
/// started: together they are nobody else's, also when the number is given to another process later. The third, in a results folder,
/// has the project that fills it and the folder of its state.
public struct LockHolder: Hashable, Sendable {
    public var words: String
    public var process: ProcessIdentity?
    public var host: String?
    public var project: String?
    public var state: String?

    /// This process, at work on the run file at `path`.
    public init(command: String, path: String) {
        process = .current
        host = Machine.host
        words = "process \(getpid()) on \(Machine.host) (saturn \(command) \(path))"
    }

    /// What a lock file says.
    public init(parsing text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        words = lines.first.map(String.init) ?? ""
        let parts = words.split(separator: " ")
        if parts.count >= 4, parts[0] == "process", parts[2] == "on" { host = String(parts[3]) }
        let numbers = lines.dropFirst().first?.split(separator: " ") ?? []
        if numbers.count == 2, let pid = pid_t(numbers[0]), let start = UInt64(numbers[1]) {
            process = ProcessIdentity(pid: pid, start: start)
        }
        guard lines.count > 2, let space = lines[2].firstIndex(of: " ") else { return }
        project = String(lines[2][..<space])
        state = String(lines[2][lines[2].index(after: space)...])
    }

    /// What the process does: `run`, `collect`.
    public var command: String? {
        guard let start = words.firstRange(of: " (saturn ")?.upperBound else { return nil }
        return words[start...].split(separator: " ").first.map(String.init)
    }

    public var text: String {
        let owner = project.flatMap { project in state.map { "\(project) \($0)\n" } } ?? ""
        return words + "\n" + (process.map { "\($0.pid) \($0.start)\n" } ?? "") + owner
    }

    /// - Parameters:
    ///   - project: its id.
    ///   - state: the folder of its state.
    public func owned(by project: String?, state: String) -> LockHolder {
        var holder = self
        (holder.project, holder.state) = (project, state)
        return holder
    }
}

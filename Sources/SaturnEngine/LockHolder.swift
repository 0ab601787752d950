import CSystem
import Glibc
import SaturnCore

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

/// A process by its number and when it began.
public struct ProcessIdentity: Hashable, Sendable {
    public var pid: Int32
    /// Ticks since the machine was started.
    public var start: UInt64

    public static var current: ProcessIdentity? { ProcessIdentity(of: getpid()) }

    init(pid: Int32, start: UInt64) {
        self.pid = pid
        self.start = start
    }

    /// `nil` when there is no such process.
    public init?(of pid: Int32) {
        // The name of the program, in parentheses, may have spaces and parentheses in it.
        guard let text = FileBytes.read("/proc/\(pid)/stat", limit: 4096).map({ String(decoding: $0, as: UTF8.self) }),
            let end = text.lastIndex(of: ")"), case let fields = text[end...].split(separator: " "),
            fields.count > 20, let start = UInt64(fields[20])
        else { return nil }
        self.init(pid: pid, start: start)
    }

    /// Sends a signal to exactly this process; `false` when it is no more.
    public func signal(_ number: Int32) throws -> Bool {
        let fd = csystem_pidfd_open(pid)
        guard fd >= 0 else { return false }
        defer { close(fd) }
        // Looked at with the descriptor open: from here on the number cannot become another's.
        guard ProcessIdentity(of: pid) == self else { return false }
        if csystem_pidfd_kill(fd, number) == 0 { return true }
        guard errno == ESRCH else {
            throw Failure(.engine, "cannot signal process \(pid): \(String(cString: strerror(errno)))")
        }
        return false
    }
}

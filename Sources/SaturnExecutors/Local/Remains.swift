import Glibc
import SaturnCore

/// Tasks whose leader has ended, and other processes of which have not all done so.
///
/// Those in the leader's group are killed as a group. Those that left it are found among the orphans that this
/// process adopts: they are still in the leader's session, or carry the attempt's id in their environment.
struct Remains {
    private struct Rest {
        var attempt: AttemptID
        var group: pid_t
        var exit: Exit
        var since: Int64
        /// Killed, outside of the group, and not waited for yet.
        var escaped: Set<pid_t> = []
    }

    /// Nanoseconds after which a process that does not die of SIGKILL, in the kernel, is not waited for any longer.
    private static let patience: Int64 = 10_000_000_000

    private var rests: [Rest] = []

    var isEmpty: Bool { rests.isEmpty }
    var count: Int { rests.count }

    /// `false` when nothing is left of the task whose leader has ended as `exit` says.
    mutating func take(_ attempt: AttemptID, group: pid_t, _ exit: Exit) -> Bool {
        var rest = Rest(attempt: attempt, group: group, exit: exit, since: Clocks.uptime())
        guard Self.endsMore(of: &rest) else { return false }
        rests.append(rest)
        return true
    }

    /// Those of which nothing is left any more.
    mutating func finished() -> [ExecutorEvent] {
        guard !rests.isEmpty else { return [] }
        var events: [ExecutorEvent] = []
        let now = Clocks.uptime()
        for index in rests.indices.reversed() {
            while waitpid(-rests[index].group, nil, WNOHANG) > 0 {}
            if Self.endsMore(of: &rests[index]), now - rests[index].since < Self.patience { continue }
            let rest = rests.remove(at: index)
            events.append(.exited(rest.attempt, rest.exit))
        }
        return events
    }

    /// Kills what is left; `false` when there is nothing. A group's number cannot be another's as long as one of its
    /// members exists.
    private static func endsMore(of rest: inout Rest) -> Bool {
        let hasGroup = kill(-rest.group, SIGKILL) == 0
        let mark = Array("SATURN_ATTEMPT_ID=\(rest.attempt)".utf8)[...]
        rest.escaped = Sessions.killOrphans { [rest] pid in
            rest.escaped.contains(pid) || getsid(pid) == rest.group
                || ProcFile.bytes("/proc/\(pid)/environ").split(separator: 0).contains { $0 == mark }
        }
        return hasGroup || !rest.escaped.isEmpty
    }
}

import Glibc
import SaturnCore

/// Tasks whose leader has ended, and other processes of which have not all done so.
///
/// Those in the leader's group are killed as a group. Those that left it are found among the orphans that this
/// process adopts: they are still in the leader's session, or carry the attempt's id in their environment, as their own
/// or, when the task is a saturn itself, as that of a parent.
struct Remains {
    private struct Rest {
        var attempt: AttemptID
        var group: pid_t
        var exit: Exit
        var since: Int64
        var looks = 0
        /// Killed, outside of the group, when it was last looked.
        var escaped: Set<pid_t> = []
    }

    /// Nanoseconds after which a process that does not die of SIGKILL, in the kernel, is not waited for any longer.
    static let patience: Int64 = 10_000_000_000
    /// Nanoseconds, and looks, after which an orphan without an environment is taken for one that has none. On a machine
    /// that stood still the time alone says nothing: the orphan had none of it.
    private static let doubt: (time: Int64, looks: Int) = (500_000_000, 100)

    private var rests: [Rest] = []
    /// Orphans without an environment; whose they are cannot be told.
    private var strangers: Set<pid_t> = []

    var isEmpty: Bool { rests.isEmpty }
    var count: Int { rests.count }

    /// `false` when nothing is left of the task whose leader has ended as `exit` says.
    mutating func take(_ attempt: AttemptID, group: pid_t, _ exit: Exit) -> Bool {
        let now = Clocks.uptime()
        var rest = Rest(attempt: attempt, group: group, exit: exit, since: now)
        guard endsMore(of: &rest, at: now) else { return false }
        rests.append(rest)
        return true
    }

    /// Those of which nothing is left any more.
    mutating func finished() -> [ExecutorEvent] {
        guard !rests.isEmpty else { return [] }
        var events: [ExecutorEvent] = []
        let now = Clocks.uptime()
        for index in rests.indices.reversed() {
            var rest = rests[index]
            while waitpid(-rest.group, nil, WNOHANG) > 0 {}
            if endsMore(of: &rest, at: now), now - rest.since < Self.patience {
                rests[index] = rest
            } else {
                rests.remove(at: index)
                events.append(.exited(rest.attempt, rest.exit))
            }
        }
        return events
    }

    private static let marks = ["SATURN_ATTEMPT_ID=", "SATURN_PARENTS="].map { Array($0.utf8) }

    /// Whether a process with this environment is one of the attempt's, or of what that has started.
    static func belongs(_ environment: [UInt8], to attempt: String) -> Bool {
        environment.split(separator: 0).contains { variable in
            marks.contains { mark in
                variable.starts(with: mark)
                    && variable.dropFirst(mark.count).split(separator: UInt8(ascii: " ")).contains {
                        $0.elementsEqual(attempt.utf8)
                    }
            }
        }
    }

    /// Kills what is left; `false` when there is nothing. A group's number cannot be another's as long as one of its
    /// members exists. Its members are orphans too, but not every kernel lists those.
    private mutating func endsMore(of rest: inout Rest, at now: Int64) -> Bool {
        rest.looks += 1
        let hasGroup = kill(-rest.group, SIGKILL) == 0
        let attempt = rest.attempt
        let escaped = rest.escaped
        var unclear: Set<pid_t> = []
        rest.escaped = Orphans.kill { pid in
            if escaped.contains(pid) || getsid(pid) == rest.group { return true }
            let environment = ProcFile("/proc/\(pid)/environ").bytes()
            if environment.isEmpty { unclear.insert(pid) }
            return Self.belongs(environment, to: attempt.description)
        }
        // One that is about to execute another program has no environment for a moment.
        strangers.formIntersection(unclear)
        if now - rest.since > Self.doubt.time, rest.looks > Self.doubt.looks { strangers.formUnion(unclear) }
        return hasGroup || !rest.escaped.isEmpty || !unclear.isSubset(of: strangers)
    }
}

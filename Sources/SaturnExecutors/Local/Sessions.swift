import CSystem
import Glibc
import Synchronization

/// The sessions that the executors of this process lead, by their leaders' numbers.
///
/// Several executors may live in one process, and others of its parts start programs too: who waits for a child that
/// is not his own takes its exit code away. So a task's leader is started and waited for under this lock, and what
/// is found ended beside the leaders is waited for only when it cannot have been started here: an orphan of a task
/// is in another session than this process, and what this process starts itself is in its own.
enum Sessions {
    private static let leaders = Mutex(Set<pid_t>())

    /// - Parameter spawn: the number of a new session's leader, or 0.
    static func start(_ spawn: () -> pid_t) {
        leaders.withLock { leaders in
            let pid = spawn()
            if pid > 0 { leaders.insert(pid) }
        }
    }

    /// Waits for a leader; like `csystem_pidfd_reap`.
    static func reap(_ pid: pid_t, _ pidfd: Int32, _ value: inout Int32) -> Int32 {
        leaders.withLock { leaders in
            let how = csystem_pidfd_reap(pidfd, &value)
            if how != 0 { leaders.remove(pid) }
            return how
        }
    }

    /// Waits for a leader that was killed and whose end is of no interest.
    static func abandon(_ pid: pid_t) {
        leaders.withLock { leaders in
            waitpid(pid, nil, 0)
            leaders.remove(pid)
        }
    }

    /// Waits for orphans of tasks that have ended; one by one, because a child that is somebody else's may have ended
    /// before them.
    static func reapOrphans() {
        leaders.withLock { leaders in
            guard csystem_stray_child() > 0 else { return }
            for pid in orphans(leaders) { waitpid(pid, nil, WNOHANG) }
        }
    }

    /// Kills those orphans for which `isDoomed` says so, and returns them. Their own children may be orphans after that.
    ///
    /// Safe to do by number: an orphan keeps it until it is waited for, which takes the lock.
    static func killOrphans(where isDoomed: (pid_t) -> Bool) -> Set<pid_t> {
        leaders.withLock { leaders in
            let doomed = orphans(leaders).filter(isDoomed)
            for pid in doomed {
                kill(pid, SIGKILL)
                waitpid(pid, nil, WNOHANG)
            }
            return Set(doomed)
        }
    }

    /// Children of the main thread that cannot have been started here: the kernel gives it the orphans.
    private static func orphans(_ leaders: Set<pid_t>) -> [pid_t] {
        let own = getsid(0)
        return ProcFile.bytes("/proc/self/task/\(getpid())/children").split(separator: UInt8(ascii: " ")).compactMap {
            pid_t(String(decoding: $0, as: UTF8.self))
        }.filter { !leaders.contains($0) && getsid($0) != own }
    }
}

enum ProcFile {
    /// What a file of the kernel says; nothing when it cannot be read.
    static func bytes(_ path: String) -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return [] }
        defer { close(fd) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = read(fd, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
        return bytes
    }
}

import CSystem
import Glibc
import Synchronization

/// Processes that tasks have left behind: their parent is gone, and this process, as the subreaper, has got them.
///
/// Several executors may live in one process, and others of its parts start programs too: who waits for a child that
/// is not his own takes its exit code away. An orphan is told from them by two things: the kernel gives it to the main
/// thread, while an executor's own children are those of its loop's thread; and it is in another session than this
/// process, where what this process starts otherwise is in its own.
enum Orphans {
    /// Held while one is killed by its number, which it keeps until somebody waits for it.
    private static let turn = Mutex(())

    /// Waits for those that have ended; one by one, because a child that is somebody else's may have ended before them.
    static func reap() {
        turn.withLock { _ in
            for pid in all() { waitpid(pid, nil, WNOHANG) }
        }
    }

    /// Kills those for which `isDoomed` says so, and returns them. Their own children may be orphans after that.
    static func kill(where isDoomed: (pid_t) -> Bool) -> Set<pid_t> {
        turn.withLock { _ in
            let doomed = all().filter(isDoomed)
            for pid in doomed {
                Glibc.kill(pid, SIGKILL)
                waitpid(pid, nil, WNOHANG)
            }
            return Set(doomed)
        }
    }

    /// How many executors of this process are at work.
    private static let users = Mutex(0)

    static func use() { users.withLock { $0 += 1 } }

    /// To be called when nothing of an executor runs any more. The last one kills the orphans that are left, whose tasks
    /// could not be told, and waits until they are gone.
    ///
    /// - Parameter patience: nanoseconds; what does not die of SIGKILL, in the kernel, is not waited for any longer.
    static func leave(patience: Int64) {
        users.withLock { $0 -= 1 }
        let end = Clocks.uptime() + patience
        // Their own children are orphans only after them. None of an executor that begins meanwhile is among them.
        while users.withLock({ $0 == 0 && !kill { _ in true }.isEmpty }), Clocks.uptime() < end { poll(nil, 0, 5) }
    }

    private static func all() -> [pid_t] {
        let listed = children.bytes()
        guard !listed.isEmpty else { return [] }
        let own = getsid(0)
        return listed.split(separator: UInt8(ascii: " ")).compactMap {
            pid_t(String(decoding: $0, as: UTF8.self))
        }.filter { getsid($0) != own }
    }

    /// Of the main thread. Open once for all: it is read whenever a task has ended.
    private static let children = ProcFile("/proc/self/task/\(getpid())/children")
}

/// A file of the kernel, which may say something else each time that it is read.
final class ProcFile: Sendable {
    private let descriptor: Int32

    init(_ path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// What it says; nothing when it cannot be read.
    func bytes() -> [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { chunk in
            while case let count = pread(descriptor, chunk.baseAddress, chunk.count, bytes.count), count > 0 {
                bytes += chunk[..<count]
            }
        }
        return bytes
    }
}

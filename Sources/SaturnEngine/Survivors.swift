import CSystem
import Glibc
import SaturnCore

/// Processes of tasks that a killed saturn left running.
///
/// They write to the folders that the next attempts of their tasks will have: before those begin they must be gone.
/// They are known by `SATURN_RESULTS_DIR` in their environment, which their own children inherit. Whoever looks for
/// them has the lock of the results folder, so that none of them is another run's.
public enum Survivors {
    /// Kills those that were started for one of `tasks` (names) in the store at `location`, and waits until they are
    /// gone; returns how many there were.
    ///
    /// Throws a ``Failure`` when one does not go.
    public static func end(of tasks: [String], in location: String) throws -> Int {
        guard !tasks.isEmpty else { return 0 }
        let marks = Set(tasks.map { Array("SATURN_RESULTS_DIR=\(location)/\($0)/results".utf8) })
        var ended = 0
        // Until a look finds none: what is killed may just have started another.
        for _ in 0..<100 {
            let found = try find(marks)
            if found.isEmpty { return ended }
            ended += found.count
            for fd in found { csystem_pidfd_kill(fd, SIGKILL) }
            for fd in found {
                var waited = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
                poll(&waited, 1, 10_000)
                close(fd)
            }
        }
        throw Failure(
            .inUse, "processes of an earlier run still write to this one's folders, and cannot be ended",
            hint: "look for SATURN_RESULTS_DIR in /proc/*/environ")
    }

    /// Descriptors of the processes, which no other process can take over as it could a number.
    private static func find(_ marks: Set<[UInt8]>) throws -> [Int32] {
        try FileBytes.names(in: "/proc").compactMap { name in
            guard let pid = pid_t(name), pid != getpid(), case let fd = csystem_pidfd_open(pid), fd >= 0 else {
                return nil
            }
            let environment = FileBytes.read("/proc/\(pid)/environ", limit: 1 << 22) ?? []
            if environment.split(separator: 0).contains(where: { marks.contains(Array($0)) }), !isZombie(pid) {
                return fd
            }
            close(fd)
            return nil
        }
    }

    /// Ended, and not waited for by whoever should: it writes nothing any more.
    private static func isZombie(_ pid: pid_t) -> Bool {
        let text = String(decoding: FileBytes.read("/proc/\(pid)/stat", limit: 4096) ?? [], as: UTF8.self)
        return text.split(separator: ")").last?.hasPrefix(" Z") ?? true
    }
}

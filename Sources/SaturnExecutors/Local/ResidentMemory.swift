import Glibc
import SaturnCore

/// How much memory tasks have, where the kernel does not count it for them.
enum ResidentMemory {
    struct Bound {
        var limit: Int
        var attempt: AttemptID
    }

    /// Of the tasks whose leaders these are, those that have more than they may.
    ///
    /// A task's are its session, all that descends from it, and what this process has adopted and is known by its
    /// environment.
    static func over(_ limits: [pid_t: Bound]) -> Set<pid_t> {
        let processes = Dictionary(ProcessStat.all().map { ($0.pid, $0) }) { first, _ in first }
        var members: [pid_t: [pid_t]] = [:]
        for pid in processes.keys {
            if let leader = leader(of: pid, processes, limits) { members[leader, default: []].append(pid) }
        }
        return Set(
            members.keys.filter { leader in
                guard let limit = limits[leader]?.limit, let pids = members[leader] else { return false }
                let most = pids.reduce(0) { $0 + (processes[$1]?.resident ?? 0) }
                return most > limit && pids.reduce(0, { $0 + (own($1) ?? processes[$1]?.resident ?? 0) }) > limit
            })
    }

    private static func leader(
        of pid: pid_t, _ processes: [pid_t: ProcessStat], _ limits: [pid_t: Bound]
    ) -> pid_t? {
        let own = getpid()
        var (next, steps) = (pid, 0)
        // The processes were not read at one moment: a circle is possible.
        while let process = processes[next], steps < 1000 {
            if limits[process.session] != nil { return process.session }
            if process.parent == own { return leader(ofAdopted: next, limits) }
            (next, steps) = (process.parent, steps + 1)
        }
        return nil
    }

    private static func leader(ofAdopted pid: pid_t, _ limits: [pid_t: Bound]) -> pid_t? {
        let environment = ProcFile("/proc/\(pid)/environ").bytes()
        guard !environment.isEmpty else { return nil }
        return limits.first { Remains.belongs(environment, to: $0.value.attempt.description) }?.key
    }

    /// Bytes; what several processes share is a part for each, and what can be read again from a file is left out.
    private static func own(_ pid: pid_t) -> Int? {
        let text = ProcFile("/proc/\(pid)/smaps_rollup").bytes()
        var total: Int?
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            guard words.count >= 2, ["Pss_Anon:", "Pss_Shmem:"].contains(words[0]), let size = Int(words[1]) else {
                continue
            }
            total = (total ?? 0) + size * 1024
        }
        return total
    }
}

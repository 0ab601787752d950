import Glibc

/// Makes control groups that bound the memory of a task, where this process may.
///
/// In the first version of the kernel's interface they stand below this process's own group, in the second beside it:
/// there a group with processes of its own has none with limits below it.
final class Cgroups {
    private let base: String
    private let isUnified: Bool
    private let prefix: String
    private var count = 0
    /// Ended, and not removed yet: the kernel may take a moment to forget its last process.
    private var emptied: [Cgroup] = []

    /// `nil` where there are none to be had.
    init?() {
        guard let process = ProcessStat(getpid()), let own = CgroupPlace.own, let base = own.baseForLimits else {
            return nil
        }
        (self.base, isUnified) = (base, own.isUnified)
        prefix = "saturn-\(process.pid)-\(process.start)-"
        removeLeftovers()
    }

    /// `nil` when it cannot be made.
    func make(limit: Int) -> Cgroup? {
        count += 1
        return Cgroup(base + "/" + prefix + "\(count)", limit: limit, isUnified: isUnified)
    }

    func remove(_ cgroup: Cgroup) {
        emptied.append(cgroup)
        removeEmptied()
    }

    func removeEmptied() { emptied.removeAll { $0.remove() } }

    /// Of saturns that were killed; one with processes in it cannot be removed.
    private func removeLeftovers() {
        for name in FolderNames.of(base) ?? [] {
            let words = name.split(separator: "-")
            guard words.count == 4, words[0] == "saturn", let pid = pid_t(words[1]), let start = UInt64(words[2]),
                ProcessStat(pid)?.start != start
            else { continue }
            rmdir(base + "/" + name)
        }
    }
}

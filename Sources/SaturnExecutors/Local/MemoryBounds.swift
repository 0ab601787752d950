import Glibc
import SaturnCore

/// Sees to it that no task has more memory than it may: by control groups where these can be had, else by looking.
struct MemoryBounds {
    private struct Bounded {
        var limit: Int
        var leader: pid_t = 0
        var cgroup: Cgroup?
        var isExceeded = false
    }

    /// Milliseconds between two looks.
    static let interval: Int32 = 200

    private var tasks: [AttemptID: Bounded] = [:]
    private lazy var cgroups = Cgroups()
    private var looked: Int64 = 0

    var isEmpty: Bool { tasks.isEmpty }

    /// The open list of the group that the task is to be in; -1 when there is none.
    mutating func prepare(_ launch: Launch) -> Int32 {
        guard let limit = launch.resources?.memory(onStep: 0) else { return -1 }
        let bounded = Bounded(limit: limit, cgroup: cgroups?.make(limit: limit))
        tasks[launch.attempt] = bounded
        return bounded.cgroup?.processes ?? -1
    }

    mutating func started(_ attempt: AttemptID, leader: pid_t) { tasks[attempt]?.leader = leader }

    /// It could not be made to be in its group.
    mutating func doWithoutGroup(_ attempt: AttemptID) {
        if let cgroup = tasks[attempt]?.cgroup { cgroups?.remove(cgroup) }
        tasks[attempt]?.cgroup = nil
    }

    /// Those that were found, since it was last looked, to have taken more; `now` in nanoseconds.
    mutating func exceeded(_ now: Int64) -> [AttemptID] {
        guard !tasks.isEmpty, now - looked >= Int64(Self.interval) * 1_000_000 else { return [] }
        looked = now
        cgroups?.removeEmptied()
        let running = tasks.filter { $0.value.leader != 0 && !$0.value.isExceeded }
        let alone = running.filter { $0.value.cgroup == nil }.map { attempt, task in
            (task.leader, ResidentMemory.Bound(limit: task.limit, attempt: attempt))
        }
        let over = alone.isEmpty ? [] : ResidentMemory.over(Dictionary(alone) { $1 })
        let found = running.filter { $0.value.cgroup?.isExceeded ?? over.contains($0.value.leader) }.map(\.key)
        for attempt in found { tasks[attempt]?.isExceeded = true }
        return found
    }

    /// Nothing of it runs any more; how it ended, where that is another word for having taken too much.
    mutating func ended(_ attempt: AttemptID) -> Exit? {
        guard let task = tasks.removeValue(forKey: attempt) else { return nil }
        let isExceeded = task.isExceeded || task.cgroup?.isExceeded ?? false
        if let cgroup = task.cgroup { cgroups?.remove(cgroup) }
        return isExceeded ? .outOfMemory(Quantity.text(task.limit)) : nil
    }
}

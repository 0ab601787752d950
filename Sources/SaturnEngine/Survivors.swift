import CSystem
import Glibc
public import SaturnCore

/// Processes of tasks that a killed saturn left running.
///
/// They write to the folders that the next attempts of their tasks will have: before those begin they must be gone.
/// They are known by `SATURN_RESULTS_DIR` in their environment, which their own children inherit; those that a saturn
/// in a task has started, by `SATURN_PARENTS`. Whoever looks for them has the lock of the results folder, so that none of
/// them is another run's.
public enum Survivors {
    /// What there is to say of those that were ended; `nil` of none.
    public static func words(_ ended: [Survivor]) -> String? {
        guard !ended.isEmpty else { return nil }
        let noun = ended.count == 1 ? "a process" : "\(ended.count) processes"
        return "ended \(noun) that a killed saturn had left running"
    }

    /// Kills those that were started for one of `tasks` (names; `nil` is any) in the store at `location`, or for one of
    /// `attempts`, and waits until they are gone; returns them. Those of the spared attempts are left alone: they are an
    /// engine's, which goes on. Neither this process nor one that it comes from is among
    /// them.
    ///
    /// Throws a ``Failure`` when one does not go.
    public static func end(
        of tasks: [String]?, attempts: [AttemptID] = [], sparing spared: Set<AttemptID> = [], in location: String
    ) throws -> [Survivor] {
        guard tasks?.isEmpty != true || !attempts.isEmpty else { return [] }
        var search = SurvivorSearch(tasks, attempts, sparing: spared, in: location)
        var ended: [Survivor] = []
        var doubts = 0
        // Until a look finds none: what is killed may just have started another, and tells the ids of its children.
        for _ in 0..<100 {
            let found = try search.look()
            if found.isEmpty {
                doubts += 1
                // On a busy machine there is always one that just becomes another program.
                if !search.isUnclear || doubts == 20 { return ended }
                poll(nil, 0, 5)
            }
            ended += found.map(\.survivor)
            for one in found { csystem_pidfd_kill(one.pidfd, SIGKILL) }
            for one in found {
                var waited = pollfd(fd: one.pidfd, events: Int16(POLLIN), revents: 0)
                poll(&waited, 1, 10_000)
                close(one.pidfd)
            }
        }
        throw Failure(
            .inUse, "processes of an earlier run still write to this one's folders, and cannot be ended",
            hint: "look for SATURN_RESULTS_DIR in /proc/*/environ")
    }
}

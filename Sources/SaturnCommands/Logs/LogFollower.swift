import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger

/// Follows logs while a run goes on: of tasks that run, and of others once they do. Nothing is open for one that does not.
struct LogFollower {
    private let printing: LogPrinting
    private let run: String
    private let state: StateFolder
    private var tasks: [TaskRecord]
    /// Of those whose logs are not at their end, by place among the tasks.
    private var waiting: [Int]
    /// Of those that have begun before anybody followed, as far as the ledger knew.
    private let begunBefore: Set<Int>
    private var open: [Int: any LogSource] = [:]
    private var missing: [TaskRecord] = []
    /// When the ledger is read again, in nanoseconds of uptime.
    private var nextReading: Int64 = 0
    /// Whether it was read since the logs were looked at.
    private var isFresh = false

    init(printing: LogPrinting, view: RunView, state: StateFolder) {
        self.printing = printing
        self.state = state
        run = view.record.name
        tasks = printing.shelf.tasks
        waiting = Array(tasks.indices)
        begunBefore = Set(waiting.filter { LogShelf.hasLog(printing.shelf.tasks[$0]) })
        Self.allowManyFiles()
    }

    /// Returns when the tasks have ended, or the run, or nobody reads any more.
    func run() async throws {
        var follower = self
        var isLive = true
        while isLive, !follower.waiting.isEmpty {
            // Looked at before reading: what is written until the end is read after it.
            isLive = state.holder(of: run) != nil
            try follower.readLedger(isLast: !isLive)
            guard try follower.copy(isLive: isLive) else { return }
            if isLive, !follower.waiting.isEmpty { try await Task.sleep(nanoseconds: 100_000_000) }
        }
        try follower.checkEnd()
        try follower.printing.shelf.report(missing: follower.missing, attempt: nil)
    }

    /// Nobody goes on with what was followed: its saturn was killed.
    private func checkEnd() throws {
        guard state.holder(of: run) == nil, tasks.contains(where: { !$0.state.isSettled }),
            try SQLiteLedger(reading: state.ledger).runs().first(where: { $0.name == run })?.state == .running
        else { return }
        throw RunView.unfinished(run)
    }

    /// As many at once as the system lets us: a cluster may run thousands of tasks.
    private static func allowManyFiles() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Reading a large plan must not keep the machine busy.
    private mutating func readLedger(isLast: Bool) throws {
        let began = SystemClock().uptime()
        isFresh = isLast || began >= nextReading
        guard isFresh else { return }
        let records = try SQLiteLedger(reading: state.ledger).tasks(of: run)
        let byName = Dictionary(records.map { ($0.name, $0) }) { first, _ in first }
        for index in waiting { tasks[index] = byName[tasks[index].name] ?? tasks[index] }
        let now = SystemClock().uptime()
        nextReading = now + max(500_000_000, (now - began) * 20)
    }

    private mutating func copy(isLive: Bool) throws -> Bool {
        var rest: [Int] = []
        for index in waiting {
            let hasBegun = LogShelf.hasLog(tasks[index])
            guard hasBegun || !isLive else {
                if !tasks[index].state.isSettled { rest.append(index) } else { missing.append(tasks[index]) }
                continue
            }
            let goesOn = isLive && isRunning(tasks[index])
            if isFresh, open[index] == nil {
                let isNew = hasBegun && !begunBefore.contains(index)
                open[index] = try printing.source(index, as: tasks[index], isNew: isNew)
            }
            guard try open[index]?.copy(isLast: !goesOn) ?? true else { return false }
            if goesOn { rest.append(index) } else if try !end(index) { return false }
        }
        waiting = rest
        return true
    }

    private func isRunning(_ task: TaskRecord) -> Bool {
        (task.state == .running || task.isBetweenAttempts)
            && access(printing.shelf.folder(of: task) + "/status", F_OK) != 0
    }

    private mutating func end(_ index: Int) throws -> Bool {
        guard var source = open.removeValue(forKey: index) else {
            missing.append(tasks[index])
            return true
        }
        defer { source.close() }
        return source.finish()
    }
}

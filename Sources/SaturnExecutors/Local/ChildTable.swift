import CSystem
import Glibc
import SaturnCore

/// The processes of one loop: those that wait for a slot, those that run, those whose group is being ended.
final class ChildTable: @unchecked Sendable {
    // Safe: made by `start()` and handed to the one thread of the loop, which alone uses it.

    private struct Child {
        var attempt: AttemptID
        var pid: pid_t
        var pidfd: Int32
        /// To end, while it ran.
        var wasAsked = false
    }

    private struct Masked {
        var tag: UInt64
        var log: MaskedLog
    }

    private let slots: Int
    private let epoll: Int32
    private let null: Int32
    private let starter: ProcessStarter
    private var waiting: [Launch] = []
    private var nextWaiting = 0
    private var children: [UInt64: Child] = [:]
    private var tags: [AttemptID: UInt64] = [:]
    private var masked: [AttemptID: Masked] = [:]
    private var remains = Remains()
    private var bounds = MemoryBounds()
    private var lastTag: UInt64 = 0
    private var events: [ExecutorEvent] = []
    private var ready = [epoll_event](repeating: epoll_event(), count: 64)
    private var isClosing = false
    private var isThrottled = false
    /// Since when nothing can be started, though nothing of ours runs.
    private var shortage: Int64?
    /// Nanoseconds for which others may have taken all processes or descriptors of the machine.
    private static let patience: Int64 = 10_000_000_000

    init(slots: Int, environment: [String], wake: Int32) throws {
        self.slots = slots
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        starter = ProcessStarter(environment: environment, null: null)
        guard epoll >= 0, null >= 0, csystem_epoll_add(epoll, wake, 0) == 0, csystem_keep_ended_children() == 0 else {
            throw Failure.system("cannot watch processes")
        }
        _ = csystem_become_subreaper()
    }

    deinit {
        if epoll >= 0 { Glibc.close(epoll) }
        if null >= 0 { Glibc.close(null) }
    }

    var isIdle: Bool { children.isEmpty && remains.isEmpty && nextWaiting == waiting.count }

    func takeEvents() -> [ExecutorEvent] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    /// Waits until something happened, or only looks, when it `isAsked` for something; `true` when somebody woke it.
    func wait(isAsked: Bool) -> Bool {
        let patience: Int32 = remains.isEmpty ? (isThrottled ? 100 : bounds.isEmpty ? -1 : MemoryBounds.interval) : 5
        isThrottled = false
        let count = epoll_wait(epoll, &ready, Int32(ready.count), isAsked ? 0 : patience)
        var isWoken = false
        let running = children.count
        for event in ready.prefix(Int(max(0, count))) {
            if event.data.u64 == 0 { isWoken = true } else { attend(to: event.data.u64) }
        }
        for attempt in bounds.exceeded(Clocks.uptime()) { cancel(attempt, force: true) }
        // Orphans come from processes that end.
        guard children.count < running || !remains.isEmpty else { return isWoken }
        for event in remains.finished() { finish(event) }
        Orphans.reap()
        return isWoken
    }

    private func attend(to tag: UInt64) {
        if children[tag] != nil { return reap(tag) }
        guard let log = masked.values.first(where: { $0.tag == tag })?.log else { return }
        // When every writer has closed it there is nothing to wait for any more.
        if log.copy() == .ended { _ = epoll_ctl(epoll, EPOLL_CTL_DEL, log.output, nil) }
    }

    func add(_ launches: [Launch]) {
        if isClosing {
            events += launches.map { .exited($0.attempt, .cancelled) }
        } else {
            waiting += launches
        }
    }

    func cancel(_ attempt: AttemptID, force: Bool) {
        if let tag = tags[attempt], let child = children[tag] {
            if csystem_pidfd_has_ended(child.pidfd) == 0 { children[tag]?.wasAsked = true }
            // It was not waited for yet, so its number is its own.
            kill(-child.pid, force ? SIGKILL : SIGTERM)
        } else if let index = waiting[nextWaiting...].firstIndex(where: { $0.attempt == attempt }) {
            waiting.remove(at: index)
            events.append(.exited(attempt, .cancelled))
        }
    }

    /// Nothing more is started, and what runs is killed.
    func close() {
        isClosing = true
        events += waiting[nextWaiting...].map { .exited($0.attempt, .cancelled) }
        waiting = []
        nextWaiting = 0
        for child in children.values { kill(-child.pid, SIGKILL) }
    }

    /// Starts what waits while there are slots.
    func fill() {
        while !isThrottled, nextWaiting < waiting.count, children.count + remains.count < slots {
            let launch = waiting[nextWaiting]
            nextWaiting += 1
            start(launch)
        }
        if nextWaiting == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            nextWaiting = 0
        }
    }

    private func start(_ launch: Launch) {
        switch starter.start(launch, &bounds) {
        case .started(let pid, let log): watch(pid, launch, log)
        case .exhausted(let problem): retryLater(launch, problem)
        case .failed(let problem, let code):
            events.append(.exited(launch.attempt, .notStarted(problem, code: code)))
        }
    }

    private func watch(_ pid: pid_t, _ launch: Launch, _ log: MaskedLog?) {
        let pidfd = csystem_pidfd_open(pid)
        if let log {
            lastTag += 1
            guard csystem_epoll_add(epoll, log.output, lastTag) == 0 else { return abandon(launch, pid, pidfd) }
            masked[launch.attempt] = Masked(tag: lastTag, log: log)
        }
        lastTag += 1
        guard pidfd >= 0, csystem_epoll_add(epoll, pidfd, lastTag) == 0 else {
            return abandon(launch, pid, pidfd)
        }
        shortage = nil
        children[lastTag] = Child(attempt: launch.attempt, pid: pid, pidfd: pidfd)
        tags[launch.attempt] = lastTag
        events.append(.started(launch.attempt, at: Clocks.now(), uptime: Clocks.uptime()))
    }

    /// Out of descriptors: a process that cannot be watched does not run.
    private func abandon(_ launch: Launch, _ pid: pid_t, _ pidfd: Int32) {
        let problem = String(cString: strerror(errno))
        kill(-pid, SIGKILL)
        waitpid(pid, nil, 0)
        masked[launch.attempt] = nil
        _ = bounds.ended(launch.attempt)
        if pidfd >= 0 { Glibc.close(pidfd) }
        retryLater(launch, "cannot watch a process: \(problem)")
    }

    /// The machine is short of processes or descriptors: wait for one of ours to end, or for a while. When it stays so,
    /// that is no task's fault: none of them is failed, and the run ends.
    private func retryLater(_ launch: Launch, _ problem: String) {
        nextWaiting -= 1
        waiting[nextWaiting] = launch
        isThrottled = true
        guard children.isEmpty, remains.isEmpty else { return shortage = nil }
        let since = shortage ?? Clocks.uptime()
        shortage = since
        guard Clocks.uptime() - since >= Self.patience else { return }
        shortage = nil
        let seconds = Self.patience / 1_000_000_000
        events.append(
            .fatal(
                Failure(
                    .engine, "no task can be started for \(seconds) s: \(problem)",
                    hint: "see ulimit -u and ulimit -n, or end other programs")))
        close()
    }

    private func reap(_ tag: UInt64) {
        guard let child = children[tag] else { return }
        // The leader is a zombie and holds its number: what is left of its group can be ended safely.
        kill(-child.pid, SIGKILL)
        var value: Int32 = 0
        let how = csystem_pidfd_reap(child.pidfd, &value)
        guard how != 0 else { return }
        _ = epoll_ctl(epoll, EPOLL_CTL_DEL, child.pidfd, nil)
        Glibc.close(child.pidfd)
        children[tag] = nil
        tags[child.attempt] = nil
        let exit: Exit =
            switch how {
            case 1: child.wasAsked && value == 0 ? .gaveWay : .code(value)
            case 2: .signal(value)
            default: .lost("it was waited for elsewhere")
            }
        if !remains.take(child.attempt, group: child.pid, exit) { finish(.exited(child.attempt, exit)) }
    }

    /// Nobody writes into the task's log any more.
    private func finish(_ event: ExecutorEvent) {
        guard case .exited(let attempt, let exit, _) = event else { return events.append(event) }
        masked.removeValue(forKey: attempt)?.log.finish()
        events.append(.exited(attempt, bounds.ended(attempt) ?? exit))
    }
}

import CSystem
import Glibc
import SaturnCore
import Synchronization

/// The thread that starts local processes, waits for them on pidfds, and ends their groups.
///
/// One thread does all of it, so that a process's number is never used after it was waited for. Whoever hears of the
/// events may work on it too: a task that is over in a millisecond is not worth four changes of threads.
final class ProcessLoop: TaskExecutor {
    /// What other threads ask of the loop.
    struct Inbox: Sendable {
        var launches: [Launch] = []
        var cancels: [(attempt: AttemptID, force: Bool)] = []
        fileprivate var stops: [CheckedContinuation<Void, Never>] = []
        fileprivate var jobs: [UnownedJob] = []
        /// Somebody reads it.
        fileprivate var isRead = false
        /// And has to be woken for that.
        fileprivate var isAsleep = false

        fileprivate var isEmpty: Bool { launches.isEmpty && cancels.isEmpty && stops.isEmpty && jobs.isEmpty }
    }

    private let slots: Int
    private let environment: [String]
    private let inbox = Mutex(Inbox())
    private let wake: Int32

    init(slots: Int, environment: [String]) throws {
        self.slots = slots
        self.environment = environment
        wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else { throw Failure.system("cannot make an eventfd") }
    }

    deinit { close(wake) }

    func post(_ change: (inout Inbox) -> Void) {
        let isAsleep = inbox.withLock { inbox in
            change(&inbox)
            defer { inbox.isAsleep = false }
            return inbox.isAsleep
        }
        guard isAsleep else { return }
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        var isRead = false
        post { inbox in
            isRead = inbox.isRead
            if isRead { inbox.jobs.append(job) }
        }
        if !isRead { globalConcurrentExecutor.enqueue(job) }
    }

    func start(_ deliver: @escaping @Sendable ([ExecutorEvent]) -> Void) throws {
        // For this loop, for the ledger, for a task.
        let shortage = csystem_spare_threads(3)
        guard shortage == 0 else { throw Failure.noThread(String(cString: strerror(shortage))) }
        let children = try ChildTable(slots: slots, environment: environment, wake: wake)
        inbox.withLock { $0.isRead = true }
        Orphans.use()
        do {
            try startThread { [self] in run(children, deliver) }
        } catch {
            inbox.withLock { $0.isRead = false }
            Orphans.leave(patience: 0)
            throw error
        }
    }

    /// Returns when all has ended; at once when nothing was started, or it was stopped before.
    func stop() async {
        await withCheckedContinuation { continuation in
            var isRead = false
            post { inbox in
                isRead = inbox.isRead
                if isRead { inbox.stops.append(continuation) }
            }
            if !isRead { continuation.resume() }
        }
    }

    private func run(_ children: ChildTable, _ deliver: ([ExecutorEvent]) -> Void) {
        csystem_drop_child_signals()
        var stops: [CheckedContinuation<Void, Never>] = []
        var rounds = 0
        while true {
            let asked = drain()
            stops += asked.stops
            if !asked.stops.isEmpty { children.close() }
            children.add(asked.launches)
            for cancel in asked.cancels { children.cancel(cancel.attempt, force: cancel.force) }
            children.fill()
            let events = children.takeEvents()
            if !events.isEmpty { deliver(events) }
            for job in asked.jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
            if !stops.isEmpty, children.isIdle { break }
            rounds += 1
            // What follows from what was just done comes first, but not for ever: processes end meanwhile.
            if rounds < 100, hasMail { continue }
            rounds = 0
            if children.wait(isAsked: !fallsAsleep()) { clearWake() }
        }
        Orphans.leave(patience: Remains.patience)
        let rest = drain(isLast: true)
        for job in rest.jobs { globalConcurrentExecutor.enqueue(job) }
        for stop in stops + rest.stops { stop.resume() }
    }

    private var hasMail: Bool { inbox.withLock { !$0.isEmpty } }

    /// `false` when there is something to do first.
    private func fallsAsleep() -> Bool {
        inbox.withLock { inbox in
            inbox.isAsleep = inbox.isEmpty
            return inbox.isAsleep
        }
    }

    private func drain(isLast: Bool = false) -> Inbox {
        inbox.withLock { inbox in
            defer {
                inbox = Inbox()
                inbox.isRead = !isLast
            }
            return inbox
        }
    }

    private func clearWake() {
        var count: UInt64 = 0
        _ = read(wake, &count, 8)
    }
}

/// Runs `body` on a thread of its own, which is never waited for.
func startThread(_ body: @escaping @Sendable () -> Void) throws {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let error = pthread_create(
        &thread, nil,
        { @Sendable argument in
            guard let argument else { return nil }
            Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    guard error == 0 else {
        box.release()
        throw Failure.noThread(String(cString: strerror(error)))
    }
    pthread_detach(thread)
}

extension Failure {
    static func system(_ what: String, _ error: Int32 = errno) -> Failure {
        Failure(.engine, "\(what): \(String(cString: strerror(error)))")
    }
}

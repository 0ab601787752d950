import CSystem
import Glibc
import SaturnCore
import Synchronization

/// The thread that starts local processes, waits for them on pidfds, and ends their groups.
///
/// One thread does all of it, so that a process's number is never used after it was waited for.
final class ProcessLoop: Sendable {
    /// What other threads ask of the loop.
    struct Inbox: Sendable {
        var launches: [Launch] = []
        var cancels: [(attempt: AttemptID, force: Bool)] = []
        fileprivate var stops: [CheckedContinuation<Void, Never>] = []
        /// Somebody reads it.
        fileprivate var isRead = false
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
        inbox.withLock { change(&$0) }
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
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
        var stops: [CheckedContinuation<Void, Never>] = []
        while true {
            let asked = children.wait() ? drain() : Inbox()
            stops += asked.stops
            if !asked.stops.isEmpty { children.close() }
            children.add(asked.launches)
            for cancel in asked.cancels { children.cancel(cancel.attempt, force: cancel.force) }
            children.fill()
            let events = children.takeEvents()
            if !events.isEmpty { deliver(events) }
            if !stops.isEmpty, children.isIdle { break }
        }
        Orphans.leave(patience: Remains.patience)
        stops += inbox.withLock { inbox in
            inbox.isRead = false
            return inbox.stops
        }
        for stop in stops { stop.resume() }
    }

    private func drain() -> Inbox {
        var count: UInt64 = 0
        _ = read(wake, &count, 8)
        return inbox.withLock { inbox in
            defer {
                inbox = Inbox()
                inbox.isRead = true
            }
            return inbox
        }
    }
}

/// Runs `body` on a thread of its own, which is never waited for.
private func startThread(_ body: @escaping @Sendable () -> Void) throws {
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

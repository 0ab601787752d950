import CSystem
import Dispatch
import Glibc
public import SaturnCore
import Synchronization

/// Runs tasks on an engine that is reached by way of a bridge, a script in the engine's own language.
///
/// One thread writes the requests, reads the events and fills workspaces.
public final class BridgeExecutor: Executor {
    private struct Inbox {
        var launches: [Launch] = []
        var cancels: [(attempt: AttemptID, how: BridgeRequest.Cancel)] = []
        var releases: [AttemptID] = []
        var leaving: BridgeRequest?
        var isInterrupted = false
        var stops: [CheckedContinuation<Void, Never>] = []
        var isRead = false

        mutating func add(_ later: Inbox) {
            launches += later.launches
            cancels += later.cancels
            releases += later.releases
            leaving = leaving ?? later.leaving
            stops += later.stops
            isInterrupted = isInterrupted || later.isInterrupted
        }
    }

    public let slots: Int
    public let identity: [Manifest.Value] = []
    public let outlivesSaturn = true
    public var sharesDisk: Bool { bridge.isShared }
    public var hasLeftovers: Bool { ExecutorMemory.isThere(bridge.folder) }
    private let bridge: Bridge
    private let inbox = Mutex(Inbox())
    /// Attempts that an earlier saturn has launched.
    private let earlier = Mutex<Set<String>>([])
    private let wake: Int32
    private let news = Atomic<Int64>(0)
    public var lastNews: Int64 { news.load(ordering: .relaxed) }

    /// - Parameter slots: how many attempts the engine is given at once.
    init(_ bridge: Bridge, slots: Int) throws {
        self.bridge = bridge
        self.slots = slots
        wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else { throw Failure.system("cannot make an eventfd") }
    }

    deinit { close(wake) }

    public func problems(with tasks: [TaskSpec]) -> [Diagnostic] { tasks.flatMap(bridge.problems) }

    /// Returns when the engine is reached.
    public func start(_ deliver: @escaping @Sendable ([ExecutorEvent]) -> Void) throws {
        // For this loop, for the ledger, for a task.
        let shortage = csystem_spare_threads(3)
        guard shortage == 0 else { throw Failure.noThread(String(cString: strerror(shortage))) }
        let folder = try BridgeFolder(bridge)
        let outcome = Outcome()
        inbox.withLock { $0.isRead = true }
        try startThread { [self] in run(folder, outcome, deliver) }
        outcome.wait()
        if let failure = outcome.failure { throw failure }
    }

    public func knows(_ attempt: AttemptID) -> Bool { earlier.withLock { $0.contains(attempt.description) } }
    public func launch(_ launches: [Launch]) { post { $0.launches += launches } }
    public func cancel(_ attempt: AttemptID, force: Bool) {
        post { $0.cancels.append((attempt, force ? .force : .ask)) }
    }
    public func withdraw(_ attempts: [AttemptID]) { post { $0.cancels += attempts.map { ($0, .waiting) } } }
    public func release(_ attempt: AttemptID) { post { $0.releases.append(attempt) } }
    public func interrupt() { post { $0.isInterrupted = true } }
    public func stop() async { await leave(.terminate(cluster: false)) }
    public func stopCluster() async { await leave(.terminate(cluster: true)) }
    public func detach() async { await leave(.detach) }

    private func leave(_ request: BridgeRequest) async {
        await withCheckedContinuation { continuation in
            var isRead = false
            post { inbox in
                isRead = inbox.isRead
                guard isRead else { return }
                inbox.leaving = inbox.leaving ?? request
                inbox.stops.append(continuation)
            }
            if !isRead { continuation.resume() }
        }
    }

    private func post(_ change: (inout Inbox) -> Void) {
        inbox.withLock { change(&$0) }
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    // MARK: The thread

    /// The bridge is a child of this thread: as one of the main thread's it would look like an orphan of a task.
    private func run(_ folder: BridgeFolder, _ outcome: Outcome, _ deliver: ([ExecutorEvent]) -> Void) {
        do {
            run(try BridgeSession(bridge, folder: folder, slots: slots), folder, outcome, deliver)
        } catch {
            if folder.isNew { folder.clear(keepsRun: false) }
            for stop in drain(isLast: true).stops { stop.resume() }
            outcome.set(error as? Failure ?? Failure(.fault, "\(error)"))
        }
    }

    private func run(
        _ session: BridgeSession, _ folder: BridgeFolder, _ outcome: Outcome, _ deliver: ([ExecutorEvent]) -> Void
    ) {
        var stops: [CheckedContinuation<Void, Never>] = []
        // After a fault there is nobody to ask, but those who wait for the end of it have still to come.
        while session.phase != .over || (session.failure == nil && stops.isEmpty) {
            var asked = drain()
            if !asked.cancels.isEmpty {
                // They seldom come alone.
                poll(nil, 0, 5)
                asked.add(drain())
            }
            stops += asked.stops
            if asked.isInterrupted { session.giveUp() }
            session.add(asked.launches)
            for how in BridgeRequest.Cancel.allCases {
                session.cancel(asked.cancels.filter { $0.how == how }.map(\.attempt), how)
            }
            session.release(asked.releases)
            session.fill()
            if let request = asked.leaving { session.leave(request) }
            deliverAll(session, deliver)
            wait(session)
            news.store(session.lastNews, ordering: .relaxed)
            if session.phase == .ready { reached(session, outcome) }
        }
        session.abandon()
        deliverAll(session, deliver)
        folder.clear(keepsRun: !session.hasRemovedRun && !(folder.isNew && session.failure != nil))
        let rest = drain(isLast: true)
        for stop in stops + rest.stops { stop.resume() }
        outcome.set(session.failure)
    }

    private func reached(_ session: BridgeSession, _ outcome: Outcome) {
        guard !outcome.isSet else { return }
        earlier.withLock { $0 = session.known }
        outcome.set(nil)
    }

    private func deliverAll(_ session: BridgeSession, _ deliver: ([ExecutorEvent]) -> Void) {
        let events = session.takeEvents()
        if !events.isEmpty { deliver(events) }
    }

    private func wait(_ session: BridgeSession) {
        var descriptors = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        if session.phase != .over {
            descriptors.append(pollfd(fd: session.process.output, events: Int16(POLLIN), revents: 0))
            if session.wantsToWrite {
                descriptors.append(pollfd(fd: session.process.input, events: Int16(POLLOUT), revents: 0))
            }
        }
        poll(&descriptors, nfds_t(descriptors.count), 1000)
        if descriptors[0].revents != 0 {
            var count: UInt64 = 0
            _ = read(wake, &count, 8)
        }
        guard session.phase != .over else { return }
        if descriptors.count > 2, descriptors[2].revents != 0 { session.write() }
        if descriptors[1].revents != 0 { session.read() }
        if session.phase != .over { session.beat() }
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
}

/// Whether the engine was reached, for the one who waits for that.
private final class Outcome: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let state = Mutex<(isSet: Bool, failure: Failure?)>((false, nil))

    var failure: Failure? { state.withLock { $0.failure } }
    var isSet: Bool { state.withLock { $0.isSet } }

    func wait() { semaphore.wait() }

    /// The first time counts.
    func set(_ failure: Failure?) {
        let isFirst = state.withLock { state in
            defer { if !state.isSet { state = (true, failure) } }
            return !state.isSet
        }
        if isFirst { semaphore.signal() }
    }
}

import CSystem
import Dispatch
import Glibc
public import SaturnCore
import Synchronization

/// Runs tasks on an engine elsewhere, by a session with it.
///
/// One thread asks, hears of what comes, and fills workspaces.
public final class RemoteExecutor: Executor {
    private struct Inbox {
        var launches: [Launch] = []
        var cancels: [(attempt: AttemptID, how: RemoteCancel)] = []
        var releases: [AttemptID] = []
        var leaving: RemoteLeave?
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
    public let identity: [Manifest.Value]
    public let outlivesSaturn = true
    public let sharesDisk: Bool
    public var hasImages: Bool { engine.hasImages }
    public var hasLeftovers: Bool { ExecutorMemory.isThere(engine.run.folder) }
    private let engine: RemoteEngine
    private let inbox = Mutex(Inbox())
    /// Attempts that an earlier saturn has launched.
    private let earlier = Mutex<Set<String>>([])
    private let wake: Int32
    private let news = Atomic<Int64>(0)
    public var lastNews: Int64 { news.load(ordering: .relaxed) }

    /// - Parameter slots: how many attempts the engine is given at once.
    init(_ engine: RemoteEngine, slots: Int) throws {
        self.engine = engine
        self.slots = slots
        (sharesDisk, identity) = (engine.sharesDisk, engine.identity)
        wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else { throw Failure.system("cannot make an eventfd") }
    }

    deinit { close(wake) }

    public func problems(with tasks: [TaskSpec]) -> [Diagnostic] { tasks.flatMap(engine.problems) }
    public func notes(on tasks: [TaskNode]) -> [String] { engine.notes(tasks) }

    /// Returns when the engine is reached.
    public func start(_ deliver: @escaping @Sendable ([ExecutorEvent]) -> Void) throws {
        // For this loop, for the ledger, for a task.
        let shortage = csystem_spare_threads(3)
        guard shortage == 0 else { throw Failure.noThread(String(cString: strerror(shortage))) }
        let folder = try RemoteFolder(engine.run)
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

    private func leave(_ how: RemoteLeave) async {
        await withCheckedContinuation { continuation in
            var isRead = false
            post { inbox in
                isRead = inbox.isRead
                guard isRead else { return }
                inbox.leaving = inbox.leaving ?? how
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

    /// Processes that a session starts are children of this thread: as the main thread's they would look like orphans of a
    /// task.
    private func run(_ folder: RemoteFolder, _ outcome: Outcome, _ deliver: ([ExecutorEvent]) -> Void) {
        do {
            run(try engine.session(folder, slots), folder, outcome, deliver)
        } catch {
            if folder.isNew { folder.clear(keepsRun: false) }
            for stop in drain(isLast: true).stops { stop.resume() }
            outcome.set(error as? Failure ?? Failure(.fault, "\(error)"))
        }
    }

    private func run(
        _ session: any RemoteSession, _ folder: RemoteFolder, _ outcome: Outcome, _ deliver: ([ExecutorEvent]) -> Void
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
            for how in RemoteCancel.allCases {
                session.cancel(asked.cancels.filter { $0.how == how }.map(\.attempt), how)
            }
            session.release(asked.releases)
            session.fill()
            if let how = asked.leaving { session.leave(how) }
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

    private func reached(_ session: any RemoteSession, _ outcome: Outcome) {
        guard !outcome.isSet else { return }
        earlier.withLock { $0 = session.known }
        outcome.set(nil)
    }

    private func deliverAll(_ session: any RemoteSession, _ deliver: ([ExecutorEvent]) -> Void) {
        let events = session.takeEvents()
        if !events.isEmpty { deliver(events) }
    }

    private func wait(_ session: any RemoteSession) {
        var descriptors = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        if session.phase != .over { descriptors += session.descriptors }
        poll(&descriptors, nfds_t(descriptors.count), session.phase == .over ? 1000 : session.patience)
        if descriptors[0].revents != 0 {
            var count: UInt64 = 0
            _ = read(wake, &count, 8)
        }
        if session.phase != .over { session.take(descriptors.dropFirst()) }
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

import Glibc
import SaturnCore

/// An engine elsewhere, for one run.
struct RemoteEngine: Sendable {
    var run: RemoteRun
    /// Tasks fill their workspaces themselves.
    var sharesDisk = false
    /// What of it counts in keys.
    var identity: [Manifest.Value] = []
    /// A task can have a container image of its own.
    var hasImages = false
    /// What the engine would refuse of a task's.
    var problems: @Sendable (TaskSpec) -> [Diagnostic] = { _ in [] }
    /// What people should know before these run.
    var notes: @Sendable ([TaskNode]) -> [String] = { _ in [] }
    /// Begins to reach it, for so many attempts at once.
    var session: @Sendable (RemoteFolder, Int) throws -> any RemoteSession
}

enum RemotePhase: Equatable {
    case connecting, ready
    /// It was asked to leave.
    case leaving
    case over
}

enum RemoteCancel: CaseIterable, Sendable {
    /// Those that have not started.
    case waiting
    /// Those that run are asked to end, or ended.
    case ask, force
}

enum RemoteLeave: Sendable {
    case detach
    /// What the run has there is ended and removed.
    case terminate(cluster: Bool)
}

/// What is known of an engine and of the attempts that it was given. The one thread of a ``RemoteExecutor`` uses it.
protocol RemoteSession: AnyObject {
    var phase: RemotePhase { get }
    /// Why it could not be reached.
    var failure: Failure? { get }
    /// Attempts that the engine has from earlier.
    var known: Set<String> { get }
    /// When something of an attempt was last heard.
    var lastNews: Int64 { get }
    /// It has removed the run from the engine.
    var hasRemovedRun: Bool { get }
    var waiting: LaunchQueue { get set }
    /// What nobody has heard yet.
    var events: [ExecutorEvent] { get set }

    /// Hands over what waits while there are slots.
    func fill()
    /// Together: of what was handed over the engine ends first what waits there.
    func cancel(_ attempts: [AttemptID], _ how: RemoteCancel)
    func release(_ attempts: [AttemptID])
    /// While the engine is being reached.
    func giveUp()
    func leave(_ how: RemoteLeave)
    /// Of attempts that were to be ended, and of which nothing more will be heard.
    func abandon()

    /// What news come by.
    var descriptors: [pollfd] { get }
    /// Milliseconds until something is to be done without any.
    var patience: Int32 { get }
    /// What ``descriptors`` had, with what is ready, in the same order.
    func take(_ ready: ArraySlice<pollfd>)
}

extension RemoteSession {
    var patience: Int32 { 1000 }

    func add(_ launches: [Launch]) {
        if phase == .leaving || phase == .over {
            events += launches.map { .exited($0.attempt, .cancelled) }
        } else {
            waiting.add(launches)
        }
    }

    func takeEvents() -> [ExecutorEvent] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    /// Such a thing is no result: a named pipe, a socket.
    func sayLeftOut(of task: String, _ first: String, _ count: Int) {
        let others = count == 1 ? " is" : " and \(count - 1) more are"
        events.append(.notice("'\(task)': \(first)\(others) no file, folder or link, and not among its results"))
    }

    /// What waits when the session is left never runs.
    func cancelWaiting() { events += waiting.takeAll().map { .exited($0.attempt, .cancelled) } }
}

extension RemoteExecutor {
    convenience init(_ bridge: Bridge, slots: Int) throws {
        let engine = RemoteEngine(
            run: bridge.run, sharesDisk: bridge.isShared, problems: bridge.problems,
            session: { try BridgeSession(bridge, folder: $0, slots: $1) })
        try self.init(engine, slots: slots)
    }
}

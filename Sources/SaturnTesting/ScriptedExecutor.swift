public import SaturnCore
import Synchronization

/// An executor that runs nothing: a script says how every attempt ends, and the test reads what was launched.
///
/// ```swift
/// let executor = ScriptedExecutor(slots: 2) { task, attempt in
///     task == "flaky" && attempt == 1 ? .exits(1) : task == "slow" ? .held : .exits(0)
/// }
/// try await executor.release("slow")  // waits until it runs, then lets it succeed
/// #expect(executor.launched.all == ["flaky", "slow", "flaky"])
/// ```
/// At most `slots` attempts run at once; the others wait in the order of their launch. The script is asked when an
/// attempt gets its slot; one that takes the whole launch can do what the command would, and write results.
public final class ScriptedExecutor: Executor {
    /// What becomes of an attempt.
    public enum Step: Hashable, Sendable {
        case ends(Exit)
        /// Runs until the test releases it; asked to end it ends by signal 15, forced by signal 9.
        case held
        /// As `held`, but it ends only when it is forced.
        case deaf

        public static func exits(_ code: Int32) -> Step { .ends(.code(code)) }
    }

    public struct Start: Hashable, Sendable {
        public var task: String
        public var attempt: Int
    }

    public struct Cancel: Hashable, Sendable {
        public var task: String
        public var force: Bool

        public init(_ task: String, force: Bool) {
            self.task = task
            self.force = force
        }
    }

    private struct Attempt {
        var launch: Launch
        var number: Int
        var step = Step.held
    }

    private struct State {
        var deliver: (@Sendable ([ExecutorEvent]) -> Void)?
        var waiting: [Attempt] = []
        var running: [AttemptID: Attempt] = [:]
        var counts: [String: Int] = [:]
        var mostUnderWay = 0
        var outbox: [[ExecutorEvent]] = []
        var isDelivering = false
    }

    public let slots: Int
    public let identity: [Manifest.Value]
    /// Names of tasks in the order of their launch, one for every attempt.
    public let launched = Recording<String>()
    /// What was launched, in the same order.
    public let launches = Recording<Launch>()
    /// Attempts that got a slot.
    public let started = Recording<Start>()
    /// Cancels of attempts that had not ended, in order.
    public let cancels = Recording<Cancel>()

    private let script: @Sendable (Launch, Int) -> Step
    private let clock: any TimeSource
    private let startProblem: Failure?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - startProblem: what `start` throws.
    ///   - script: by the task's name and the attempt's number, which counts from 1.
    public init(
        slots: Int = 2, identity: [Manifest.Value] = [], clock: any TimeSource = ManualClock(),
        startProblem: Failure? = nil,
        script: @escaping @Sendable (_ task: String, _ attempt: Int) -> Step = { _, _ in .exits(0) }
    ) {
        self.slots = slots
        self.identity = identity
        self.clock = clock
        self.startProblem = startProblem
        self.script = { launch, number in script(launch.workspace.task, number) }
    }

    /// - Parameter work: in place of a command.
    public init(
        slots: Int = 2, clock: any TimeSource = ManualClock(), work: @escaping @Sendable (Launch) -> Step
    ) {
        self.slots = slots
        self.clock = clock
        identity = []
        startProblem = nil
        script = { launch, _ in work(launch) }
    }

    /// The most that had been launched and had not ended at one time.
    public var mostUnderWay: Int { state.withLock { $0.mostUnderWay } }
    /// Between `start` and `stop`.
    public var isStarted: Bool { state.withLock { $0.deliver != nil } }

    // MARK: The port

    public func problems(with tasks: [TaskSpec]) -> [Diagnostic] { [] }

    public func start(_ deliver: @escaping @Sendable ([ExecutorEvent]) -> Void) throws {
        if let startProblem { throw startProblem }
        state.withLock { $0.deliver = deliver }
    }

    public func launch(_ launches: [Launch]) {
        for launch in launches {
            let task = launch.workspace.task
            state.withLock { state in
                let number = state.counts[task, default: 0] + 1
                state.counts[task] = number
                state.waiting.append(Attempt(launch: launch, number: number))
                state.mostUnderWay = max(state.mostUnderWay, state.waiting.count + state.running.count)
            }
            self.launches.append(launch)
            launched.append(task)
        }
        startWaiting()
    }

    public func cancel(_ attempt: AttemptID, force: Bool) {
        let found = state.withLock { state in
            state.running[attempt] ?? state.waiting.first { $0.launch.attempt == attempt }
        }
        guard let found else { return }
        cancels.append(Cancel(found.launch.workspace.task, force: force))
        let isWaiting = state.withLock { state in
            let count = state.waiting.count
            state.waiting.removeAll { $0.launch.attempt == attempt }
            return state.waiting.count < count
        }
        if isWaiting { return send([.exited(attempt, .cancelled)]) }
        if force || found.step != .deaf { end(attempt, .signal(force ? 9 : 15)) }
    }

    public func stop() async {
        state.withLock { state in
            state.deliver = nil
            state.running = [:]
            state.waiting = []
        }
    }

    // MARK: The test's side

    /// Waits until an attempt of `task` runs, then ends it.
    public func release(_ task: String, attempt number: Int = 1, _ exit: Exit = .code(0)) async throws {
        try await started.first { $0 == Start(task: task, attempt: number) }
        let found = state.withLock { state in
            state.running.values.first { $0.launch.workspace.task == task && $0.number == number }
        }
        if let found { end(found.launch.attempt, exit) }
    }

    /// The executor is no more: it says so, and nothing after that.
    public func fail(_ problem: String) {
        send([.fatal(Failure(.engine, problem))])
        state.withLock { $0.deliver = nil }
    }

    // MARK: Inside

    private func startWaiting() {
        while let attempt = state.withLock({ state in takeNext(&state) }) {
            let id = attempt.launch.attempt
            let step = script(attempt.launch, attempt.number)
            state.withLock { $0.running[id]?.step = step }
            started.append(Start(task: attempt.launch.workspace.task, attempt: attempt.number))
            send([.started(id, at: clock.now(), uptime: clock.uptime())])
            if case .ends(let exit) = step { remove(id, exit) }
        }
    }

    private func takeNext(_ state: inout State) -> Attempt? {
        guard state.running.count < slots, !state.waiting.isEmpty else { return nil }
        let attempt = state.waiting.removeFirst()
        state.running[attempt.launch.attempt] = attempt
        return attempt
    }

    private func end(_ attempt: AttemptID, _ exit: Exit) {
        remove(attempt, exit)
        startWaiting()
    }

    private func remove(_ attempt: AttemptID, _ exit: Exit) {
        if state.withLock({ $0.running.removeValue(forKey: attempt) }) != nil { send([.exited(attempt, exit)]) }
    }

    /// Delivers one batch at a time, and without the lock: whoever receives may call back.
    private func send(_ events: [ExecutorEvent]) {
        let isFirst = state.withLock { state in
            state.outbox.append(events)
            defer { state.isDelivering = true }
            return !state.isDelivering
        }
        guard isFirst else { return }
        while let (batch, deliver) = state.withLock({ state in takeBatch(&state) }) { deliver?(batch) }
    }

    private func takeBatch(_ state: inout State) -> ([ExecutorEvent], (@Sendable ([ExecutorEvent]) -> Void)?)? {
        state.isDelivering = !state.outbox.isEmpty
        return state.outbox.isEmpty ? nil : (state.outbox.removeFirst(), state.deliver)
    }
}

extension Launch {
    /// What the attempt would see in its environment; the later of two of one name wins.
    public subscript(variable name: String) -> String? { environment.last { $0.name == name }?.value }
}

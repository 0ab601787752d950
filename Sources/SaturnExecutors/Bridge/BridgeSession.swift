import FoundationEssentials
import Glibc
import SaturnCore

/// What is known of one bridge's process and of the attempts that it was given.
final class BridgeSession: RemoteSession {
    private(set) var phase = RemotePhase.connecting
    private(set) var process: BridgeProcess
    private let bridge: Bridge
    private let slots: Int
    private let spool: SpoolReader
    private let translator: LaunchTranslator
    /// The bridge has yet to say that it has handed over what it was given last: what comes meanwhile goes together.
    private var isSubmitting = false
    /// Attempts that the engine has from earlier.
    private(set) var known: Set<String> = []
    var waiting = LaunchQueue()
    private var fillers: [String: WorkspaceFiller] = [:]
    /// Of those: whose results cannot be written, and why.
    private var spoiled: [String: String] = [:]
    var events: [ExecutorEvent] = []
    private var outbox: ArraySlice<UInt8> = []
    private var inbox: [UInt8] = []
    private var lastHeard = Clocks.uptime()
    /// Of an attempt.
    private(set) var lastNews: Int64 = 0
    private var lastPing = Clocks.uptime()
    private var pings = 0
    private var unanswered = 0
    private static let mostUnanswered = 6
    private var leavingSince: Int64 = 0
    private var isTerminating = false
    /// Why it could not be started.
    private(set) var failure: Failure?
    /// It has removed the run from the engine.
    private(set) var hasRemovedRun = false
    /// Nanoseconds.
    private static let (pingPeriod, leavePatience): (Int64, Int64) = (5_000_000_000, 60_000_000_000)

    init(_ bridge: Bridge, folder: RemoteFolder, slots: Int) throws {
        self.bridge = bridge
        self.slots = slots
        process = try BridgeProcess(bridge, script: try folder.prepare(bridge))
        spool = SpoolReader(folder.path)
        translator = try LaunchTranslator(bridge)
        let hello = BridgeHello(
            run: .init(id: folder.id.description, name: bridge.run.name, home: bridge.run.home), folder: folder.path,
            settings: bridge.settings)
        try send(.hello(hello))
        try send(.attach)
    }

    private var wantsToWrite: Bool { !outbox.isEmpty && process.input >= 0 }

    // MARK: What is asked

    /// Hands over what waits while there are slots.
    func fill() {
        guard phase == .ready, !isSubmitting, fillers.count < slots else { return }
        handOver((0..<min(waiting.count, slots - fillers.count)).compactMap { _ in waiting.takeFirst() })
    }

    private func handOver(_ launches: [Launch]) {
        let tasks = launches.map { launch in
            fillers[launch.attempt.description] = WorkspaceFiller(launch, isShared: bridge.isShared)
            return translator.task(launch)
        }
        guard !tasks.isEmpty else { return }
        isSubmitting = true
        attempt { try send(.submit(tasks)) }
    }

    /// Together: of what was handed over the engine ends first what waits there.
    func cancel(_ attempts: [AttemptID], _ how: RemoteCancel) {
        var (handedOver, earlier): ([String], [Launch]) = ([], [])
        for attempt in attempts {
            guard let launch = waiting.take(attempt) else {
                handedOver.append(attempt.description)
                continue
            }
            if known.contains(attempt.description) {
                // It may have ended long ago: that is to be heard.
                earlier.append(launch)
                handedOver.append(attempt.description)
            } else {
                events.append(.exited(attempt, .cancelled))
            }
        }
        handOver(earlier)
        guard !handedOver.isEmpty else { return }
        attempt { try send(.cancel(handedOver, how)) }
    }

    func release(_ attempts: [AttemptID]) {
        guard phase == .ready, !attempts.isEmpty else { return }
        attempt { try send(.release(attempts.map(\.description))) }
    }

    /// While the engine is being reached.
    func giveUp() {
        guard phase == .connecting else { return }
        kill(process.pid, SIGKILL)
        _ = process.reap(patience: 10_000)
        fail(Failure(.engine, "interrupted while connecting to \(bridge.engine)"))
    }

    func leave(_ how: RemoteLeave) {
        guard phase == .ready else { return }
        phase = .leaving
        leavingSince = Clocks.uptime()
        if case .terminate = how { isTerminating = true }
        cancelWaiting()
        attempt {
            switch how {
            case .detach: try send(.detach)
            case .terminate(let cluster): try send(.terminate(cluster: cluster))
            }
        }
    }

    private func send(_ request: BridgeRequest) throws { outbox += try request.line() }

    // MARK: The pipes

    var descriptors: [pollfd] {
        var all = [pollfd(fd: process.output, events: Int16(POLLIN), revents: 0)]
        if wantsToWrite { all.append(pollfd(fd: process.input, events: Int16(POLLOUT), revents: 0)) }
        return all
    }

    func take(_ ready: ArraySlice<pollfd>) {
        for descriptor in ready where descriptor.revents != 0 && phase != .over {
            if descriptor.fd == process.input { write() } else { read() }
        }
        if phase != .over { beat() }
    }

    private func write() {
        let count = outbox.withUnsafeBytes { Glibc.write(process.input, $0.baseAddress, $0.count) }
        if count > 0 { outbox = outbox.dropFirst(count) }
        if outbox.isEmpty { outbox = [] }
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(process.output, &buffer, buffer.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else { return ended() }
        lastHeard = Clocks.uptime()
        unanswered = 0
        var rest = buffer[..<count]
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            take(inbox + rest[..<newline])
            inbox = []
            rest = rest[(newline + 1)...]
        }
        inbox += rest
    }

    /// Whether it still answers.
    private func beat() {
        let now = Clocks.uptime()
        if phase == .leaving, now - leavingSince > Self.leavePatience {
            return fail(Failure(.engine, "the bridge to \(bridge.engine) does not leave"))
        }
        guard now - lastPing >= Self.pingPeriod else { return }
        // By pings, for all of this machine may have stood still.
        if unanswered >= Self.mostUnanswered {
            kill(process.pid, SIGKILL)
            _ = process.reap(patience: 10_000)
            let seconds = (now - lastHeard) / 1_000_000_000
            return fail(Failure(.engine, "the bridge to \(bridge.engine) has not answered for \(seconds) s", hint: log))
        }
        lastPing = now
        pings += 1
        unanswered += 1
        // Whoever does not read gets no more of them.
        if outbox.isEmpty { attempt { try send(.ping(pings)) } }
    }

    private func ended() {
        let how = process.reap(patience: 10_000)
        guard phase != .over else { return }
        fail(Failure(.engine, "the bridge to \(bridge.engine) \(how)", hint: log))
    }

    private var log: String {
        let words = "its last words are in \(bridge.run.folder)/bridge.log"
        return phase == .connecting ? words : "saturn collect goes on with the run; \(words)"
    }

    /// Nothing will be heard of what it ran any more.
    private func fail(_ failure: Failure) {
        if phase == .connecting { self.failure = failure } else { events.append(.fatal(failure)) }
        phase = .over
    }

    private func attempt(_ body: () throws -> Void) {
        do { try body() } catch let failure as Failure {
            fail(failure)
        } catch {
            fail(Failure(.fault, "\(error)"))
        }
    }

    // MARK: What is said

    private func take(_ line: [UInt8]) {
        guard let event = try? JSONDecoder().decode(BridgeEvent.self, from: Data(line)) else {
            let words = String(decoding: line.prefix(200), as: UTF8.self)
            return fail(Failure(.engine, "the bridge to \(bridge.engine) says what is not understood: \(words)"))
        }
        switch event.event {
        case "attached":
            if case .map(let attempts) = event.attempts { known = Set(attempts.keys) }
            phase = .ready
        case "submitted": isSubmitting = false
        case "notice": events.append(.notice(event.message ?? ""))
        case "done": done(event)
        case "fatal":
            fail(Failure(.engine, event.message ?? "the bridge to \(bridge.engine) failed", hint: event.hint))
        case "started", "log", "results", "exited", "lost": attempt { try take(event) }
        // A later version may say more.
        default: break
        }
    }

    private func take(_ event: BridgeEvent) throws {
        guard let name = event.attempt, let filler = fillers[name] else { return }
        lastNews = lastHeard
        do {
            switch event.event {
            case "started":
                try filler.begin()
                let time = Timestamp(microseconds: Int64((event.time ?? 0) * 1e6))
                let since = Clocks.uptime() - Int64((event.seconds ?? 0) * 1e9)
                events.append(.started(filler.attempt, at: time, uptime: since))
            case "log": try read(event) { try filler.addToLog($0) }
            case "results": if spoiled[name] == nil { try read(event) { try filler.addToResults($0) } }
            default:
                if event.unkept == true { filler.removeResults() }
                if event.event == "exited", spoiled[name] == nil { try filler.finish() }
                end(name, filler, event)
            }
        } catch let problem as ArchiveProblem {
            if problem.isOfThisMachine {
                throw Failure(.engine, "cannot write what came of '\(filler.task)': \(problem.text)")
            }
            spoiled[name] = "its results cannot be unpacked: \(problem.text)"
            if event.event == "exited" { end(name, filler, event) }
        }
    }

    private func read(_ event: BridgeEvent, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let number = event.spool, let from = event.from, let length = event.length else { return }
        try spool.read(number, from: from, length: length, body)
    }

    private func end(_ name: String, _ filler: WorkspaceFiller, _ event: BridgeEvent) {
        fillers[name] = nil
        let problem = spoiled.removeValue(forKey: name)
        if let left = event.left, let first = event.left_name {
            sayLeftOut(of: filler.task, first, left)
        }
        events.append(.exited(filler.attempt, problem.map { .lost($0) } ?? event.exit, seconds: event.seconds))
    }

    private func done(_ event: BridgeEvent) {
        if let left = event.left, left > 0 {
            let tasks = left == 1 ? "a task" : "\(left) tasks"
            let places = (event.places ?? []).joined(separator: ", ")
            let why = places.isEmpty ? "" : ": no answer from \(places)"
            events.append(
                .fatal(
                    Failure(
                        .engine, "\(tasks) on \(bridge.engine) did not end\(why)",
                        hint: "end that worker, or call saturn terminate again when it answers")))
        } else {
            hasRemovedRun = isTerminating
        }
        phase = .over
        process.closeInput()
        _ = process.reap(patience: 10_000)
    }

    /// Of attempts that were to be ended, and of which nothing more will be heard.
    func abandon() {
        guard isTerminating else { return }
        for filler in fillers.values { events.append(.exited(filler.attempt, .signal(SIGKILL))) }
        fillers = [:]
    }
}

extension BridgeEvent {
    var exit: Exit {
        if event == "lost" { return .lost(reason ?? "") }
        if cancelled == true { return .cancelled }
        if let signal { return .signal(signal) }
        guard case .number(let code) = code else { return .lost("it ended without an exit code") }
        if asked == true, code == 0 { return .gaveWay }
        return problem.map { .notStarted($0, code: Int32(code)) } ?? .code(Int32(code))
    }
}

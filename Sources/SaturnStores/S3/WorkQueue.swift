import Dispatch
import SaturnCore
import Synchronization

/// Does many things at once, on threads of its own; what touches the same thing, in the order in which it was handed in.
///
/// ```swift
/// queue.submit(["a"]) { try upload("a") }
/// queue.submit(["a", "b"]) { try move("a", to: "b") }   // after the first
/// try queue.finish()
/// ```
/// After the first error nothing more is begun, and whoever waits is told of it.
final class WorkQueue: Sendable {
    typealias Body = @Sendable () throws -> Void

    private struct Job {
        var body: Body
        var touches: [String]
        var group: DispatchGroup?
        /// How many earlier ones it waits for, and which later ones wait for it.
        var waitsFor = 0
        var successors: [Int] = []
    }

    private struct State {
        var jobs: [Int: Job] = [:]
        /// The last one that touches a thing.
        var tails: [String: Int] = [:]
        var ready: [Int] = []
        var head = 0
        var next = 0
        var threads = 0
        var idle = 0
        var isEnding = false
        var failure: (any Error)?
    }

    private let state = Mutex(State())
    private let count = DispatchSemaphore(value: 0)
    private let all = DispatchGroup()
    private let running = DispatchGroup()
    let width: Int

    /// - Parameter width: how many threads there are at most.
    init(width: Int) {
        self.width = width
    }

    var failure: (any Error)? { state.withLock { $0.failure } }

    /// Nothing more is begun, as after an error of its own.
    func fail(_ error: any Error) { state.withLock { $0.failure = $0.failure ?? error } }

    /// - Parameters:
    ///   - touches: names of things; empty for what may run at any time.
    ///   - group: left when it is done, or was not begun.
    func submit(_ touches: [String], group: DispatchGroup? = nil, _ body: @escaping Body) {
        group?.enter()
        all.enter()
        let (isReady, needsThread) = state.withLock { state -> (Bool, Bool) in
            let id = state.next
            state.next += 1
            var job = Job(body: body, touches: touches, group: group)
            for predecessor in Set(touches.compactMap { state.tails[$0] }) {
                state.jobs[predecessor]?.successors.append(id)
                job.waitsFor += 1
            }
            for thing in touches { state.tails[thing] = id }
            state.jobs[id] = job
            guard job.waitsFor == 0 else { return (false, false) }
            state.ready.append(id)
            return (true, state.idle < state.ready.count - state.head && state.threads < width)
        }
        if needsThread { startThread() }
        if isReady { count.signal() }
    }

    /// Waits for all that was handed in.
    func wait() throws {
        all.wait()
        if let failure { throw failure }
    }

    /// Ends the threads when all is done. Nothing may be handed in meanwhile; afterwards there will be new ones.
    func finish() throws {
        all.wait()
        let threads = state.withLock { state in
            state.isEnding = true
            return state.threads
        }
        for _ in 0..<threads { count.signal() }
        running.wait()
        state.withLock { state in
            state.isEnding = false
            state.threads = 0
        }
        if let failure { throw failure }
    }

    /// `body` of 0 ..< `items`, several at a time; to be called by a job, whose thread helps. Throws the first error.
    func forEach(_ items: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
        guard items > 1 else { return try (0..<items).forEach(body) }
        let work = Share(count: items, body: body)
        for _ in 1..<min(items, width) { submit([]) { work.take() } }
        work.take()
        try work.finish()
    }

    /// Items that several threads take from.
    private final class Share: Sendable {
        private let next = Mutex(0)
        private let failure = Mutex<(any Error)?>(nil)
        private let underWay = DispatchGroup()
        private let count: Int
        private let body: @Sendable (Int) throws -> Void

        init(count: Int, body: @escaping @Sendable (Int) throws -> Void) {
            self.count = count
            self.body = body
        }

        func take() {
            while let item = begin() {
                defer { underWay.leave() }
                do { try body(item) } catch { failure.withLock { $0 = $0 ?? error } }
            }
        }

        private func begin() -> Int? {
            next.withLock { next in
                guard next < count, failure.withLock({ $0 == nil }) else { return nil }
                underWay.enter()
                next += 1
                return next - 1
            }
        }

        func finish() throws {
            underWay.wait()
            if let error = failure.withLock({ $0 }) { throw error }
        }
    }

    /// The same for a thread that is none of the queue's.
    func parallel(_ items: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
        let group = DispatchGroup()
        let problem = Mutex<(any Error)?>(nil)
        // Not an error of the queue's: others may go on.
        submit([], group: group) { [self] in
            do { try forEach(items, body) } catch { problem.withLock { $0 = error } }
        }
        group.wait()
        if let error = problem.withLock({ $0 }) ?? failure { throw error }
    }

    // MARK: Threads

    private func startThread() {
        state.withLock { $0.threads += 1 }
        running.enter()
        do { try DetachedThread.start { [self] in work() } } catch { doAlone(error) }
    }

    /// Nobody else would do it.
    private func doAlone(_ problem: any Error) {
        running.leave()
        let isAlone = state.withLock { state in
            state.threads -= 1
            return state.threads == 0
        }
        guard isAlone else { return }
        fail(problem)
        while let (id, job) = take() { end(id, job) }
    }

    private func work() {
        while true {
            state.withLock { $0.idle += 1 }
            count.wait()
            state.withLock { $0.idle -= 1 }
            guard let (id, job) = take() else {
                guard state.withLock({ $0.isEnding }) else { continue }
                running.leave()
                return
            }
            if failure == nil {
                do { try job.body() } catch { fail(error) }
            }
            end(id, job)
        }
    }

    private func take() -> (Int, Job)? {
        state.withLock { state in
            guard state.head < state.ready.count, let job = state.jobs[state.ready[state.head]] else { return nil }
            let id = state.ready[state.head]
            state.head += 1
            if state.head > 1024 {
                state.ready.removeFirst(state.head)
                state.head = 0
            }
            return (id, job)
        }
    }

    private func end(_ id: Int, _ job: Job) {
        let (freed, missing) = state.withLock { state -> (Int, Int) in
            let successors = state.jobs.removeValue(forKey: id)?.successors ?? []
            for thing in job.touches where state.tails[thing] == id { state.tails[thing] = nil }
            var freed = 0
            for successor in successors {
                state.jobs[successor]?.waitsFor -= 1
                guard state.jobs[successor]?.waitsFor == 0 else { continue }
                state.ready.append(successor)
                freed += 1
            }
            return (freed, min(freed - state.idle, width - state.threads))
        }
        // This thread takes one of them itself.
        for _ in 0..<max(0, missing - 1) { startThread() }
        for _ in 0..<freed { count.signal() }
        job.group?.leave()
        all.leave()
    }
}

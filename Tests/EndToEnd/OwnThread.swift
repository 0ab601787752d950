import SaturnTesting
import Synchronization
import Testing

/// Runs tests that wait for programs on threads of their own, more of them at once than there are processors.
///
/// Swift's own threads are as many as the processors, and a test that waits for a program keeps one of them.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    let isRecursive = true

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        await Self.seats.take()
        defer { Self.seats.giveBack() }
        try await withTaskExecutorPreference(Threads.all) { try await function() }
    }

    /// So few that what one test measures or waits for is not changed much by the others.
    private static let seats = Seats(count: 5)

    private final class Threads: TaskExecutor {
        static let all = Threads()

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            Blocking.start { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }

    private final class Seats: Sendable {
        private struct State {
            var free: Int
            var waiting: [CheckedContinuation<Void, Never>] = []
        }

        private let state: Mutex<State>

        init(count: Int) { state = Mutex(State(free: count)) }

        func take() async {
            await withCheckedContinuation { continuation in
                let isFree = state.withLock { state in
                    if state.free == 0 { state.waiting.append(continuation) } else { state.free -= 1 }
                    return state.waiting.isEmpty
                }
                if isFree { continuation.resume() }
            }
        }

        func giveBack() {
            let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
                guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
                state.free += 1
                return nil
            }
            next?.resume()
        }
    }
}

extension Trait where Self == OwnThread {
    /// Each test of the suite on a thread of its own: for those that wait for programs.
    static var ownThread: OwnThread { OwnThread() }
}

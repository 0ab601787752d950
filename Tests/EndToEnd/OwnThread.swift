import SaturnTesting
import Testing

/// Runs tests that wait for programs on threads of their own, more of them at once than there are processors.
///
/// Swift's own threads are as many as the processors, and a test that waits for a program keeps one of them.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    let isRecursive = true

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Self.seats.taking { try await withTaskExecutorPreference(Threads.all) { try await function() } }
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
}

extension Trait where Self == OwnThread {
    /// Each test of the suite on a thread of its own: for those that wait for programs.
    static var ownThread: OwnThread { OwnThread() }
}

import Dispatch
import Glibc
import Synchronization

/// For what waits for the world: the threads that tests run on are as many as there are processors, and one that waits
/// keeps all others from running.
public enum Blocking {
    /// Does it on a thread of its own, which stays: a program that it has started may end with the thread.
    public static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            start { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Does it on such a thread, at once.
    public static func start(_ body: @escaping @Sendable () -> Void) {
        (idle.withLock { $0.popLast() } ?? Worker()).start(body)
    }

    private static let idle = Mutex<[Worker]>([])

    private final class Worker: Sendable {
        private let work = Mutex<(@Sendable () -> Void)?>(nil)
        private let semaphore = DispatchSemaphore(value: 0)

        init() {
            var thread = pthread_t()
            let error = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    let worker = Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue()
                    while true { worker.takeOne() }
                }, Unmanaged.passRetained(self).toOpaque())
            // Tests cannot go on without one, and nobody has to catch it.
            guard error == 0 else { fatalError("cannot make a thread: \(error)") }
            pthread_detach(thread)
        }

        func start(_ body: @escaping @Sendable () -> Void) {
            work.withLock { $0 = body }
            semaphore.signal()
        }

        private func takeOne() {
            semaphore.wait()
            let body = work.withLock { work in
                defer { work = nil }
                return work
            }
            body?()
            idle.withLock { $0.append(self) }
        }
    }
}

import Dispatch
import Glibc
import SaturnCore
import Synchronization

/// A thread that does what it is handed, one thing after another, from its beginning until ``finish()``.
///
/// Dispatch makes threads when it needs them, and where it gets none it tries again for ever, on the thread that asked. That
/// must not be the one that waits for the tasks' processes: as long as nobody does, they count, and there is none.
final class Worker: Sendable {
    private let jobs = Mutex<[(@Sendable () -> Void)?]>([])
    private let count = DispatchSemaphore(value: 0)
    private let end = DispatchSemaphore(value: 0)

    init() throws {
        var thread = pthread_t()
        let own = Unmanaged.passRetained(self)
        let error = pthread_create(
            &thread, nil,
            { @Sendable argument in
                if let argument { Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue().work() }
                return nil
            }, own.toOpaque())
        guard error == 0 else {
            own.release()
            throw Failure.noThread(String(cString: strerror(error)))
        }
        pthread_detach(thread)
    }

    func start(_ job: @escaping @Sendable () -> Void) { add(job) }

    /// Waits until all is done. To be called once; nothing is handed in after it.
    func finish() {
        add(nil)
        end.wait()
    }

    private func add(_ job: (@Sendable () -> Void)?) {
        jobs.withLock { $0.append(job) }
        count.signal()
    }

    private func work() {
        while true {
            count.wait()
            guard let job = jobs.withLock({ $0.removeFirst() }) else { break }
            job()
        }
        end.signal()
    }
}

import Dispatch
import Glibc
import SaturnCore

/// A thread that does something once a second until it is stopped.
final class Ticker: Sendable {
    private let end = DispatchSemaphore(value: 0)
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) throws {
        self.body = body
        var thread = pthread_t()
        let own = Unmanaged.passRetained(self)
        let error = pthread_create(
            &thread, nil,
            { @Sendable argument in
                if let argument { Unmanaged<Ticker>.fromOpaque(argument).takeRetainedValue().work() }
                return nil
            }, own.toOpaque())
        guard error == 0 else {
            own.release()
            throw Failure.noThread(String(cString: strerror(error)))
        }
        pthread_detach(thread)
    }

    /// What has begun is not waited for.
    func stop() { end.signal() }

    private func work() {
        while end.wait(timeout: .now() + .seconds(1)) == .timedOut { body() }
    }
}

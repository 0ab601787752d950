import Dispatch

/// A thread that does something once a second until it is stopped.
final class Ticker: Sendable {
    private let end = DispatchSemaphore(value: 0)
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) throws {
        self.body = body
        try DetachedThread.start { [self] in work() }
    }

    /// What has begun is not waited for.
    func stop() { end.signal() }

    private func work() {
        while end.wait(timeout: .now() + .seconds(1)) == .timedOut { body() }
    }
}

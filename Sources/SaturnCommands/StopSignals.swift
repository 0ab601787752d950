import CSystem
import Synchronization

/// SIGINT, SIGTERM, SIGHUP and SIGUSR1: a run hears of them, every other command dies of them.
enum StopSignals {
    private static let listener = Mutex<AsyncStream<Int32>.Continuation?>(nil)

    /// From now on signals come here.
    static func stream() -> AsyncStream<Int32> {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        listener.withLock { $0 = continuation }
        return stream
    }

    /// What the main thread does with a signal that came.
    static func take(_ number: Int32) {
        guard let listener = listener.withLock(\.self) else { return csystem_die_of(number) }
        listener.yield(number)
    }
}

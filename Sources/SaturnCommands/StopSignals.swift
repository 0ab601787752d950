import CSystem
import Glibc
import Synchronization

/// SIGINT, SIGTERM, SIGHUP and SIGUSR1: a run hears of them, every other command dies of them, but for the last.
enum StopSignals {
    private struct State {
        var listener: AsyncStream<Int32>.Continuation?
        /// How often it was asked to stop.
        var stops = 0
        /// SIGUSR1 came before there was a run to drain.
        var isDraining = false
    }

    private static let state = Mutex(State())

    /// From now on signals come here.
    static func stream() -> AsyncStream<Int32> {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        state.withLock { state in
            state.listener = continuation
            if state.isDraining { continuation.yield(SIGUSR1) }
        }
        return stream
    }

    /// What the main thread does with a signal that came. After two a run has done what it could; whoever asks for a third time does
    /// not want to wait for a disk or a server any more, and whatever is not written yet the next run sees to.
    static func take(_ number: Int32) {
        let listener = state.withLock { state in
            if number == SIGUSR1 { state.isDraining = true } else { state.stops += 1 }
            return state.stops > 2 ? nil : state.listener
        }
        if let listener {
            listener.yield(number)
        } else if number != SIGUSR1 {
            csystem_die_of(number)
        }
    }
}

public import SaturnCore
import Synchronization

/// A clock that stands still until a test moves it.
///
/// ```swift
/// let clock = ManualClock()
/// clock.advance(by: 5)  // both clocks are five seconds on, and every reader of beats gets one
/// ```
public final class ManualClock: TimeSource {
    private struct State {
        var now: Timestamp
        var uptime: Int64 = 0
        var beats: [AsyncStream<Void>.Continuation] = []
    }

    private let state: Mutex<State>

    /// Begins at 2022-09-11T20:31:59.555695 unless told otherwise.
    public init(now: Timestamp = Timestamp(microseconds: 1_662_928_319_555_695)) {
        state = Mutex(State(now: now))
    }

    public func now() -> Timestamp { state.withLock { $0.now } }
    public func uptime() -> Int64 { state.withLock { $0.uptime } }

    /// A beat per ``advance(by:)``, whatever the interval.
    public func beats(every nanoseconds: Int64) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        state.withLock { $0.beats.append(continuation) }
        return stream
    }

    /// Moves both clocks by `seconds`, then gives one beat to every reader.
    public func advance(by seconds: Double) {
        state.withLock { state in
            state.now.microseconds += Int64((seconds * 1e6).rounded())
            state.uptime += Int64((seconds * 1e9).rounded())
            state.beats.removeAll { reader in
                if case .terminated = reader.yield() { true } else { false }
            }
        }
    }
}

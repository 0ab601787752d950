/// The clocks of a run: one for what is written down, one for how long things take.
public protocol TimeSource: Sendable {
    /// The wall clock; it may jump.
    func now() -> Timestamp
    /// Nanoseconds on a clock that never goes back.
    func uptime() -> Int64
    /// A beat about every `nanoseconds`, until the reader stops.
    func beats(every nanoseconds: Int64) -> AsyncStream<Void>
}

/// How often something is tried, and how long is waited in between: longer each time, and never two alike, so that many do not
/// come back at once.
struct RetryPolicy: Hashable, Sendable {
    var tries = 9
    /// In seconds.
    var shortest = 0.1
    var longest = 10.0

    /// In seconds.
    func pause(after tries: Int) -> Double {
        let most = min(longest, shortest * Double(1 << min(tries, 20)))
        return Double.random(in: most / 4...most)
    }
}

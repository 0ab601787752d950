/// The attempts that tasks have had, and those that are to follow.
struct RetryBook: Sendable {
    /// A task whose last attempt has failed, before the next one.
    private struct Pause {
        var cause: Cause
        /// When it may start; `nil` once it is ready.
        var end: Int64?
    }

    private var attempts: [Int: Int] = [:]
    private var pauses: [Int: Pause] = [:]
    private var spent: [Int: Retries.Spent] = [:]
    /// Attempts whose place was taken from them: they use up no retry.
    private var displaced: [Int: Int] = [:]
    private static let mostDisplaced = 5

    /// No task is between two attempts.
    var isEmpty: Bool { pauses.isEmpty }

    /// How often it has failed by what may have been its own fault.
    func failures(of task: Int) -> Int { spent[task]?.own ?? 0 }

    /// The number of the attempt that begins.
    mutating func begin(_ task: Int) -> Int {
        pauses[task] = nil
        attempts[task, default: 0] += 1
        return attempts[task] ?? 1
    }

    /// Seconds until the attempt that follows one that failed; `nil` when none does.
    mutating func next(_ task: Int, _ retries: Retries, after cause: Cause, isDisplaced: Bool) -> Double? {
        if isDisplaced, displaced[task, default: 0] < Self.mostDisplaced {
            displaced[task, default: 0] += 1
            return 0
        }
        let before = spent[task] ?? Retries.Spent()
        guard retries.allow(cause.kind, after: before) else { return nil }
        spent[task, default: Retries.Spent()].add(cause.kind)
        return retries.delay(after: before)
    }

    /// - Parameter end: `nil` for one that may start at once.
    mutating func pause(_ task: Int, _ cause: Cause, until end: Int64?) { pauses[task] = Pause(cause: cause, end: end) }

    /// Those whose pause is over, each once.
    mutating func takeDue(_ now: Int64) -> [Int] {
        guard !pauses.isEmpty else { return [] }
        let due = pauses.filter { $0.value.end.map { now >= $0 } ?? false }.keys.sorted()
        for task in due { pauses[task]?.end = nil }
        return due
    }

    /// Those between two attempts, for which there will not be another one.
    mutating func giveUp() -> [(task: Int, cause: Cause)] {
        defer { pauses = [:] }
        return pauses.sorted { $0.key < $1.key }.map { ($0.key, $0.value.cause) }
    }

    mutating func forget(_ task: Int) {
        attempts[task] = nil
        spent[task] = nil
        displaced[task] = nil
    }
}

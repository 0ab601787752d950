import Dispatch
import Glibc
import SaturnCore
import Synchronization

/// Writes to stdout what several threads find in numbered places, in the order of the places.
///
/// Whoever has found much waits for its turn, so that it need not be kept. Places have to be begun in their order: the one
/// whose turn it is never waits.
final class OrderedOutput: Sendable {
    fileprivate struct State {
        /// Whose turn it is.
        var next = 0
        /// Of places that are done before their turn.
        var done: [Int: [UInt8]] = [:]
        var kept = 0
        var turns: [Int: DispatchSemaphore] = [:]
        /// To be written at once: a call of the system for each place would take longer than looking there.
        var gathered: [UInt8] = []
        /// The first place whose search failed: what is behind it is not written.
        var failure: (place: Int, error: any Error)?
        var isClosed = false
        var hasFound = false
        var hasLog = false
    }

    private let state = Mutex(State())
    /// Bytes that are kept for places whose turn has not come.
    private static let room = 64 << 20

    /// Whether there was anything to search.
    var hasLog: Bool { state.withLock { $0.hasLog } }

    func noteLog() { state.withLock { $0.hasLog = true } }

    /// Whether it is of no use to search this place and those behind it.
    func isOver(_ place: Int) -> Bool {
        state.withLock { $0.isClosed || ($0.failure.map { $0.place < place } ?? false) }
    }

    /// Adds to what was found at a place that is not done yet.
    ///
    /// - Returns: `false` when nobody reads any more.
    func add(_ bytes: [UInt8], at place: Int) -> Bool {
        wait(for: place)
        return state.withLock { state in
            guard state.failure.map({ place < $0.place }) ?? true else { return false }
            state.gathered += bytes
            return state.flush()
        }
    }

    /// The rest of what was found at a place.
    func finish(_ bytes: [UInt8], at place: Int) {
        let isTooMuch = state.withLock { $0.next != place && $0.kept + bytes.count > Self.room }
        if isTooMuch { wait(for: place) }
        state.withLock { state in
            state.done[place] = bytes
            state.kept += bytes.count
            state.advance()
        }
    }

    func fail(_ error: any Error, at place: Int) {
        state.withLock { state in
            if state.failure.map({ place < $0.place }) ?? true { state.failure = (place, error) }
            state.done[place] = []
            state.advance()
        }
    }

    /// Writes what is left. Throws the error of the first place that failed.
    ///
    /// - Returns: Whether anything was found.
    func end() throws -> Bool {
        try state.withLock { state in
            state.flush()
            if let failure = state.failure { throw failure.error }
            return state.hasFound
        }
    }

    private func wait(for place: Int) {
        let turn = state.withLock { state -> DispatchSemaphore? in
            guard state.next != place else { return nil }
            let turn = DispatchSemaphore(value: 0)
            state.turns[place] = turn
            return turn
        }
        turn?.wait()
    }
}

extension OrderedOutput.State {
    /// Takes what is done and next.
    mutating func advance() {
        while let bytes = done.removeValue(forKey: next) {
            kept -= bytes.count
            if failure.map({ next < $0.place }) ?? true { gathered += bytes }
            next += 1
        }
        turns.removeValue(forKey: next)?.signal()
        if gathered.count > 1 << 16 { flush() }
    }

    /// `false` when nobody reads any more.
    @discardableResult
    mutating func flush() -> Bool {
        hasFound = hasFound || !gathered.isEmpty
        if !isClosed, !gathered.isEmpty {
            isClosed = !gathered.withUnsafeBytes { Output.write($0, to: STDOUT_FILENO) }
        }
        gathered.removeAll(keepingCapacity: true)
        return !isClosed
    }
}

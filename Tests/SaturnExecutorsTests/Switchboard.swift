import SaturnCore
import SaturnTesting
import Synchronization

/// An executor that many tests use at once, because it takes seconds to start; each hears of its own attempts.
final class Switchboard: Sendable {
    typealias Listener = @Sendable ([ExecutorEvent]) -> Void

    let executor: any Executor
    private let listeners = Mutex<[AttemptID: (test: Int, hear: Listener)]>([:])
    private static let all = Mutex<[String: Task<Switchboard, any Error>]>([:])

    /// Of a candidate that has one: started by the first who asks.
    static func shared(by candidate: Candidate) async throws -> Switchboard? {
        guard let home = candidate.home else { return nil }
        let board = all.withLock { all in
            let board = all[candidate.name] ?? Task { try await Blocking.run { try Switchboard(candidate, home()) } }
            all[candidate.name] = board
            return board
        }
        return try await board.value
    }

    private init(_ candidate: Candidate, _ home: TestSpace) throws {
        // So many that no test waits for another.
        executor = try candidate.make(Candidate.Wish(slots: 64, run: candidate.name), home)
        try executor.start { [unowned self] in pass($0) }
    }

    /// - Parameter test: a number of its own, whose events are told together.
    func connect(_ attempt: AttemptID, test: Int, _ hear: @escaping Listener) {
        listeners.withLock { $0[attempt] = (test, hear) }
    }

    private func pass(_ events: [ExecutorEvent]) {
        let listeners = listeners.withLock { $0 }
        if events.contains(where: { $0.failure != nil }) {
            for (_, listener) in listeners { listener.hear(events) }
        }
        let heard = events.compactMap { event in
            (event.began ?? event.ended).flatMap { listeners[$0] }.map { ($0, event) }
        }
        for (_, pairs) in Dictionary(grouping: heard, by: { $0.0.test }) { pairs[0].0.hear(pairs.map(\.1)) }
    }
}

import SaturnCore
import SaturnExecutors
import Testing

/// An executor that the contract suite is run against.
///
/// Another executor joins the suite by one more line in ``all``.
struct Candidate: CustomTestStringConvertible, Sendable {
    /// What a test asks of the executor.
    struct Wish: Sendable {
        var slots = 2
        /// What the tasks inherit, as `NAME=value`.
        var environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"]
    }

    var name: String
    var make: @Sendable (Wish) throws -> any Executor

    var testDescription: String { name }

    static let multiprocessing = Candidate(name: "Multiprocessing") { wish in
        try MultiprocessingExecutor(jobs: wish.slots, environment: wish.environment)
    }

    static let all = [multiprocessing]
}

import SaturnTesting
import Testing

/// Keeps tests of several engines from being at it all at once: each of their tasks would take minutes then.
struct FewAtOnce: SuiteTrait, TestTrait, TestScoping {
    let isRecursive = true
    private static let seats = Seats(count: 16)

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Self.seats.taking { try await function() }
    }
}

extension Trait where Self == FewAtOnce {
    static var fewAtOnce: FewAtOnce { FewAtOnce() }
}

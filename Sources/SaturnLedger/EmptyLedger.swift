public import SaturnCore

/// A ledger that knows nothing and is nowhere: of a project without one, and in place of a damaged one.
///
/// SQLite is not needed for it, whose start and empty tables cost more than all of a small plan.
public final class EmptyLedger: Ledger {
    public init() {}

    public func standing(in location: String) -> [String: AttemptRecord] { [:] }
    public func successes(of key: TaskKey) -> [AttemptRecord] { [] }
    public func locations() -> [String] { [] }
    public func fields(of key: TaskKey) -> [Manifest.Field]? { nil }
    public func detail(of value: String) -> [UInt8]? { nil }
    public func latest(in location: String) -> [String: AttemptRecord] { [:] }
    public func accepted() -> [AttemptID: [TaskKey]] { [:] }
    public func isPlanned(_ task: String, in location: String, otherThan run: String) -> Bool { false }
    public func runs() -> [RunRecord] { [] }
    public func tasks(of run: String) -> [TaskRecord] { [] }
    public func attempts(_ ids: [AttemptID]) -> [AttemptID: AttemptRecord] { [:] }
    public func parameters(of run: String) -> [[Variable]]? { nil }
    public func trace(of run: String) -> [UInt8]? { nil }
    public func digest(of path: String) -> DigestRecord? { nil }

    /// Throws: what is written would be lost.
    public func commit(_ batch: LedgerBatch) throws {
        guard batch.isEmpty else { throw Failure(.fault, "there is no ledger to write to") }
    }
}

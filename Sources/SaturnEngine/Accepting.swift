public import SaturnCore

/// Declares results good under the keys that their tasks have now: by an event in the result's own `events`, which goes
/// where the result goes and is found again without a ledger.
///
/// To be used with the lock of the run, from before the plan is made.
public struct Accepting {
    /// The result that stands in a task's folder.
    public struct Target: Sendable {
        public var task: String
        /// What speaks against it; `nil` when it is good already.
        public var reason: Reason?
        let index: Int
        let key: TaskKey
        let attempt: AttemptID
    }

    private let preparation: Preparation
    private let ledger: any Ledger

    /// - Parameter preparation: made with these tasks as `accepting`, so that those that need them have keys.
    /// - Parameter ledger: open for writing.
    public init(_ preparation: Preparation, ledger: any Ledger) {
        self.preparation = preparation
        self.ledger = ledger
    }

    /// The results of `tasks`; changes nothing.
    ///
    /// Throws a ``Failure`` of kind `usage` when one of them has none that could be accepted.
    public func targets(_ tasks: [Int]) throws -> [Target] { try tasks.map(target) }

    private func target(_ task: Int) throws -> Target {
        let name = preparation.graph.nodes[task].name
        guard let decision = preparation.plan.decisions[task], decision.action != .blocked else {
            throw Failure(.usage, "task '\(name)' needs a task that has no result", hint: "saturn why says which")
        }
        guard let key = decision.key else {
            throw Failure(.usage, "what '\(name)' needs runs first", hint: "accept that as well, or saturn run")
        }
        guard decision.action != .restore else {
            throw Failure(
                .usage, "task '\(name)' has a result under its key already, which the next run restores",
                hint: "saturn run")
        }
        guard decision.action == .reuse, let result = decision.result else {
            throw Failure(
                .usage, "task '\(name)' has no successful result to accept", hint: "saturn why says how it stands")
        }
        return Target(
            task: name, reason: decision.reason == .inPlace ? nil : decision.reason, index: task, key: key,
            attempt: result.attempt)
    }

    /// - Parameter changes: what speaks against them, in words that others may read, by task.
    public func accept(_ targets: [Target], changes: [String: String], at time: Timestamp) throws {
        for task in preparation.evidence.rejected {
            try preparation.store.note(EventLog.entry("changed", at: time), on: .standing(task: task))
        }
        var batch = LedgerBatch()
        // One that knew nothing of the results would not look for them again.
        var records = Dictionary(
            preparation.evidence.adopted.records.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        records.merge(try ledger.attempts(targets.map(\.attempt))) { _, known in known }
        var details = Details(preparation.compilation.sources)
        for target in targets where target.reason != nil {
            try note(Acceptance(key: target.key, time: time, changes: changes[target.task]), on: target)
            if records[target.attempt]?.accepted.contains(target.key) == false {
                records[target.attempt]?.accepted.append(target.key)
            }
            details.record(try preparation.manifest(of: target.index), in: &batch)
        }
        try preparation.store.settle()
        batch.attempts = records.values.sorted { ($0.task, $0.id.high) < ($1.task, $1.id.high) }
        try Committer(ledger: ledger, store: preparation.store, boot: preparation.boot).commit(batch, at: time)
    }

    private func note(_ acceptance: Acceptance, on target: Target) throws {
        let place = ResultPlace.standing(task: target.task)
        // Said already, by one that was killed before the ledger knew.
        if try preparation.store.events(of: place)?.accepted.contains(target.key) == true { return }
        guard try preparation.store.annotate(target.attempt, at: place, events: acceptance.entry) else {
            throw Failure(
                .workspace, "the result of '\(target.task)' is not there any more", hint: "saturn plan says what to do")
        }
    }
}

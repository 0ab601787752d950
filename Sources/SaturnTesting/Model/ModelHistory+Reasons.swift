import SaturnCore

// Whether what a plan gives as a reason has happened.

extension ModelHistory {
    func check(_ plan: [String: ModelDecision], _ oracle: ModelOracle, _ before: ModelScan) -> String? {
        for job in world.jobs {
            guard let decision = plan[job.name] else { return "\(job.name) is not in it" }
            guard let reason = decision.reason else { continue }
            if !isTrue(reason, of: job, decision, plan, oracle, before) {
                let was = before.standing[job.name].flatMap { identities[$0.origin] } ?? [:]
                let truth = ModelOracle.difference(was, oracle.outcomes[job.name]?.identity ?? [:]).sorted()
                return "\(job.name) is to \(decision.action): \(reason)\nwhat differs: \(truth), was \(was)"
            }
        }
        return nil
    }

    private func isTrue(
        _ reason: Reason, of job: ModelJob, _ decision: ModelDecision, _ plan: [String: ModelDecision],
        _ oracle: ModelOracle, _ before: ModelScan
    ) -> Bool {
        let standing = before.standing[job.name]
        let identity = oracle.outcomes[job.name]?.identity
        func isSame(_ attempt: AttemptID?) -> Bool { attempt.flatMap { identities[$0] } == identity && identity != nil }
        switch reason {
        case .new:
            return standing == nil && (deleted[job.name] == nil || hasLostLedger) || isTakenByATwin(standing, identity)
        case .inPlace: return decision.action == .reuse && standing?.status == "success" && isSame(standing?.origin)
        case .fromAttic: return before.attic.contains { $0.status == "success" && isSame($0.origin) }
        case .fromTask(let task): return isSame(before.standing[task]?.origin)
        case .failed: return standing?.status == "failure" && isSame(standing?.attempt)
        case .resultsGone where deleted[job.name] == "results": return true
        case .resultsGone:
            let own = stood[job.name] ?? []
            return standing == nil && own.contains(where: isSame)
                && before.available(identities)[identity ?? [:], default: 0] == 0
        case .folderGone: return deleted[job.name] == "folder"
        case .statusGone: return deleted[job.name] == "status"
        case .changedUnknown:
            return !forgotten.isDisjoint(with: standing.map { [$0.attempt, $0.origin] } ?? stood[job.name] ?? [])
        case .changed(let changes): return isTrue(changes, of: job, identity, standing, oracle)
        case .needs(let tasks):
            return tasks.allSatisfy { [.run, .maybe].contains(plan[world.jobs[$0].name]?.action) }
                && (decision.action == .maybe) == (standing?.status == "success")
        default: return false
        }
    }

    /// Of two equal tasks that have one result, only one can have it.
    private func isTakenByATwin(_ standing: ModelScan.Found?, _ identity: ModelOracle.Identity?) -> Bool {
        standing?.status == "success" && standing.flatMap { identities[$0.origin] } == identity
    }

    /// What is said to have changed has, and nothing else: against what stands there, else against an earlier attempt of
    /// that name.
    private func isTrue(
        _ changes: [FieldChange], of job: ModelJob, _ identity: ModelOracle.Identity?, _ standing: ModelScan.Found?,
        _ oracle: ModelOracle
    ) -> Bool {
        guard let identity else { return false }
        let said = Set(changes.map(\.field))
        let earlier = standing.map { [$0.origin] } ?? stood[job.name] ?? []
        return earlier.compactMap { identities[$0] }.contains { old in
            ModelOracle.difference(old, identity) == said && changes.allSatisfy { isTrue($0, old, job, oracle) }
        }
    }

    /// The files that are named are the ones that differ.
    private func isTrue(
        _ change: FieldChange, _ old: ModelOracle.Identity, _ job: ModelJob, _ oracle: ModelOracle
    ) -> Bool {
        guard change.field == "code.tree", let tree = old["code.tree"] else { return true }
        let now = oracle.tracked(for: job)
        // Another choice of files, or nobody knows what the old one was.
        guard now.keys.allSatisfy({ tree.contains("\($0)=") }), !change.files.isEmpty else {
            return change.files.isEmpty
        }
        let differing = now.filter { !tree.contains("\($0.key)=\($0.value)") }.keys
        return Set(change.files.map(\.path)) == Set(differing)
    }
}

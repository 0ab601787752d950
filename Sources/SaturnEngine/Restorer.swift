import CSystem
import SaturnCore

/// Brings back results that exist, before anything runs; executes nothing.
///
/// First everything that must give way leaves for the attic, then every result goes to its place: so results
/// that trade places do not meet. A kill in between leaves each in its folder or in the attic, where the next
/// plan finds it.
struct Restorer {
    let preparation: Preparation
    /// By task.
    let decisions: [Decision?]
    let clock: any TimeSource
    let header: (TaskNode, AttemptID, TaskKey) -> String

    /// A result that was to be restored has gone, or was not what it should be: the plan must be made again.
    struct Vanished: Error {}
    /// Returns the attempts that stand in the folders of the restored ones of `tasks`; `evicted` has the tasks whose
    /// folders are free now.
    ///
    /// Throws ``Vanished``; what was moved until then is in `batch`.
    func restore(
        _ tasks: [Int], into batch: inout LedgerBatch, evicted: inout Set<Int>
    ) throws -> [Int: AttemptID] {
        let restoring = tasks.filter { decisions[$0]?.action == .restore }
        for task in restoring { try evict(task, &batch, &evicted) }
        for task in restoring {
            guard let decision = decisions[task], decision.transfer == .move,
                case .standing(let owner) = decision.result?.place, let index = preparation.graph.indices[owner]
            else { continue }
            try evict(index, &batch, &evicted)
        }
        var attempts: [Int: AttemptID] = [:]
        for task in restoring {
            guard let decision = decisions[task], let result = decision.result else { continue }
            attempts[task] = try bring(result, decision.transfer, to: task, evicted, &batch)
        }
        do { if !restoring.isEmpty { try preparation.store.settle() } } catch let failure as Failure
            where failure.kind == .workspace
        { throw Vanished() }
        return attempts
    }

    /// Renames what stands in a task's folder into the attic, once.
    func evict(_ task: Int, _ batch: inout LedgerBatch, _ evicted: inout Set<Int>) throws {
        guard let occupant = decisions[task]?.occupant, evicted.insert(task).inserted else { return }
        let name = preparation.graph.nodes[task].name
        try preparation.store.retire(name, key: occupant.key, attempt: occupant.attempt)
        csystem_step("evict.moved")
        batch.moved.append((occupant.attempt, .attic, name))
    }

    private func bring(
        _ result: StoredResult, _ transfer: Decision.Transfer, to task: Int, _ evicted: Set<Int>,
        _ batch: inout LedgerBatch
    ) throws -> AttemptID {
        let node = preparation.graph.nodes[task]
        var place = result.place
        if case .standing(let owner) = place, let index = preparation.graph.indices[owner], evicted.contains(index) {
            place = .attic(key: result.key, attempt: result.attempt)
        }
        let target = ResultPlace.standing(task: node.name)
        guard transfer == .clone else {
            guard try preparation.store.look(at: place) != .absent else { throw Vanished() }
            try preparation.store.move(place, to: node.name)
            csystem_step("restore.moved")
            try preparation.store.note(EventLog.entry("restored", at: clock.now()), on: target)
            batch.moved.append((result.attempt, .standing, node.name))
            return result.attempt
        }
        return try clone(result, from: place, to: node, &batch)
    }

    /// An attempt of its own, that says which one it is a copy of.
    private func clone(
        _ result: StoredResult, from place: ResultPlace, to node: TaskNode, _ batch: inout LedgerBatch
    ) throws -> AttemptID {
        var generator = SystemRandomNumberGenerator()
        let time = clock.now()
        var record = AttemptRecord(
            id: AttemptID(using: &generator), key: result.key, location: preparation.store.location, task: node.name,
            run: preparation.run, state: .success, place: .standing)
        (record.origin, record.started, record.ended) = (result.origin, time, time)
        let source = try? preparation.store.events(of: place)
        record.reusable = source?.isReusable ?? true
        record.accepted = source?.accepted ?? []
        let events =
            header(node, record.id, result.key) + Self.inherited(source)
            + EventLog.entry("restored", at: time, [Variable("from", result.origin.description)])
            + EventLog.entry("complete", at: time)
        do {
            record.stamp = try preparation.store.clone(result.attempt, from: place, to: node.name, events: events)
        } catch let failure as Failure where failure.kind == .workspace {
            throw Vanished()
        }
        batch.attempts.append(record)
        return record.id
    }

    /// What decides for which keys a result is good goes with its copy.
    private static func inherited(_ source: EventLog?) -> String {
        guard let source else { return "" }
        let changed = source.events.first { $0.type == "changed" }.map { event in
            EventLog.entry(
                event.type, at: event["utctimestamp"].flatMap { Timestamp($0) } ?? Timestamp(microseconds: 0))
        }
        return (changed ?? "") + source.acceptances.map(\.entry).joined()
    }
}

// A result is claimed by one task: of several with equal manifests each needs one of its own.

extension Planner {
    /// Whether no other task has it.
    func isMine(_ origin: AttemptID, _ task: Int) -> Bool { claimed[origin].map { $0 == task } ?? true }

    func resultsElsewhere(for task: Int) throws -> [StoredResult] {
        guard let key = decisions[task]?.key, !isForced(task) else { return [] }
        var found = try evidence.results(of: key).filter { isFree($0, for: task) }
        guard found.count > 1 else { return found }
        // What was executed under the key before what was accepted under it.
        found = found.filter { $0.key == key } + found.filter { $0.key != key }
        return found.filter { !mayStay($0) } + found.filter(mayStay)
    }

    /// Whether there is a result that was executed under the key: it is better than one that was accepted.
    func isExecuted(_ key: TaskKey, _ task: Int) throws -> Bool {
        try evidence.results(of: key).contains { $0.key == key && isMine($0.origin, task) && isFree($0, for: task) }
    }

    /// Whether it stands in the folder of a task that is not decided yet: better to use another one.
    func mayStay(_ result: StoredResult) -> Bool {
        guard case .standing(let owner) = result.place, let index = graph.indices[owner] else { return false }
        return decisions[index].map { $0.action == .maybe } ?? true
    }

    /// Claims the newest result that no other task has claimed; `false` when there is none.
    mutating func restore(_ pending: Pending, ofOwnName: Bool) throws -> Bool {
        let (task, name) = (pending.task, graph.nodes[pending.task].name)
        let result = pending.results.first { isMine($0.origin, task) && (!ofOwnName || $0.task == name) }
        guard let result else { return false }
        claimed[result.origin] = task
        decide(task, .restore, .fromAttic, decisions[task]?.key, pending.standing)
        decisions[task]?.result = result
        switch result.place {
        case .standing(let owner): decisions[task]?.reason = .fromTask(owner)
        case .at(let location, _): decisions[task]?.reason = .fromLocation(location)
        case .attic, .checkpoint: break
        }
        return true
    }

    /// When all is decided: what stands in the folder of another task is moved only if it would not stay there.
    mutating func chooseTransfer(to task: Int) throws {
        guard decisions[task]?.action == .restore else { return }
        switch decisions[task]?.result?.place {
        case .standing(let owner)?:
            let moves = try leaves(owner)
            decisions[task]?.transfer = moves ? .move : .clone
        case .at?: decisions[task]?.transfer = .clone
        default: break
        }
    }

    /// Whether the result is not one that its own task has yet to claim.
    func isFree(_ result: StoredResult, for task: Int) -> Bool {
        guard case .standing(let owner) = result.place else { return true }
        // What stands in the task's own folder was refused: deleted by half, or changed while it ran.
        guard let index = graph.indices[owner] else { return true }
        guard index != task else { return false }
        // One of a later level has other needs, and so another key; unless those are called alike.
        return graph.nodes[index].level <= graph.nodes[task].level
            || graph.nodes[index].manifest != graph.nodes[task].manifest || variables(index) != variables(task)
    }

    func variables(_ task: Int) -> [String] {
        graph.nodes[task].needs.map { TaskName.variable(graph.nodes[$0].name) }.sorted()
    }

    /// Whether the result in the folder of `owner` will not stay there.
    func leaves(_ owner: String) throws -> Bool {
        guard let index = graph.indices[owner] else { return try !evidence.isPlannedElsewhere(owner) }
        guard isSelected(index), let action = decisions[index]?.action else { return false }
        return action == .run || action == .restore
    }
}

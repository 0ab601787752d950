/// Decides per task whether it runs, from the graph and the evidence; changes nothing.
///
/// Level by level, because the key of a task has the digests of the results that it needs. Within a level
/// every task first claims the result in its own folder, then one of its name, then any: tasks with equal
/// manifests each need a result of their own.
public struct Planner {
    public struct Options: Sendable {
        /// Tasks that `--only` selects; `nil` is all.
        public var selected: Set<Int>?
        public var force: Bool
        /// Tasks that `force` does not concern.
        public var spared: Set<Int>
        /// Tasks whose standing success is taken as good, whatever its key: their reason says what it would be in spite of.
        public var accepting: Set<Int>

        public init(
            selected: Set<Int>? = nil, force: Bool = false, spared: Set<Int> = [], accepting: Set<Int> = []
        ) {
            self.selected = selected
            self.force = force
            self.spared = spared
            self.accepting = accepting
        }
    }

    /// A task whose own folder does not have its result.
    struct Pending {
        var task: Int
        var standing: Standing
        /// Newest first.
        var results: [StoredResult] = []
    }

    let graph: Graph
    let evidence: any PlanEvidence
    let options: Options
    var decisions: [Decision?]
    /// Who has a result, by the attempt that executed it.
    var claimed: [AttemptID: Int] = [:]
    /// What was seen of tasks that are yet to be decided.
    private var standings: [Int: Standing] = [:]
    private var coder = ManifestCoder()
    private var foreign: [(task: String, problem: String)] = []

    public init(_ graph: Graph, evidence: any PlanEvidence, options: Options = Options()) {
        self.graph = graph
        self.evidence = evidence
        self.options = options
        decisions = Array(repeating: nil, count: graph.nodes.count)
    }

    /// Throws ``Failure`` of kind `inUse` when a folder of a task's name is not this project's.
    public mutating func plan() throws -> Plan {
        let wanted = scope()
        try lookAhead(wanted)
        for level in graph.levels { try decide(level.filter { wanted[$0] }) }
        try refuseForeign()
        for task in decisions.indices { try chooseTransfer(to: task) }
        for task in decisions.indices where !isSelected(task) && decisions[task]?.action != .reuse {
            decisions[task] = nil
        }
        return Plan(decisions: decisions)
    }

    /// Decides tasks whose needs have their results by now, while the run goes on; all that have come together, at once.
    ///
    /// - Parameter results: the attempts that stand in the folders of the tasks that they need.
    /// - Returns: by task. One whose needs' results have been deleted is not decided: it cannot run either.
    public mutating func decide(_ tasks: [Int], results: [Int: AttemptID]) throws -> [Int: Decision] {
        for need in Set(tasks.flatMap { graph.nodes[$0].needs }) {
            guard let attempt = results[need] else { continue }
            let name = graph.nodes[need].name
            // By its attempt and its place alone it is found; its key is of no concern to those that need it.
            let key = decisions[need]?.key ?? Digest(of: [])
            decisions[need]?.result = StoredResult(attempt: attempt, key: key, task: name, place: .standing(task: name))
        }
        try decide(tasks)
        for task in tasks { try chooseTransfer(to: task) }
        return Dictionary(uniqueKeysWithValues: tasks.compactMap { task in decisions[task].map { (task, $0) } })
    }

    /// The result of an attempt that has just been made is its own task's.
    public mutating func claim(_ attempt: AttemptID, for task: Int) { claimed[attempt] = task }

    /// What a folder holds may be new to the evidence, and wanted by a task of an earlier level.
    private mutating func lookAhead(_ wanted: [Bool]) throws {
        for level in graph.levels.dropFirst() {
            for task in level where wanted[task] {
                let standing = try evidence.standing(of: graph.nodes[task].name)
                if standing != .nothing { standings[task] = standing }
            }
        }
    }

    /// Decides tasks that do not need each other.
    private mutating func decide(_ tasks: [Int]) throws {
        var pending: [Pending] = []
        for task in tasks {
            if let standing = try decideInPlace(task) { pending.append(Pending(task: task, standing: standing)) }
        }
        try evidence.foresee(Set(pending.compactMap { isForced($0.task) ? nil : decisions[$0.task]?.key }))
        for index in pending.indices { pending[index].results = try resultsElsewhere(for: pending[index].task) }
        try evidence.foresee([])
        pending = try pending.filter { try !restore($0, ofOwnName: true) }
        for item in pending where try !restore(item, ofOwnName: false) { try decideToRun(item) }
    }

    /// The tasks to look at: the selected ones and all that they need, however far.
    private func scope() -> [Bool] {
        guard let selected = options.selected else { return Array(repeating: true, count: graph.nodes.count) }
        var wanted = Array(repeating: false, count: graph.nodes.count)
        var pending = Array(selected)
        while let task = pending.popLast() {
            guard !wanted[task] else { continue }
            wanted[task] = true
            pending += graph.nodes[task].needs
        }
        return wanted
    }

    func isSelected(_ task: Int) -> Bool { options.selected?.contains(task) ?? true }

    /// Returns what stands in the folder when the decision must wait for the other tasks' claims.
    private mutating func decideInPlace(_ task: Int) throws -> Standing? {
        for need in graph.nodes[task].needs { try requireResults(of: need) }
        if let culprit = graph.nodes[task].needs.first(where: willHaveNoResult) {
            decisions[task] = Decision(action: .blocked, reason: .blocked(by: culprit), key: nil)
            return nil
        }
        let seen = try standings.removeValue(forKey: task) ?? evidence.standing(of: graph.nodes[task].name)
        let standing = try checked(seen, task)
        if case .foreign(let problem) = standing {
            foreign.append((graph.nodes[task].name, problem))
            return nil
        }
        let open = graph.nodes[task].needs.filter(isOpen)
        guard open.isEmpty else {
            try decideOpen(task, open, standing)
            return nil
        }
        let key = try key(of: task)
        decisions[task] = Decision(action: .run, reason: .new, key: key)
        if let occupant = standing.success(under: key), !isForced(task), isMine(occupant.origin, task),
            try occupant.key == key || !isExecuted(key, task)
        {
            reuse(occupant, task, key, .inPlace)
            return nil
        }
        if options.accepting.contains(task), let occupant = standing.ownSuccess {
            reuse(occupant, task, key, try reason(standing, occupant, task, key))
            return nil
        }
        if case .foreignSuccess(_, let problem) = standing {
            foreign.append((graph.nodes[task].name, problem))
            return nil
        }
        return standing
    }

    private mutating func reuse(_ occupant: Occupant, _ task: Int, _ key: TaskKey, _ reason: Reason) {
        let name = graph.nodes[task].name
        let result = StoredResult(
            attempt: occupant.attempt, key: occupant.key, task: name, place: .standing(task: name),
            origin: occupant.origin)
        decisions[task] = Decision(action: .reuse, reason: reason, key: key, result: result)
        claimed[occupant.origin] = task
    }

    private func checked(_ standing: Standing, _ task: Int) throws -> Standing {
        guard case .success(let occupant) = standing, occupant.unchecked != nil,
            try !evidence.check(occupant, of: task)
        else { return standing }
        return .changedWhileRunning(occupant)
    }

    /// Whether its result is yet to come.
    private func isOpen(_ task: Int) -> Bool {
        guard let decision = decisions[task], decision.result == nil else { return false }
        return decision.action == .run || decision.action == .maybe
    }

    /// A task whose key is not known yet: what it has may be what it will need.
    private mutating func decideOpen(_ task: Int, _ open: [Int], _ standing: Standing) throws {
        // What another project left there cannot be known to be its result.
        if case .foreignSuccess(_, let problem) = standing { foreign.append((graph.nodes[task].name, problem)) }
        guard !isForced(task) else { return decide(task, .run, .forced, nil, standing) }
        let isNew = try standing == .nothing && evidence.latest(of: graph.nodes[task].name) == nil
        decide(task, standing.isGoodForSome ? .maybe : .run, isNew ? .new : .needs(open), nil, standing)
    }

    /// Noticed by those that need them alone: to look into every result would take long.
    private mutating func requireResults(of need: Int) throws {
        guard let earlier = decisions[need], let result = earlier.result, try evidence.digest(of: result) == nil else {
            return
        }
        let occupant = Occupant(attempt: result.attempt, key: result.key, origin: result.origin)
        decisions[need] = Decision(action: .run, reason: .resultsGone, key: earlier.key)
        decisions[need]?.occupant = earlier.action == .reuse ? occupant : earlier.occupant
        decisions[need]?.against = occupant
    }

    private func willHaveNoResult(_ task: Int) -> Bool {
        guard let decision = decisions[task] else { return true }
        return decision.action == .blocked || (!isSelected(task) && decision.action != .reuse)
    }

    private mutating func key(of task: Int) throws -> TaskKey {
        guard !graph.nodes[task].needs.isEmpty else { return coder.key(of: graph.nodes[task].manifest) }
        let manifest = try Self.manifest(of: task, in: graph) { need in
            guard let result = decisions[need]?.result else { return nil }
            return try evidence.digest(of: result)
        }
        return coder.key(of: manifest)
    }

    /// The complete manifest of a task, given the digests of the results that it needs.
    public static func manifest(
        of task: Int, in graph: Graph, digest: (Int) throws -> Digest?
    ) rethrows -> Manifest {
        var manifest = graph.nodes[task].manifest
        manifest.needs = try graph.nodes[task].needs.map { need in
            Manifest.Value(TaskName.variable(graph.nodes[need].name), try digest(need)?.description)
        }.sorted { $0.name < $1.name }
        return manifest
    }

    func isForced(_ task: Int) -> Bool { options.force && isSelected(task) && !options.spared.contains(task) }

    mutating func decide(
        _ task: Int, _ action: Decision.Action, _ reason: Reason, _ key: TaskKey?, _ standing: Standing
    ) {
        var decision = Decision(action: action, reason: reason, key: key)
        decision.occupant = standing.occupant
        decisions[task] = decision
    }

    private func refuseForeign() throws {
        guard let first = foreign.first else { return }
        let more = foreign.count > 1 ? " (and \(foreign.count - 1) more)" : ""
        throw Failure(
            .inUse, "the folder of task '\(first.task)' \(first.problem)\(more)",
            hint: "move it away, or choose another results directory")
    }
}

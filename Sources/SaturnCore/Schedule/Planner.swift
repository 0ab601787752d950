/// What the planner asks of the world.
public protocol PlanEvidence: AnyObject {
    func standing(of task: String) throws -> Standing
    /// Results under `key` that exist, newest first, wherever in the store they are.
    func results(of key: TaskKey) throws -> [StoredResult]
    /// The digest of a result's files; `nil` when there are none any more.
    func digest(of result: StoredResult) throws -> Digest?
    func fields(of key: TaskKey) throws -> [Manifest.Field]?
    /// The newest attempt of a task of this name, wherever its result is now.
    func latest(of task: String) throws -> Occupant?
    /// The same changes, with the files that their values stand for where that can be told.
    func explain(_ changes: [FieldChange]) throws -> [FieldChange]
    /// Whether another run's latest plan has a task of this name in this store.
    func isPlannedElsewhere(_ task: String) throws -> Bool
    /// Whether the code and the inputs of a task are what they were when the attempt started that nobody has checked, as
    /// far as can be told; if not, it is remembered that its result is not to be reused.
    func check(_ occupant: Occupant, of task: Int) throws -> Bool
}

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
    private struct Pending {
        var task: Int
        var standing: Standing
        /// Newest first.
        var results: [StoredResult] = []
    }

    private let graph: Graph
    private let evidence: any PlanEvidence
    private let options: Options
    private var decisions: [Decision?]
    private var claimed: Set<AttemptID> = []
    /// What was seen of tasks that are yet to be decided.
    private var standings: [Int: Standing] = [:]
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
    public mutating func claim(_ attempt: AttemptID) { claimed.insert(attempt) }

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
        for index in pending.indices { pending[index].results = try resultsElsewhere(for: pending[index].task) }
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

    private func isSelected(_ task: Int) -> Bool { options.selected?.contains(task) ?? true }

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
            decideOpen(task, open, standing)
            return nil
        }
        let key = try key(of: task)
        decisions[task] = Decision(action: .run, reason: .new, key: key)
        if let occupant = standing.success(under: key), !isForced(task) {
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
        claimed.insert(occupant.origin)
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
    private mutating func decideOpen(_ task: Int, _ open: [Int], _ standing: Standing) {
        // What another project left there cannot be known to be its result.
        if case .foreignSuccess(_, let problem) = standing { foreign.append((graph.nodes[task].name, problem)) }
        guard !isForced(task) else { return decide(task, .run, .forced, nil, standing) }
        decide(task, standing.isGoodForSome ? .maybe : .run, .needs(open), nil, standing)
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

    private func key(of task: Int) throws -> TaskKey {
        try Self.manifest(of: task, in: graph) { need in
            guard let result = decisions[need]?.result else { return nil }
            return try evidence.digest(of: result)
        }.key
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

    private func resultsElsewhere(for task: Int) throws -> [StoredResult] {
        guard let key = decisions[task]?.key, !isForced(task) else { return [] }
        let found = try evidence.results(of: key).filter { isFree($0, for: task) }
        guard found.count > 1 else { return found }
        return found.filter { !mayStay($0) } + found.filter(mayStay)
    }

    /// Whether it stands in the folder of a task that is not decided yet: better to use another one.
    private func mayStay(_ result: StoredResult) -> Bool {
        guard case .standing(let owner) = result.place, let index = graph.indices[owner] else { return false }
        return decisions[index].map { $0.action == .maybe } ?? true
    }

    private func isForced(_ task: Int) -> Bool { options.force && isSelected(task) && !options.spared.contains(task) }

    /// Claims the newest result that no other task has claimed; `false` when there is none.
    private mutating func restore(_ pending: Pending, ofOwnName: Bool) throws -> Bool {
        let (task, name) = (pending.task, graph.nodes[pending.task].name)
        let result = pending.results.first { !claimed.contains($0.origin) && (!ofOwnName || $0.task == name) }
        guard let result else { return false }
        claimed.insert(result.origin)
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
    private mutating func chooseTransfer(to task: Int) throws {
        guard decisions[task]?.action == .restore else { return }
        switch decisions[task]?.result?.place {
        case .standing(let owner)?:
            let moves = try leaves(owner)
            decisions[task]?.transfer = moves ? .move : .clone
        case .at?: decisions[task]?.transfer = .clone
        default: break
        }
    }

    private mutating func decideToRun(_ pending: Pending) throws {
        let task = pending.task
        guard let key = decisions[task]?.key else { return }
        let earlier = try pending.standing.earlier ?? evidence.latest(of: graph.nodes[task].name)
        var reason = isForced(task) ? Reason.forced : try reason(pending.standing, earlier, task, key)
        // What it had is another task's now.
        if reason == .resultsGone, !pending.results.isEmpty { reason = .new }
        decide(task, .run, reason, key, pending.standing)
        decisions[task]?.against = earlier
    }

    /// Whether the result is not one that its own task has yet to claim.
    private func isFree(_ result: StoredResult, for task: Int) -> Bool {
        guard case .standing(let owner) = result.place else { return true }
        // What stands in the task's own folder was refused: deleted by half, or changed while it ran.
        guard let index = graph.indices[owner] else { return true }
        guard index != task else { return false }
        // One of a later level has other needs, and so another key; unless those are called alike.
        return graph.nodes[index].level <= graph.nodes[task].level
            || graph.nodes[index].manifest != graph.nodes[task].manifest || variables(index) != variables(task)
    }

    private func variables(_ task: Int) -> [String] {
        graph.nodes[task].needs.map { TaskName.variable(graph.nodes[$0].name) }.sorted()
    }

    /// Whether the result in the folder of `owner` will not stay there.
    private func leaves(_ owner: String) throws -> Bool {
        guard let index = graph.indices[owner] else { return try !evidence.isPlannedElsewhere(owner) }
        guard isSelected(index), let action = decisions[index]?.action else { return false }
        return action == .run || action == .restore
    }

    private mutating func decide(
        _ task: Int, _ action: Decision.Action, _ reason: Reason, _ key: TaskKey?, _ standing: Standing
    ) {
        var decision = Decision(action: action, reason: reason, key: key)
        decision.occupant = standing.occupant
        decisions[task] = decision
    }

    private func reason(_ standing: Standing, _ earlier: Occupant?, _ task: Int, _ key: TaskKey) throws -> Reason {
        guard let earlier else { return .new }
        if earlier.key != key {
            guard let old = try evidence.fields(of: earlier.key) else {
                if case .unfinished = standing { return .unfinished }
                return .changedUnknown
            }
            let new = try Self.manifest(of: task, in: graph) { need in
                try decisions[need]?.result.flatMap { try evidence.digest(of: $0) }
            }
            return .changed(try evidence.explain(FieldChange.between(old, and: new.fields)))
        }
        switch standing {
        case .gone(let folder, _): return folder ? .folderGone : .statusGone
        case .failure(_, let exitCode): return .failed(exitCode)
        case .terminated: return .terminated
        case .unfinished: return .unfinished
        case .changedWhileRunning: return .changedWhileRunning
        case .unsynced: return .unsynced
        // It was here, and is nowhere any more.
        case .nothing: return .resultsGone
        // A success of this key that another task has claimed cannot stand here; the rest is new.
        case .success, .foreignSuccess, .foreign: return .new
        }
    }

    private func refuseForeign() throws {
        guard let first = foreign.first else { return }
        let more = foreign.count > 1 ? " (and \(foreign.count - 1) more)" : ""
        throw Failure(
            .inUse, "the folder of task '\(first.task)' \(first.problem)\(more)",
            hint: "move it away, or choose another results directory")
    }
}

extension Standing {
    /// A success that can be used under `key`: its own, or one that it was accepted under.
    func success(under key: TaskKey) -> Occupant? {
        switch self {
        case .success(let occupant), .foreignSuccess(let occupant, _):
            occupant.key == key || occupant.accepted.contains(key) ? occupant : nil
        case .changedWhileRunning(let occupant): occupant.accepted.contains(key) ? occupant : nil
        default: nil
        }
    }

    /// Whether there is a key under which what stands there can be used.
    var isGoodForSome: Bool {
        switch self {
        case .success, .foreignSuccess: true
        case .changedWhileRunning(let occupant): !occupant.accepted.isEmpty
        default: false
        }
    }

    /// A success of this project's, whatever it is good for.
    var ownSuccess: Occupant? {
        switch self {
        case .success(let occupant), .changedWhileRunning(let occupant): occupant
        default: nil
        }
    }

    /// What is in the folder, if anything is.
    var occupant: Occupant? {
        if case .gone(folder: true, _) = self { nil } else { earlier }
    }

    /// The attempt that the folder belongs or belonged to.
    var earlier: Occupant? {
        switch self {
        case .nothing, .foreign, .foreignSuccess: nil
        case .gone(_, let occupant), .success(let occupant), .failure(let occupant, _), .terminated(let occupant),
            .unfinished(let occupant), .changedWhileRunning(let occupant), .unsynced(let occupant):
            occupant
        }
    }
}

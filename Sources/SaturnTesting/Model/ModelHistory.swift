public import SaturnCore

/// Who plans and runs what a history has on its disk.
public protocol ModelPlayer {
    /// By task.
    func plan() async throws -> [String: ModelDecision]
    /// What was executed.
    func run() async throws -> [ModelExecution]
}

/// What a plan says of a task.
public struct ModelDecision: Sendable {
    public var action: Decision.Action
    /// `nil` where only the action is known.
    public var reason: Reason?

    public init(action: Decision.Action, reason: Reason? = nil) {
        self.action = action
        self.reason = reason
    }
}

public struct ModelExecution: Hashable, Sendable {
    public var attempt: AttemptID
    public var task: String

    public init(attempt: AttemptID, task: String) {
        self.attempt = attempt
        self.task = task
    }
}

/// A random history of one run file: edits, plans and runs, every one held against what a clean build would give.
///
/// ```swift
/// let history = try ModelHistory(seed: seed)
/// let problem = try await history.play(steps: 8, with: player(history.folder))   // nil: all was as it should be
/// ```
/// A run may execute what no result exists for, and nothing else; its results are those of a clean build; and what a
/// plan gives as a reason has happened.
public final class ModelHistory {
    public let space: TestSpace
    /// With the run file.
    public let folder: String
    public static let results = "results/model"

    private var random: SeededGenerator
    var world: ModelWorld
    private var past: [ModelWorld]
    /// What an attempt was executed for.
    var identities: [AttemptID: ModelOracle.Identity] = [:]
    /// What has ever stood in the folder of a task.
    var stood: [String: Set<AttemptID>] = [:]
    var hasLostLedger = false
    /// Attempts of which a lost ledger knew what they were made from, and nobody has found out since.
    var forgotten: Set<AttemptID> = []
    /// What was done to each task's folder by hand since the last run.
    var deleted: [String: String] = [:]
    private var written: [String: String] = [:]
    public private(set) var log: [String] = []

    public init(seed: UInt64, jobs: Int? = nil) throws {
        random = SeededGenerator(seed: seed)
        space = try TestSpace(inMemory: true)
        folder = space.path("work")
        let most = random.chance(20) ? 30 : 8
        world = ModelWorld(
            hasGit: random.chance(60), jobs: jobs ?? Int.random(in: 1...most, using: &random), &random)
        past = [world]
        try write()
        if world.hasGit {
            try git("init", "-q")
            try git("add", "-A")
            try git("commit", "-q", "-m", "begin")
        }
    }

    /// Edits, plans and runs; says what was wrong first.
    public func play(steps: Int, with player: some ModelPlayer) async throws -> String? {
        for step in 0..<steps {
            if step > 0 { try edit() }
            if let problem = try await take(player) {
                return "step \(step): \(problem)\n" + log.joined(separator: "\n") + "\n" + world.yaml
            }
        }
        return nil
    }

    // MARK: Edits

    private func edit() throws {
        log.append("--")
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<8: revert()
            case 8..<14: try commit()
            case 14..<26: try deleteByHand()
            case 26..<28: try deleteLedger()
            default:
                guard let edit = ModelWorld.Edit.allCases.randomElement(using: &random),
                    world.apply(edit, &random)
                else { continue }
                log.append(edit.rawValue)
            }
        }
        past.append(world)
        try write()
    }

    private func revert() {
        let index = Int.random(in: 0..<past.count, using: &random)
        log.append("revert to \(index)")
        world = past[index]
    }

    private func commit() throws {
        guard world.hasGit else { return }
        log.append("commit")
        try write()
        try git("commit", "-q", "-a", "--allow-empty", "-m", "more")
    }

    private func git(_ arguments: String...) throws {
        let identity = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "core.fsync=none", "-c", "gc.auto=0"]
        let run = try space.run(["git", "-C", folder] + identity + arguments)
        guard run.status == 0 else { throw Failure(.fault, "git \(arguments): \(run.stderr)") }
    }

    private func deleteByHand() throws {
        let standing = try ModelScan(results: "\(folder)/\(Self.results)", space).standing.keys.sorted()
        guard let task = standing.randomElement(using: &random) else { return }
        let what = ["folder", "status", "results"].randomElement(using: &random) ?? ""
        let path = "\(folder)/\(Self.results)/\(task)"
        guard space.exists("\(path)/status") else { return }
        log.append("delete the \(what) of \(task)")
        space.remove(what == "folder" ? path : "\(path)/\(what)")
        deleted[task] = what
    }

    private func deleteLedger() throws {
        log.append("delete the ledger")
        space.remove("\(folder)/.saturn/ledger.sqlite")
        hasLostLedger = true
        forgotten = Set(identities.keys)
        // Nobody knows any more that there was one.
        deleted = deleted.filter { $0.value != "folder" }
    }

    private func write() throws {
        var files = world.tracked.merging(world.inputs) { first, _ in first }
        files["run.yaml"] = world.yaml
        for (path, text) in files where written[path] != text { try space.write("\(folder)/\(path)", text) }
        written = files
    }

    // MARK: A plan and a run

    private func take(_ player: some ModelPlayer) async throws -> String? {
        let oracle = ModelOracle(world)
        let before = try ModelScan(results: "\(folder)/\(Self.results)", space)
        let plan = try await player.plan()
        if let problem = check(plan, oracle, before) { return "the plan: \(problem)" }
        let executed = try await player.run()
        log.append("ran " + executed.map(\.task).joined(separator: " "))
        for execution in executed {
            identities[execution.attempt] = oracle.outcomes[execution.task]?.identity
        }
        hasLostLedger = false
        // What is blocked, or not in the file, stays as it is.
        deleted = deleted.filter { oracle.outcomes[$0.key]?.identity == nil }
        if let problem = check(executed, plan, oracle, before) { return problem }
        let after = try ModelScan(results: "\(folder)/\(Self.results)", space)
        if let problem = check(after, oracle) { return problem }
        for (task, found) in after.standing { stood[task, default: []].insert(found.origin) }
        for (task, found) in after.standing where oracle.outcomes[task]?.succeeds == true {
            forgotten.subtract([found.attempt, found.origin])
        }
        let again = try await player.plan()
        for (task, decision) in again where oracle.outcomes[task]?.succeeds == true && decision.action != .reuse {
            return "right after the run \(task) is to \(decision.action): \(String(describing: decision.reason))"
        }
        return nil
    }

    /// Nothing stale.
    private func check(_ after: ModelScan, _ oracle: ModelOracle) -> String? {
        for (task, outcome) in oracle.outcomes.sorted(by: { $0.key < $1.key }) where outcome.identity != nil {
            let found = after.standing[task]
            guard found?.status == (outcome.succeeds ? "success" : "failure") else {
                return "\(task) is \(found?.status ?? "nothing"), and succeeds: \(outcome.succeeds)"
            }
            guard found?.out == outcome.out else {
                return "\(task) has \(found?.out ?? "nothing"), a clean build \(outcome.out)"
            }
            if let origin = found?.origin, identities[origin] != outcome.identity {
                return "\(task) has the result of another identity"
            }
        }
        return nil
    }

    /// Nothing needless, and nothing that the plan denied.
    private func check(
        _ executed: [ModelExecution], _ plan: [String: ModelDecision], _ oracle: ModelOracle, _ before: ModelScan
    ) -> String? {
        for execution in executed where ![.run, .maybe].contains(plan[execution.task]?.action) {
            return "\(execution.task) was executed, planned as \(String(describing: plan[execution.task]?.action))"
        }
        let available = before.available(identities)
        let wanted = Dictionary(
            oracle.outcomes.values.compactMap(\.identity).map { ($0, 1) }, uniquingKeysWith: +)
        let failing = Set(oracle.outcomes.values.filter { !$0.succeeds }.compactMap(\.identity))
        let counts = Dictionary(
            executed.compactMap { oracle.outcomes[$0.task]?.identity }.map { ($0, 1) }, uniquingKeysWith: +)
        for (identity, count) in wanted {
            let expected = failing.contains(identity) ? count : max(0, count - available[identity, default: 0])
            let tasks = oracle.outcomes.filter { $0.value.identity == identity }.keys.sorted()
            if counts[identity, default: 0] != expected {
                let planned = tasks.map { "\($0): \(String(describing: plan[$0]?.reason))" }
                return "\(tasks) executed \(counts[identity, default: 0]) times, not \(expected)\n\(planned)"
            }
        }
        if executed.contains(where: { oracle.outcomes[$0.task]?.identity == nil }) { return "a blocked task ran" }
        return nil
    }
}

import Glibc
import SaturnCore

/// The attempts of a run that are under way: their identities, workspaces and times.
struct Attempts {
    private struct Active {
        var id: AttemptID
        var number: Int
        var key: TaskKey
        var workspace: Workspace
        var started: Timestamp?
        var startedUptime: Int64?
        /// What is known of where it runs.
        var details: [Variable] = []
        /// How long it ran, where that is told.
        var seconds: Double?
        var needsFile: String?
        var isTold = false
        /// Of its log, when an earlier saturn has launched it.
        var logSize: Int64 = 0
        /// The same, and code or inputs may have changed before it began.
        var isDoubtful = false
        /// Why it failed, before another one.
        var cause: Cause?
        /// One that may be under way, and whose results nobody wants any more.
        var supersedes: AttemptID?
    }

    private let preparation: Preparation
    private let state: StateFolder
    private let clock: any TimeSource
    private let host: String
    /// Tasks see the folders of this machine.
    private let sharesDisk: Bool
    /// Their names.
    private let gpus: [String]
    private var active: [Int: Active] = [:]
    private var tasks: [AttemptID: Int] = [:]
    private var evicted: Set<Int> = []
    /// By task; those that the plan left open are added as they are made.
    private var decisions: [Decision?]
    private lazy var replicas = Replicas(in: preparation.graph, preparation.plan)
    private lazy var details = Details(preparation.compilation.sources)
    private var durations: [Int: (seconds: Double, log: String)] = [:]
    private var generator = SystemRandomNumberGenerator()
    private var snapshots: Snapshots?
    /// Where attempts outlive saturn: those of an earlier one.
    private let resumption: Resumption?
    /// The attempt that stands in the folder of a task, by task.
    var results: [Int: AttemptID] = [:]

    init(
        _ preparation: Preparation, state: StateFolder, clock: any TimeSource, host: String, sharesDisk: Bool,
        gpus: [String] = [], resumption: Resumption? = nil
    ) {
        self.sharesDisk = sharesDisk
        self.gpus = gpus
        self.resumption = resumption
        self.preparation = preparation
        self.state = state
        self.clock = clock
        self.host = host
        decisions = preparation.plan.decisions
    }

    var isEmpty: Bool { active.isEmpty }
    var hasEvicted: Bool { !evicted.isEmpty }
    var underWay: [Int] { active.keys.sorted() }

    func current(_ task: Int) -> AttemptID? { active[task]?.id }
    func number(of task: Int) -> Int { active[task]?.number ?? 0 }
    func isDoubtful(_ task: Int) -> Bool { active[task]?.isDoubtful ?? false }
    func duration(of task: Int) -> Double { durations[task]?.seconds ?? 0 }
    func log(of task: Int) -> String? { durations[task]?.log }
    mutating func forget(_ task: Int) { durations[task] = nil }

    private var restorer: Restorer {
        Restorer(preparation: preparation, decisions: decisions, clock: clock, header: header)
    }

    /// What the plan restores.
    mutating func restore(into batch: inout LedgerBatch) throws {
        try restore(decisions.indices.filter { decisions[$0]?.action == .restore }, into: &batch)
        results.reserveCapacity(decisions.count)
        for task in decisions.indices where decisions[task]?.action == .reuse {
            results[task] = decisions[task]?.result?.attempt
        }
        try describeAdopted(decisions.indices, in: &batch)
    }

    /// Of results that the ledger did not know, now or when they were superseded, it shall know what they were made from:
    /// the next change is put into words.
    private mutating func describeAdopted(_ tasks: some Sequence<Int>, in batch: inout LedgerBatch) throws {
        let adopted = preparation.evidence.adopted
        for task in tasks where adopted.count > 0 || decisions[task]?.action == .restore {
            guard let decision = decisions[task], let result = decision.result,
                decision.action == .restore || adopted.contains(result.attempt)
            else { continue }
            details.record(try manifest(of: task), in: &batch)
        }
    }

    /// Does what was decided while the run goes on, as far as nothing is to be executed for that.
    mutating func take(_ decided: [Int: Decision], into batch: inout LedgerBatch) throws {
        for (task, decision) in decided {
            decisions[task] = decision
            if decision.action == .reuse { results[task] = decision.result?.attempt }
        }
        try restore(decided.keys.sorted(), into: &batch)
        try describeAdopted(decided.keys.sorted(), in: &batch)
    }

    private mutating func restore(_ tasks: [Int], into batch: inout LedgerBatch) throws {
        let restored = try restorer.restore(tasks, into: &batch, evicted: &evicted)
        results.merge(restored) { _, new in new }
    }

    /// Makes the copies of code that tasks run from.
    mutating func takeSnapshots() throws { snapshots = try Snapshots(preparation, state: state) }

    /// Tasks that have been running for a while and were not told of yet: most are over before anybody looks.
    mutating func takeLongRunning() -> [Int] {
        let now = clock.uptime()
        let found = active.filter {
            !$0.value.isTold && $0.value.seconds == nil && now - ($0.value.startedUptime ?? now) > 500_000_000
        }
        .keys.sorted()
        for task in found { active[task]?.isTold = true }
        return found
    }

    func task(of attempt: AttemptID) -> Int? { tasks[attempt] }

    mutating func ended(_ attempt: AttemptID, after seconds: Double?) -> Int? {
        guard let task = tasks[attempt] else { return nil }
        active[task]?.seconds = seconds
        return task
    }

    mutating func started(
        _ attempt: AttemptID, at time: Timestamp, uptime: Int64, _ details: [Variable]
    ) -> Int? {
        guard let task = tasks[attempt] else { return nil }
        active[task]?.started = time
        active[task]?.startedUptime = uptime
        active[task]?.details = details
        return task
    }

    /// Makes the workspace; what stood there leaves for the attic.
    mutating func prepare(
        _ task: Int, number: Int, _ share: Scheduler.Share, _ batch: inout LedgerBatch
    ) throws -> Launch {
        if number > 1, let earlier = active[task] {
            let id = AttemptID(using: &generator)
            tasks[earlier.id] = nil
            let started = Self.beginning(earlier)
            var fields = [Variable("attempt", id.description)]
            if let cause = earlier.cause { fields.append(Variable("cause", cause.kind.rawValue)) }
            let retried = EventLog.entry("retried", at: clock.now(), fields)
            try preparation.store.again(earlier.workspace, number: number, events: started + retried)
            active[task]?.id = id
            active[task]?.number = number
            active[task]?.started = nil
            active[task]?.startedUptime = nil
            active[task]?.details = []
            active[task]?.seconds = nil
            active[task]?.logSize = 0
            active[task]?.isDoubtful = false
            active[task]?.isTold = false
            active[task]?.supersedes = nil
        } else {
            active[task] = try begin(task, &batch)
        }
        if let id = active[task]?.id { tasks[id] = task }
        return try launch(task, share)
    }

    /// An earlier saturn has launched it on an engine, and what comes of that is wanted.
    func hasLeft(_ task: Int) throws -> Bool {
        guard let resumption, active[task] == nil else { return false }
        return try resumption.wanted(task, key: TaskKey(of: manifest(of: task).encoded)) != nil
    }

    /// An earlier saturn has heard that it ran on an engine, and not how it ended.
    func hadStarted(_ task: Int) throws -> Bool {
        let (store, name) = (preparation.store, preparation.graph.nodes[task].name)
        guard resumption != nil, try store.unfinished(name)?.run == preparation.run else { return false }
        return access(store.folder(of: .standing(task: name)) + "/log", F_OK) == 0
    }

    private mutating func begin(_ task: Int, _ batch: inout LedgerBatch) throws -> Active {
        let node = preparation.graph.nodes[task]
        let key = details.record(try manifest(of: task), in: &batch)
        if let found = try resumption?.find(task, key: key) {
            var resumed = Active(id: found.attempt, number: 1, key: found.key, workspace: found.workspace)
            (resumed.logSize, resumed.isDoubtful) = (found.logSize, found.isDoubtful)
            return resumed
        }
        let superseded = try resumption?.superseded(task)
        let id = AttemptID(using: &generator)
        if decisions[task]?.occupant != nil { try restorer.evict(task, &batch, &evicted) }
        let workspace = try preparation.store.begin(node.name, events: header(node, id, key))
        var new = Active(id: id, number: 1, key: key, workspace: workspace)
        new.supersedes = superseded
        return new
    }

    /// Complete: what it needs has its results.
    private func manifest(of task: Int) throws -> Manifest {
        try Planner.manifest(of: task, in: preparation.graph) { need in
            try results[need].map { attempt in
                let name = preparation.graph.nodes[need].name
                let result = StoredResult(
                    attempt: attempt, key: attemptKey, task: name, place: .standing(task: name))
                guard let digest = try preparation.evidence.digest(of: result) else {
                    throw Failure(.workspace, "the results of '\(name)' were deleted")
                }
                return digest
            }
        }
    }

    /// Evidence asks for a result by its place and attempt alone.
    private var attemptKey: TaskKey { Digest(of: []) }

    private func header(_ node: TaskNode, _ attempt: AttemptID, _ key: TaskKey) -> String {
        var fields = [
            Variable("key", key.description), Variable("attempt", attempt.description),
            Variable("run", preparation.run), Variable("task", node.name),
            Variable("project", preparation.project ?? ""),
        ]
        if let commit = node.provenance.commit { fields.append(Variable("commit", commit)) }
        if node.provenance.dirty { fields.append(Variable("dirty", "true")) }
        fields += [
            Variable("sources", node.manifest.sources.description), Variable("host", host),
            Variable("boot", preparation.boot),
        ]
        return EventLog.header + EventLog.entry("submitted", at: clock.now(), fields)
    }

    private mutating func launch(_ task: Int, _ share: Scheduler.Share) throws -> Launch {
        guard let attempt = active[task] else { throw Failure(.fault, "task \(task) has no attempt to launch") }
        let node = preparation.graph.nodes[task]
        let checkpoint =
            sharesDisk
            ? try preparation.store.makeCheckpoint(of: attempt.key, replica: replicas[task])
            : preparation.store.folder(of: .checkpoint(of: attempt.key, replica: replicas[task]))
        var environment = environment(of: node, attempt, replicas[task], share, checkpoint)
        var surroundings = Launch.Surroundings()
        surroundings.checkpoint = checkpoint
        surroundings.snapshot = snapshots?.folder(of: task)
        surroundings.logSize = attempt.logSize
        surroundings.supersedes = attempt.supersedes
        if !node.needs.isEmpty {
            surroundings.needs = try needs(node)
            environment += try variables(task, attempt.id, &surroundings)
        }
        let caller = preparation.compilation.parts.context.environment
        // A local task has inherited them, one elsewhere has not.
        environment = node.spec.passEnv.compactMap { name in caller[name].map { Variable(name, $0) } } + environment
        var launch = Launch(
            attempt: attempt.id, command: node.spec.command,
            workdir: try snapshots?.workdir(of: task) ?? node.workdir, environment: environment,
            secrets: node.spec.secrets.map { Variable($0, caller[$0] ?? "") }, workspace: attempt.workspace)
        launch.surroundings = surroundings
        launch.resources = node.spec.resources?.onStep(share.step)
        launch.timeout = node.spec.timeout
        launch.image = node.spec.image
        return launch
    }

    private func environment(
        of node: TaskNode, _ attempt: Active, _ replica: Int, _ share: Scheduler.Share, _ checkpoint: String
    ) -> [Variable] {
        var variables = [
            Variable("SATURN_CHECKPOINT_DIR", checkpoint),
            Variable("SATURN_RESULTS_DIR", attempt.workspace.results),
            Variable("RESULTS_DIR", attempt.workspace.results),
            Variable("SATURN_RUN", preparation.run), Variable("SATURN_TASK", node.name),
            Variable("SATURN_TASK_INDEX", "\(node.spec.index)"), Variable("SATURN_ATTEMPT", "\(attempt.number)"),
            Variable("SATURN_ATTEMPT_ID", attempt.id.description),
            Variable("SATURN_SEED", "\(Self.seed(attempt.key, replica))"),
        ]
        if let slot = share.slot { variables.append(Variable("SATURN_SLOT", "\(slot)")) }
        if !share.gpus.isEmpty {
            let names = share.gpus.map { gpus[$0] }
            variables.append(Variable("CUDA_VISIBLE_DEVICES", names.joined(separator: ",")))
        }
        variables += node.spec.parameters.map { Variable("SATURN_PARAM_\(TaskName.variable($0.name))", $0.value) }
        return node.spec.env + variables
    }

    /// 31 bits that a task gets again whenever it runs under the same key.
    static func seed(_ key: TaskKey, _ replica: Int) -> UInt32 {
        let bits = key.bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return (bits &+ UInt32(truncatingIfNeeded: replica) &* 0x9E37_79B1) & 0x7FFF_FFFF
    }

    private func needs(_ node: TaskNode) throws -> [Launch.Surroundings.Need] {
        try node.needs.map { need in
            let name = preparation.graph.nodes[need].name
            guard let attempt = results[need] else {
                throw Failure(.fault, "'\(name)' has no result that '\(node.name)' could use")
            }
            return .init(task: name, folder: try preparation.store.results(of: name), attempt: attempt)
        }
    }

    /// By which a task finds what it needs; writes the file that one of them names.
    private mutating func variables(
        _ task: Int, _ id: AttemptID, _ surroundings: inout Launch.Surroundings
    ) throws -> [Variable] {
        let (file, needs) = ("\(state.path)/needs/\(id)", surroundings.needs)
        try state.writeFile(needs.map { "\($0.task)\t\($0.folder)\n" }.joined(), to: file)
        active[task]?.needsFile = file
        surroundings.needsFile = file
        let named = needs.prefix(100).map { Variable("SATURN_NEEDS_\(TaskName.variable($0.task))", $0.folder) }
        return [Variable("SATURN_NEEDS", file)] + (needs.count <= 100 ? Array(named) : [])
    }

    /// Notes the end of an attempt that is to be followed by another.
    mutating func failed(_ task: Int, _ cause: Cause) {
        removeNeedsFile(task)
        active[task]?.cause = cause
        // If there will not be another one after all, what comes until then is not its time.
        let duration = active[task].flatMap(seconds)
        active[task]?.seconds = duration
    }

    private func seconds(_ attempt: Active) -> Double? {
        attempt.seconds ?? attempt.startedUptime.map { Double(clock.uptime() - $0) / 1e9 }
    }

    private mutating func removeNeedsFile(_ task: Int) {
        if let file = active[task]?.needsFile { unlink(file) }
        active[task]?.needsFile = nil
    }

    /// The record of the attempt whose workspace could not be completed last.
    private(set) var unpublished: AttemptRecord?

    /// Completes the workspace; returns what the ledger is to know, or `nil` when there was no workspace.
    mutating func publish(_ task: Int, _ outcome: Outcome, isStale: Bool) throws -> AttemptRecord? {
        removeNeedsFile(task)
        guard let attempt = active.removeValue(forKey: task) else { return nil }
        tasks[attempt.id] = nil
        let time = clock.now()
        durations[task] = (seconds(attempt) ?? 0, attempt.workspace.log)
        var record = AttemptRecord(
            id: attempt.id, key: attempt.key, location: preparation.store.location, task: attempt.workspace.task,
            run: preparation.run, state: .terminated, place: .standing)
        record.started = attempt.started
        record.ended = time
        record.reusable = !isStale
        record.state = .unfinished
        unpublished = record
        results[task] = attempt.id
        var status: String?
        switch outcome {
        case .success: (record.state, status) = (.success, "success")
        case .failure(let cause): (record.state, record.exitCode, status) = (.failure, cause.exitCode, "failure")
        case .terminated: record.state = .terminated
        }
        let events = closing(outcome, attempt, time) + (isStale ? EventLog.entry("changed", at: time) : "")
        record.stamp = try preparation.store.publish(
            attempt.workspace, events: events, status: status, error: record.exitCode)
        unpublished = nil
        // Only now: with the result complete nobody needs it. What cannot be removed is left to gc.
        try? preparation.store.removeCheckpoint(
            of: attempt.key, replica: replicas[task], onlyEmpty: outcome != .success)
        return record
    }

    private static func beginning(_ attempt: Active) -> String {
        attempt.started.map { EventLog.entry("started", at: $0, attempt.details) } ?? ""
    }

    private func closing(_ outcome: Outcome, _ attempt: Active, _ time: Timestamp) -> String {
        let beginning = Self.beginning(attempt)
        switch outcome {
        case .success: return beginning + EventLog.entry("complete", at: time)
        case .terminated: return beginning + EventLog.entry("terminated", at: time)
        case .failure(let cause):
            return beginning + EventLog.failure(cause, at: time)
        }
    }
}

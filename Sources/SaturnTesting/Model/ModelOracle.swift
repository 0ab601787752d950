/// What a clean build of a model world gives, and what decides whether a result is the one.
public struct ModelOracle: Sendable {
    /// What counts, by the manifest's own labels: `command`, `env.V`, `inputs.data/x.txt`, `code.tree`, `needs.T1`.
    public typealias Identity = [String: String]

    public struct Outcome: Hashable, Sendable {
        /// `nil` when a needed job fails or is blocked.
        public var identity: Identity?
        public var out = ""
        public var succeeds = false
    }

    public let world: ModelWorld
    /// By name.
    public private(set) var outcomes: [String: Outcome] = [:]

    public init(_ world: ModelWorld) {
        self.world = world
        let jobs = Dictionary(world.jobs.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for job in world.jobs { build(job, jobs) }
    }

    private mutating func build(_ job: ModelJob, _ jobs: [String: ModelJob]) {
        guard outcomes[job.name] == nil else { return }
        for need in job.needs { if let needed = jobs[need] { build(needed, jobs) } }
        guard job.needs.allSatisfy({ outcomes[$0]?.succeeds == true }) else {
            outcomes[job.name] = Outcome()
            return
        }
        let needs = Dictionary(job.needs.map { ($0, outcomes[$0]?.out ?? "") }, uniquingKeysWith: { $1 })
        let files = job.reads.map { world.tracked[$0] ?? world.inputs[$0] ?? "" }
        let (out, succeeds) = job.work(files: files, needs: needs)
        outcomes[job.name] = Outcome(identity: identity(of: job, needs), out: out, succeeds: succeeds)
    }

    private func identity(of job: ModelJob, _ needs: [String: String]) -> Identity {
        var fields = code(of: job)
        fields["command"] = job.command
        fields["env.V"] = job.variable
        for input in job.inputs { fields["inputs.\(input)"] = world.inputs[input] }
        for (name, out) in needs { fields["needs.\(name.uppercased())"] = out }
        return fields
    }

    private func code(of job: ModelJob) -> Identity {
        switch job.code {
        case .none: return [:]
        case .commit where !world.hasGit: return ["code.job.sh": ModelJob.script]
        default: break
        }
        let files = tracked(for: job).map { "\($0.key)=\($0.value)" }.sorted()
        return ["code.tree": files.joined()]
    }

    /// The tracked files that count.
    public func tracked(for job: ModelJob) -> [String: String] {
        job.code == .commit ? world.tracked : world.tracked.filter { $0.key == "lib/a.txt" || $0.key == "lib/b.txt" }
    }

    /// The labels of what differs.
    public static func difference(_ one: Identity, _ two: Identity) -> Set<String> {
        Set(one.keys).union(two.keys).filter { one[$0] != two[$0] }
    }
}

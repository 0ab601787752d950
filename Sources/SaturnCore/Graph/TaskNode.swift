/// A task in the graph: what it is, what it needs, and what decides whether its result can be reused.
public struct TaskNode: Sendable {
    public var spec: TaskSpec
    /// Indices of the tasks that must succeed first, in the order written.
    public var needs: [Int] = []
    /// Indices of the tasks that need this one, ascending.
    public var dependents: [Int] = []
    /// 0 without needs, else one more than the highest level among the needs.
    public var level = 0
    /// Complete but for `needs`, whose digests are known only when the needed results are.
    public var manifest: Manifest
    public var provenance = Provenance()
    /// Absolute path of the folder that the command runs in.
    public var workdir = ""

    public init(spec: TaskSpec) {
        self.spec = spec
        manifest = Manifest(command: spec.command)
        manifest.parameters = spec.parameters
        manifest.env = spec.env
    }

    public var name: String { spec.name }
}

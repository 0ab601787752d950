/// What the YAML files of a run say, every default filled in.
public struct RunSpec: Hashable, Sendable {
    /// How many tasks a run may have when its file does not say `max_tasks`.
    public static let defaultMaxTasks = 1_000_000

    /// The run file's own `name`.
    public var name: Marked<String>?
    public var tasks: [TaskSpec]
    public var executor: ComponentSpec
    public var results: ComponentSpec
    /// Folders shipped to remote workers.
    public var fileSyncs: [FileSync] = []

    public init(name: Marked<String>?, tasks: [TaskSpec], executor: ComponentSpec, results: ComponentSpec) {
        self.name = name
        self.tasks = tasks
        self.executor = executor
        self.results = results
    }
}

public struct FileSync: Hashable, Sendable {
    public var source: Marked<String>
    public var destination: Marked<String>

    public init(source: Marked<String>, destination: Marked<String>) {
        self.source = source
        self.destination = destination
    }
}

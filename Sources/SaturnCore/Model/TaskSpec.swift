/// A task as the run file describes it, defaults applied and sweeps expanded.
public struct TaskSpec: Hashable, Sendable {
    /// Unique in the run, also when case is ignored; 1 to 200 bytes; see ``TaskName``.
    public var name: String
    /// Zero-based position in the run.
    public var index: Int
    public var mark: SourceMark
    public var command: Command
    /// What its sweep gives it, in the order declared; `repeat` is one of them. Empty for a task that was written out.
    public var parameters: [Variable] = []
    /// Sorted by name.
    public var env: [Variable] = []
    public var passEnv: [String] = []
    /// Names of the caller's variables that are handed to the task and never stored.
    public var secrets: [String] = []
    /// Relative to the run file's folder, or absolute.
    public var workdir: String?
    /// Files, folders or globs, relative to `workdir`.
    public var inputs: [Marked<String>] = []
    public var code: CodePolicy = .commit
    /// Runs from an immutable copy of the code.
    public var snapshot = false
    public var needs: [Marked<String>] = []
    /// How often a failed attempt is followed by another one.
    public var retries = 0
    /// Seconds; `nil` is without limit.
    public var timeout: Double?
    public var resources: Resources?
    /// Higher starts first.
    public var priority = 0

    public init(name: String, index: Int, command: Command, at mark: SourceMark) {
        self.name = name
        self.index = index
        self.command = command
        self.mark = mark
    }
}

/// One environment variable.
public struct Variable: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// Which state of the code counts in the key.
public enum CodePolicy: Hashable, Sendable {
    /// The tree that committing now would give.
    case commit
    /// The same, and HEAD's id.
    case commitID
    /// The same as `commit`, for the tracked files alone that these pathspecs cover, relative to `workdir`; `!lib/notes`
    /// takes some away again.
    case paths([Marked<String>])
    case none
}

/// What a task asks of the machine that runs it.
public struct Resources: Hashable, Sendable {
    public var cpus: Marked<Double>?
    public var gpus: Marked<Double>?
    /// Bytes.
    public var memory: Marked<Int>?
    /// The user's own names, sorted.
    public var others: [Other] = []

    public struct Other: Hashable, Sendable {
        public var name: String
        public var amount: Marked<Double>

        public init(name: String, amount: Marked<Double>) {
            self.name = name
            self.amount = amount
        }
    }

    public init() {}
}

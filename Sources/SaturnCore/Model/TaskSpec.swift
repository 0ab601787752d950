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
    /// What all tasks of a sweep usually have in common, kept once: a run may have a million of them.
    private var common = Common.none

    public init(name: String, index: Int, command: Command, at mark: SourceMark) {
        self.name = name
        self.index = index
        self.command = command
        self.mark = mark
    }
}

extension TaskSpec {
    /// What is rarely a task's own. Copies of a spec share it until one of them changes it.
    private final class Common: Hashable, Sendable {
        struct Fields: Hashable {
            var passEnv: [String] = []
            var secrets: [String] = []
            var workdir: String?
            var inputs: [Marked<String>] = []
            var code = CodePolicy.commit
            var snapshot = false
            var needs: [Marked<String>] = []
            var retries = Retries()
            var timeout: Double?
            var resources: Resources?
            var image: String?
            var priority = 0
        }

        static let none = Common(Fields())

        let fields: Fields

        init(_ fields: Fields) {
            self.fields = fields
        }

        static func == (left: Common, right: Common) -> Bool { left === right || left.fields == right.fields }

        func hash(into hasher: inout Hasher) { fields.hash(into: &hasher) }
    }

    private mutating func change(_ change: (inout Common.Fields) -> Void) {
        var fields = common.fields
        change(&fields)
        if fields != common.fields { common = Common(fields) }
    }

    public var passEnv: [String] {
        get { common.fields.passEnv }
        set { change { $0.passEnv = newValue } }
    }
    /// Names of the caller's variables that are handed to the task and never stored.
    public var secrets: [String] {
        get { common.fields.secrets }
        set { change { $0.secrets = newValue } }
    }
    /// Relative to the run file's folder, or absolute.
    public var workdir: String? {
        get { common.fields.workdir }
        set { change { $0.workdir = newValue } }
    }
    /// Files, folders or globs, relative to `workdir`.
    public var inputs: [Marked<String>] {
        get { common.fields.inputs }
        set { change { $0.inputs = newValue } }
    }
    public var code: CodePolicy {
        get { common.fields.code }
        set { change { $0.code = newValue } }
    }
    /// Runs from an immutable copy of the code.
    public var snapshot: Bool {
        get { common.fields.snapshot }
        set { change { $0.snapshot = newValue } }
    }
    public var needs: [Marked<String>] {
        get { common.fields.needs }
        set { change { $0.needs = newValue } }
    }
    /// How often a failed attempt is followed by another one.
    public var retries: Retries {
        get { common.fields.retries }
        set { change { $0.retries = newValue } }
    }
    /// Seconds; `nil` is without limit.
    public var timeout: Double? {
        get { common.fields.timeout }
        set { change { $0.timeout = newValue } }
    }
    public var resources: Resources? {
        get { common.fields.resources }
        set { change { $0.resources = newValue } }
    }
    /// Of its container, instead of the executor's.
    public var image: String? {
        get { common.fields.image }
        set { change { $0.image = newValue } }
    }
    /// Higher starts first.
    public var priority: Int {
        get { common.fields.priority }
        set { change { $0.priority = newValue } }
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
    /// Bytes, by how often the task has failed, the last of them from then on; empty is any amount.
    public var memory: [Marked<Int>] = []
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

    /// Bytes that an attempt may have after so many that failed; `nil` is any amount.
    public func memory(onStep step: Int) -> Int? {
        memory.isEmpty ? nil : memory[min(step, memory.count - 1)].value
    }

    /// What an attempt gets after so many that failed.
    public func onStep(_ step: Int) -> Resources {
        guard memory.count > 1 else { return self }
        var resources = self
        resources.memory = [memory[min(step, memory.count - 1)]]
        return resources
    }
}

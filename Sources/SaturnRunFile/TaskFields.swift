internal import SaturnCore

/// The fields of one task, or of `defaults`, as far as they are written: what is `nil` was not.
struct TaskFields {
    static let keys = [
        "name", "command", "shell", "env", "pass_env", "secrets", "workdir", "inputs", "code", "needs", "sweep",
        "snapshot", "retries", "retry_delay", "timeout", "resources", "image", "priority",
    ]
    private static let defaultsKeys = Array(keys.dropFirst())
    private static let runKeys = ["tasks", "executor", "results", "defaults", "file_syncs", "max_tasks"]

    enum CommandText {
        case line(String)
        case arguments([Marked<String>])
        /// It has been reported.
        case unusable
    }

    enum Shell {
        case none
        case argv([String])
    }

    enum SweepText {
        case usable(Sweep)
        /// It has been reported.
        case unusable
    }

    /// Variables, sorted by name, and the places of their values.
    struct Env {
        private(set) var variables: [Variable]
        private(set) var marks: [SourceMark]

        init(_ found: [Marked<Variable>]) {
            let sorted = found.sorted { $0.value.name < $1.value.name }
            (variables, marks) = (sorted.map(\.value), sorted.map(\.mark))
        }
    }

    /// Whether there is only a name and a command.
    private(set) var isPlain = true
    var name: Marked<String>?
    var command: CommandText?
    var commandMark: SourceMark?
    var shell: Shell?
    var env: Env?
    var passEnv: [String]?
    var secrets: [String]?
    var workdir: Marked<String>?
    var inputs: [Marked<String>]?
    var code: CodePolicy?
    var needs: [Marked<String>]?
    var sweep: SweepText?
    var snapshot: Bool?
    var retries: Retries?
    var retryDelay: Double?
    var timeout: Double?
    var resources: Resources?
    var image: String?
    var priority: Int?

    init() {}

    init(_ pairs: [YAMLPair], isDefaults: Bool, _ fields: FieldReader) {
        for pair in pairs {
            if pair.key != "name" && pair.key != "command" { isPlain = false }
            switch pair.key {
            case "name" where !isDefaults: name = fields.text(pair.value).map { Marked($0, at: pair.value.mark) }
            case "command":
                commandMark = pair.value.mark
                command = fields.command(pair.value)
            case "shell": shell = fields.shell(pair.value)
            case "env": env = fields.env(pair.value)
            case "pass_env": passEnv = fields.variableNames(pair.value)
            case "secrets": secrets = fields.variableNames(pair.value)
            case "workdir": workdir = fields.filledText(pair.value).map { Marked($0, at: pair.value.mark) }
            case "inputs": inputs = fields.texts(pair.value)
            case "code": code = fields.code(pair.value)
            case "needs": needs = fields.needs(pair.value)
            case "sweep": sweep = SweepReader.read(pair, fields).map { .usable($0) } ?? .unusable
            case "snapshot": snapshot = fields.flag(pair.value)
            case "retries": retries = fields.retries(pair.value)
            case "retry_delay": retryDelay = fields.duration(pair.value)
            case "timeout": timeout = fields.duration(pair.value)
            case "resources": resources = fields.resources(pair.value)
            case "image": image = fields.filledText(pair.value)
            case "priority": priority = fields.integer(pair.value, in: Int.min...Int.max, "a whole number")
            default: Self.unknown(pair, isDefaults: isDefaults, fields)
            }
        }
        if !isDefaults, case .argv? = shell, case .arguments? = command, let commandMark {
            fields.report(
                commandMark, "a command that is a list runs without a shell",
                hint: "leave 'shell' out, or write the command as one string")
        }
    }

    mutating func inheritCommand(from defaults: TaskFields) {
        if command == nil { (command, commandMark) = (defaults.command, defaults.commandMark) }
        shell = shell ?? defaults.shell
    }

    /// Maps are merged key by key, with this one's keys winning; everything else that is written here replaces.
    mutating func inherit(from defaults: TaskFields) {
        inheritCommand(from: defaults)
        env = env.map { $0.merged(over: defaults.env) } ?? defaults.env
        passEnv = passEnv ?? defaults.passEnv
        secrets = secrets ?? defaults.secrets
        workdir = workdir ?? defaults.workdir
        inputs = inputs ?? defaults.inputs
        code = code ?? defaults.code
        needs = needs ?? defaults.needs
        sweep = sweep ?? defaults.sweep
        snapshot = snapshot ?? defaults.snapshot
        retries = retries ?? defaults.retries
        retryDelay = retryDelay ?? defaults.retryDelay
        timeout = timeout ?? defaults.timeout
        resources = resources.map { $0.merged(over: defaults.resources) } ?? defaults.resources
        image = image ?? defaults.image
        priority = priority ?? defaults.priority
    }

    private static func unknown(_ pair: YAMLPair, isDefaults: Bool, _ fields: FieldReader) {
        if isDefaults && pair.key == "name" {
            fields.unknown(pair, among: [], hint: "every task has a name of its own")
        } else if runKeys.contains(pair.key) {
            fields.unknown(pair, among: [], hint: "it belongs at the top level of the run file")
        } else {
            fields.unknown(pair, among: isDefaults ? defaultsKeys : keys)
        }
    }
}

extension TaskFields.Env {
    fileprivate func merged(over others: Self?) -> Self {
        guard let others, !others.variables.isEmpty else { return self }
        let own = Set(variables.map(\.name))
        return Self(marked + others.marked.filter { !own.contains($0.value.name) })
    }

    private var marked: [Marked<Variable>] { zip(variables, marks).map { Marked($0, at: $1) } }
}

extension Resources {
    fileprivate func merged(over defaults: Resources?) -> Resources {
        guard let defaults else { return self }
        var merged = self
        merged.cpus = cpus ?? defaults.cpus
        merged.gpus = gpus ?? defaults.gpus
        if memory.isEmpty { merged.memory = defaults.memory }
        let own = Set(others.map(\.name))
        merged.others += defaults.others.filter { !own.contains($0.name) }
        merged.others.sort { $0.name < $1.name }
        return merged
    }
}

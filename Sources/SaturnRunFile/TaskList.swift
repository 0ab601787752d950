internal import SaturnCore

/// The tasks of a run as they are found, each under a name of its own.
struct TaskList {
    let fields: FieldReader
    private(set) var specs: [TaskSpec] = []
    /// Whether there is a list at all, even one with problems.
    private(set) var hasTasks = false
    /// Whether tasks are missing that others may need: a sweep could not be used.
    private(set) var isIncomplete = false
    private var position = 0
    private var names = NameTable()
    /// Whether the name of each spec is written, and not its position.
    private var hasWrittenName: [Bool] = []
    private var isOverLimit = false

    init(_ fields: FieldReader) {
        self.fields = fields
    }

    private var limit: Int { fields.maxTasks }

    /// Adds the tasks of a `tasks` list; `nil` when the file has none.
    mutating func add(_ node: YAMLNode?, defaults: TaskFields) {
        guard let node else { return }
        hasTasks = true
        guard let items = node.items, !items.isEmpty else {
            if node.items == nil {
                fields.expected("a list of tasks", node)
            } else {
                fields.report(node.mark, "the list of tasks is empty")
            }
            return
        }
        guard position + items.count <= limit else { return refuseMore(at: items[max(0, limit - position)].mark) }
        specs.reserveCapacity(specs.count + items.count)
        let plain = spec(defaults, command: .direct([]), at: node.mark)
        for item in items { add(entry: item, defaults: defaults, plain) }
    }

    private mutating func refuseMore(at mark: SourceMark) {
        if !isOverLimit {
            fields.report(mark, "there are more tasks than 'max_tasks', \(limit.grouped)")
        }
        isOverLimit = true
        isIncomplete = true
    }

    /// - Parameter plain: the spec of a task that has nothing but what the defaults give, to be shared by all that are so.
    private mutating func add(entry node: YAMLNode, defaults: TaskFields, _ plain: TaskSpec) {
        var task: TaskFields
        if node.text != nil {
            task = TaskFields()
            (task.command, task.commandMark) = (fields.command(node), node.mark)
        } else if let pairs = fields.mapping(node, "a task") {
            task = TaskFields(pairs, isDefaults: false, fields)
        } else {
            position += 1
            return
        }
        let mark = task.name?.mark ?? node.mark
        let isUnusable = task.name == nil && node["name"] != nil
        guard !task.isPlain || defaults.sweep != nil else {
            task.inheritCommand(from: defaults)
            reportShownSecrets(defaults, at: mark)
            var entry = plain
            (entry.command, entry.mark) = (command(of: task, at: mark), mark)
            entry.name = task.name?.value ?? ""
            if isUnusable { position += 1 } else { add(entry, hasName: task.name != nil) }
            return
        }
        task.inherit(from: defaults)
        reportShownSecrets(task, at: mark)
        let command = command(of: task, at: mark)
        let entry = spec(task, command: command, at: mark)
        switch task.sweep {
        case nil where isUnusable: position += 1
        case nil: add(entry, hasName: task.name != nil)
        case .usable(let sweep)? where !isUnusable: add(sweep, of: entry, task)
        case .usable?, .unusable?:
            isIncomplete = true
            position += 1
        }
    }

    /// What counts in the key is kept, and shown when it changes.
    private func reportShownSecrets(_ task: TaskFields, at mark: SourceMark) {
        for secret in task.secrets ?? [] {
            let isVariable = task.env?.variables.contains { $0.name == secret } ?? false
            guard isVariable || task.passEnv?.contains(secret) ?? false else { continue }
            fields.reportOnce(
                mark,
                "\(FieldReader.quote(secret)) cannot be both in 'secrets' and in '\(isVariable ? "env" : "pass_env")'",
                hint: "a secret is never stored, and does not count in the key")
        }
    }

    private mutating func add(_ entry: TaskSpec, hasName: Bool) {
        guard position < limit else { return refuseMore(at: entry.mark) }
        var entry = entry
        entry.index = position
        if !hasName { entry.name = String(position) }
        position += 1
        if let problem = TaskName.problem(with: entry.name) {
            fields.report(entry.mark, "the task's name \(FieldReader.quote(entry.name)) \(problem)")
        } else if let first = claim(entry.name) {
            reportTaken(entry, isWritten: hasName, by: specs[first], isWritten: hasWrittenName[first])
        } else {
            append(entry, hasName: hasName)
        }
    }

    /// The spec's index and a name that is not written are still to come.
    private func spec(_ task: TaskFields, command: Command, at mark: SourceMark) -> TaskSpec {
        var spec = TaskSpec(name: task.name?.value ?? "", index: 0, command: command, at: mark)
        spec.env = task.env?.variables ?? []
        if let passEnv = task.passEnv { spec.passEnv = passEnv }
        if let secrets = task.secrets { spec.secrets = secrets }
        if let workdir = task.workdir { spec.workdir = workdir.value }
        if let inputs = task.inputs { spec.inputs = inputs }
        if let code = task.code { spec.code = code }
        if let snapshot = task.snapshot { spec.snapshot = snapshot }
        if let needs = task.needs { spec.needs = needs }
        if let retries = task.retries { spec.retries = retries }
        if let delay = task.retryDelay { spec.retries.delay = delay }
        if let timeout = task.timeout { spec.timeout = timeout }
        if let resources = task.resources { spec.resources = resources }
        if let image = task.image { spec.image = image }
        if let priority = task.priority { spec.priority = priority }
        return spec
    }

    /// The command in its shell; an empty one after a problem, so that the task keeps its place.
    private func command(of task: TaskFields, at mark: SourceMark) -> Command {
        switch (task.command, task.shell) {
        case (.line(let text)?, .argv(let shell)?): return .shell(text, shell: shell)
        case (.line(let text)?, nil): return .shell(text, shell: Command.defaultShell)
        case (.line?, TaskFields.Shell.none?):
            fields.report(
                task.commandMark ?? mark, "a command without a shell has to be a list",
                hint: "write [program, argument]")
        case (.arguments(let argv)?, _): return .direct(argv.map(\.value))
        case (.unusable?, _): break
        case (nil, _): fields.report(mark, "this task has no 'command'")
        }
        return .direct([])
    }

    /// Who has the name already; else it is for the spec that is appended next.
    private mutating func claim(_ name: String) -> Int? {
        let specs = specs
        return names.claim(name, for: specs.count) { specs[$0].name }
    }

    private mutating func append(_ spec: TaskSpec, hasName: Bool) {
        specs.append(spec)
        hasWrittenName.append(hasName)
    }

    private func reportTaken(_ task: TaskSpec, isWritten: Bool, by first: TaskSpec, isWritten isFirstWritten: Bool) {
        let quoted = FieldReader.quote(task.name)
        let place = fields.place(first.mark, seenFrom: task.mark)
        if !isWritten {
            fields.report(
                task.mark.caret, "the position of this task without a name, \(quoted), is a task's name at \(place)",
                hint: "give it a name")
        } else if !isFirstWritten {
            fields.report(task.mark, "the name \(quoted) is the position of the task without a name at \(place)")
        } else if first.name.hasSameBytes(as: task.name) {
            fields.report(task.mark, "duplicate task name \(quoted); the first is at \(place)")
        } else {
            let other = FieldReader.quote(first.name)
            fields.report(task.mark, "the task's name \(quoted) differs only in case from \(other) at \(place)")
        }
    }
}

/// Sweeps.
extension TaskList {
    /// Adds the tasks of an entry with a sweep. What is wrong with many of them is said of the first.
    private mutating func add(_ sweep: Sweep, of entry: TaskSpec, _ task: TaskFields) {
        let total = position + sweep.count
        guard total <= limit else {
            fields.report(
                sweep.mark, "with this sweep there are \(total.grouped) tasks, more than 'max_tasks', \(limit.grouped)",
                hint: "take fewer values, or set 'max_tasks' at the top of the run file")
            (isIncomplete, isOverLimit) = (true, true)
            return
        }
        let templates = TaskTemplates(task, entry, sweep, fields)
        // Only where it pays: growing by single sweeps would copy the list for each.
        if sweep.count > specs.count { specs.reserveCapacity(specs.count + sweep.count) }
        var isRefused = false
        for number in 0..<sweep.count {
            var spec = templates.spec(number, of: entry)
            spec.index = position
            position += 1
            if isRefused { continue }
            isRefused = !add(swept: spec, templates)
        }
        if isRefused { isIncomplete = true }
    }

    /// Whether the task can be used; if not, it has been reported.
    private mutating func add(swept task: TaskSpec, _ templates: TaskTemplates) -> Bool {
        if let problem = TaskName.problem(with: task.name) {
            fields.report(
                task.mark, "the task's name \(FieldReader.quote(task.name)), of \(task.assignments), \(problem)")
        } else if let problem = templates.problem(with: task) {
            fields.report(problem.mark, "\(problem.message) is empty, of \(task.assignments)")
        } else if let first = claim(task.name) {
            reportTaken(task, bySwept: specs[first], isWritten: hasWrittenName[first])
        } else {
            append(task, hasName: true)
            return true
        }
        return false
    }

    private func reportTaken(_ task: TaskSpec, bySwept first: TaskSpec, isWritten: Bool) {
        let isOwn = first.mark == task.mark && !first.parameters.isEmpty
        guard isOwn else { return reportTaken(task, isWritten: true, by: first, isWritten: isWritten) }
        let differing = zip(task.parameters, first.parameters).filter { $0.value != $1.value }
        let (these, those) = (differing.map(\.0).assignments, differing.map(\.1).assignments)
        let quoted = FieldReader.quote(task.name)
        if first.name.hasSameBytes(as: task.name) {
            fields.report(task.mark, "duplicate task name \(quoted), of \(those) and \(these)")
        } else {
            let other = FieldReader.quote(first.name)
            fields.report(
                task.mark, "the task names \(other) and \(quoted), of \(those) and \(these), differ only in case")
        }
    }
}

extension TaskSpec {
    fileprivate var assignments: String { parameters.assignments }
}

extension [Variable] {
    /// `lr=0.1 seed=2`
    fileprivate var assignments: String { map { "\($0.name)=\($0.value)" }.joined(separator: " ") }
}

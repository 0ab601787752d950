internal import SaturnCore

/// The tasks of a run as they are found, each under a name of its own.
struct TaskList {
    private let limit: Int
    private let fields: FieldReader
    private(set) var specs: [TaskSpec] = []
    /// Whether there is a list at all, even one with problems.
    private(set) var hasTasks = false
    private var position = 0
    /// By the name without case.
    private var names: [String: Taken] = [:]

    private struct Taken {
        var name: String
        var mark: SourceMark
        var isWritten: Bool
    }

    init(limit: Int, fields: FieldReader) {
        self.limit = limit
        self.fields = fields
    }

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
        guard position + items.count <= limit else {
            fields.report(items[limit - position].mark, "there are more tasks than 'max_tasks', \(limit)")
            return
        }
        specs.reserveCapacity(specs.count + items.count)
        for item in items {
            add(entry: item, defaults: defaults)
            position += 1
        }
    }

    private mutating func add(entry node: YAMLNode, defaults: TaskFields) {
        var task: TaskFields
        if node.text != nil {
            task = TaskFields()
            (task.command, task.commandMark) = (fields.command(node), node.mark)
        } else if let pairs = fields.mapping(node, "a task") {
            task = TaskFields(pairs, isDefaults: false, fields)
        } else {
            return
        }
        let isWritten = node["name"] != nil
        task.inherit(from: defaults)
        let command = command(of: task, at: task.name?.mark ?? node.mark)
        guard !isWritten || task.name != nil else { return }
        let name = task.name ?? Marked(String(position), at: node.mark)
        guard claim(name, isWritten: isWritten) else { return }
        specs.append(spec(task, name: name, command: command))
    }

    private func spec(_ task: TaskFields, name: Marked<String>, command: Command) -> TaskSpec {
        var spec = TaskSpec(name: name.value, index: position, command: command, at: name.mark)
        spec.env = task.env ?? []
        spec.passEnv = task.passEnv ?? []
        spec.secrets = task.secrets ?? []
        spec.workdir = task.workdir
        spec.inputs = task.inputs ?? []
        spec.code = task.code ?? .commit
        spec.needs = task.needs ?? []
        spec.retries = task.retries ?? 0
        spec.timeout = task.timeout
        spec.resources = task.resources
        spec.priority = task.priority ?? 0
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
        case (.arguments(let argv)?, _): return .direct(argv)
        case (.unusable?, _): break
        case (nil, _): fields.report(mark, "this task has no 'command'")
        }
        return .direct([])
    }

    /// Whether `name` can be used, and nobody has it.
    private mutating func claim(_ name: Marked<String>, isWritten: Bool) -> Bool {
        if let problem = TaskName.problem(with: name.value) {
            fields.report(name.mark, "the task's name \(FieldReader.quote(name.value)) \(problem)")
            return false
        }
        let taken = Taken(name: name.value, mark: name.mark, isWritten: isWritten)
        guard let first = names.updateValue(taken, forKey: name.value.lowercased()) else { return true }
        names[name.value.lowercased()] = first
        reportTaken(name, isWritten: isWritten, by: first)
        return false
    }

    private func reportTaken(_ name: Marked<String>, isWritten: Bool, by first: Taken) {
        let quoted = FieldReader.quote(name.value)
        let place = fields.place(first.mark, seenFrom: name.mark)
        if !isWritten {
            fields.report(
                name.mark.caret, "the position of this task without a name, \(quoted), is a task's name at \(place)",
                hint: "give it a name")
        } else if !first.isWritten {
            fields.report(name.mark, "the name \(quoted) is the position of the task without a name at \(place)")
        } else if first.name.utf8.elementsEqual(name.value.utf8) {
            fields.report(name.mark, "duplicate task name \(quoted); the first is at \(place)")
        } else {
            let other = FieldReader.quote(first.name)
            fields.report(name.mark, "the task's name \(quoted) differs only in case from \(other) at \(place)")
        }
    }
}

internal import SaturnCore

/// Gives the trees of a run's files their meaning.
struct RunInterpreter {
    private static let keys = ["name", "tasks", "executor", "results", "defaults", "file_syncs", "max_tasks"]
    private static let taskFileKeys = ["tasks", "defaults"]

    var executors: [ComponentSchema]
    var stores: [ComponentSchema]
    var fields: FieldReader

    /// `roots` are the run file and perhaps the task file; `nil` for one that could not be read.
    func spec(of roots: [YAMLNode?]) -> RunSpec {
        let executor = ComponentReader(kind: "executor", schemas: executors, fields: fields)
        let results = ComponentReader(kind: "results", schemas: stores, fields: fields)
        var spec = RunSpec(name: nil, tasks: [], executor: executor.fallback, results: results.fallback)
        let run = roots.first.flatMap(\.self).flatMap { runMapping($0) } ?? []
        for pair in run {
            switch pair.key {
            case "name": spec.name = name(pair.value)
            case "executor": spec.executor = executor.spec(of: pair.value)
            case "results": spec.results = results.spec(of: pair.value)
            case "file_syncs": spec.fileSyncs = fileSyncs(pair.value)
            case "max_tasks":
                let wanted = "a whole number from 1 to \(Int(Int32.max).grouped)"
                fields.maxTasks = fields.integer(pair.value, in: 1...Int(Int32.max), wanted) ?? fields.maxTasks
            case "tasks", "defaults": break
            default: unknown(pair)
            }
        }
        var list = TaskList(fields)
        let defaults = defaults(in: run, over: TaskFields())
        list.add(run.first { $0.key == "tasks" }?.value, defaults: defaults)
        addTaskFile(roots.dropFirst().first.flatMap(\.self), over: defaults, to: &list)
        if !list.hasTasks, let root = roots.first.flatMap(\.self), root.pairs != nil,
            !roots.contains(where: { $0 == nil })
        {
            fields.report(root.mark.caret, "there are no tasks", hint: "list them under 'tasks'")
        }
        spec.tasks = list.specs
        // Whether the others' needs are tasks cannot be told.
        if list.isIncomplete { for index in spec.tasks.indices { spec.tasks[index].needs = [] } }
        return spec
    }

    private func runMapping(_ root: YAMLNode) -> [YAMLPair]? {
        if let pairs = root.pairs { return pairs }
        let hint = root.items == nil ? nil : "put the list under 'tasks'"
        fields.expected("a mapping with 'tasks'", root, hint: hint)
        return nil
    }

    private func unknown(_ pair: YAMLPair) {
        let isTaskKey = TaskFields.keys.contains(pair.key)
        fields.unknown(
            pair, among: isTaskKey ? [] : Self.keys,
            hint: isTaskKey ? "it belongs to a task, or under 'defaults'" : nil)
    }

    private func name(_ node: YAMLNode) -> Marked<String>? {
        guard let name = fields.text(node) else { return nil }
        if let problem = TaskName.problem(with: name) {
            fields.report(node.mark, "the run's name \(FieldReader.quote(name)) \(problem)")
            return nil
        }
        return Marked(name, at: node.mark)
    }

    /// A task file is a list, or a mapping whose `defaults` are for its own tasks.
    private func addTaskFile(_ root: YAMLNode?, over defaults: TaskFields, to list: inout TaskList) {
        guard let root else { return }
        if root.items != nil { return list.add(root, defaults: defaults) }
        guard let pairs = fields.mapping(root, "a list of tasks, or a mapping with 'tasks'") else { return }
        for pair in pairs where !Self.taskFileKeys.contains(pair.key) {
            let isRunKey = Self.keys.contains(pair.key)
            fields.unknown(
                pair, among: isRunKey ? [] : Self.taskFileKeys, hint: isRunKey ? "it belongs in the run file" : nil)
        }
        list.add(root["tasks"], defaults: self.defaults(in: pairs, over: defaults))
    }

    private func defaults(in pairs: [YAMLPair], over outer: TaskFields) -> TaskFields {
        guard let node = pairs.first(where: { $0.key == "defaults" })?.value, !node.isNull,
            let entries = fields.mapping(node)
        else { return outer }
        var inner = TaskFields(entries, isDefaults: true, fields)
        inner.inherit(from: outer)
        return inner
    }

    private func fileSyncs(_ node: YAMLNode) -> [FileSync] {
        guard !node.isNull else { return [] }
        guard let items = node.items else {
            fields.expected("a list of 'src' and 'dest'", node)
            return []
        }
        return items.compactMap { fileSync($0) }
    }

    private func fileSync(_ node: YAMLNode) -> FileSync? {
        guard let pairs = fields.mapping(node, "a mapping with 'src' and 'dest'") else { return nil }
        var (source, destination): (Marked<String>?, Marked<String>?)
        for pair in pairs {
            switch pair.key {
            case "src": source = fields.filledText(pair.value).map { Marked($0, at: pair.value.mark) }
            case "dest": destination = fields.filledText(pair.value).map { Marked($0, at: pair.value.mark) }
            default: fields.unknown(pair, among: ["src", "dest"])
            }
        }
        for key in ["src", "dest"] where node[key] == nil { fields.report(node.mark.caret, "'\(key)' is missing") }
        guard let source, let destination else { return nil }
        return FileSync(source: source, destination: destination)
    }
}

extension SourceMark {
    /// The same place, for something that has no extent of its own.
    var caret: SourceMark {
        var mark = self
        mark.length = 1
        return mark
    }
}

import SaturnCore

/// Changed fields in words, a phrase for each field, and one for all files, inputs and needs of a kind.
///
/// ```
/// command: --lr 0.8 → --lr 0.9
/// env LR: 0.5 → 0.6
/// code: lib/model.py changed (uncommitted)
/// needs: results of prepare changed (data.csv)
/// ```
struct ChangeText {
    let changes: [FieldChange]
    /// The needed tasks, by the variables that stand for them.
    var needs: [String: String] = [:]
    /// Files and the like that a phrase names.
    var limit = 3
    /// What `env` and `pass_env` are is nobody else's business.
    var showsVariables = true

    private static let lists: Set<String> = ["inputs", "code", "needs"]

    var phrases: [String] {
        var kinds: [String] = []
        var found: [String: Items] = [:]
        for change in changes {
            let (kind, name) = Self.parts(change.field)
            if found[kind] == nil { kinds.append(kind) }
            let items = Self.lists.contains(kind) ? items(change, kind, name) : Items([value(change)])
            found[kind, default: Items([])].add(items)
        }
        return kinds.flatMap { kind in
            let items = found[kind] ?? Items([])
            guard Self.lists.contains(kind) else { return items.words }
            return [items.words == ["changed"] ? "\(kind) changed" : "\(kind): \(items.list(limit))"]
        }
    }

    /// What is said of a kind: words, and how much more there is that nobody has put into words.
    private struct Items {
        var words: [String]
        var more = 0

        init(_ words: [String]) {
            self.words = words
        }

        /// - Parameter limit: a change of the code may be one of thousands of files, in thousands of tasks.
        init(_ files: [FileChange], limit: Int, _ word: (FileChange) -> String) {
            words = files.prefix(limit).map(word)
            more = files.count - words.count
        }

        mutating func add(_ other: Items) {
            words += other.words
            more += other.more
        }

        func list(_ limit: Int) -> String {
            let left = more + max(0, words.count - limit)
            return words.prefix(limit).map { Printable.text($0) }.joined(separator: ", ")
                + (left > 0 ? " and \(left) more" : "")
        }
    }

    /// `env.LR` is `LR` of `env`.
    static func parts(_ field: String) -> (kind: String, name: String) {
        guard let dot = field.firstIndex(of: ".") else { return (field, "") }
        return (String(field[..<dot]), String(field[field.index(after: dot)...]))
    }

    private func value(_ change: FieldChange) -> String {
        let (kind, name) = Self.parts(change.field)
        if !showsVariables, ["env", "pass_env"].contains(kind) { return "\(kind) \(name) changed" }
        switch kind {
        case "command":
            let (was, now) = ReasonText.different(change.old ?? "", change.new ?? "")
            // Where spaces are all that differs, they are to be seen.
            guard Self.words(was) == Self.words(now) else { return "command: \(was) → \(now)" }
            return "command: '\(was)' → '\(now)'"
        case "workdir": return "workdir: \(folder(change.old)) → \(folder(change.new))"
        default:
            let label = name.isEmpty ? kind : "\(kind) \(name)"
            return "\(label): \(change.old ?? "not set") → \(change.new ?? "not set")"
        }
    }

    private static func words(_ text: String) -> [Substring] { text.split(whereSeparator: \.isWhitespace) }

    private func folder(_ path: String?) -> String { path.flatMap { $0.isEmpty ? nil : $0 } ?? "." }

    private func items(_ change: FieldChange, _ kind: String, _ name: String) -> Items {
        let isTree = kind == "code" && name == "tree"
        guard kind != "needs" else { return Items([need(change, name)]) }
        guard change.files.isEmpty else {
            let folder = isTree ? "" : name.hasSuffix("/") ? name : name + "/"
            return Items(change.files, limit: limit) { file($0, in: folder) }
        }
        guard kind == "code", name == "commit" else { return Items([isTree ? "changed" : "\(name) \(verb(change))"]) }
        return Items(["commit \(commit(change.old)) → \(commit(change.new))"])
    }

    private func file(_ file: FileChange, in folder: String) -> String {
        "\(folder)\(file.path) \(file.kind.rawValue)\(file.isUncommitted ? " (uncommitted)" : "")"
    }

    private func commit(_ id: String?) -> String { id.map { String($0.prefix(12)) } ?? "none" }

    private func need(_ change: FieldChange, _ variable: String) -> String {
        let task = needs[variable] ?? variable.lowercased()
        guard change.old != nil, change.new != nil else { return "\(task) \(verb(change))" }
        let files = Items(change.files, limit: limit) { file in
            file.kind == .changed ? file.path : "\(file.path) \(file.kind.rawValue)"
        }
        return "results of \(task) changed" + (files.words.isEmpty ? "" : " (\(files.list(limit)))")
    }

    private func verb(_ change: FieldChange) -> String {
        change.old == nil ? "added" : change.new == nil ? "removed" : "changed"
    }

    // MARK: What is said of many

    /// Parameters first; what differs in the command and in variables only by their values is said with them.
    static func telling(_ changes: [FieldChange]) -> [FieldChange] {
        let parameters = changes.filter { parts($0.field).kind == "params" }
        guard !parameters.isEmpty else { return changes }
        return parameters
            + changes.filter { parts($0.field).kind != "params" && !isExplained($0, by: parameters) }
    }

    private static func isExplained(_ change: FieldChange, by parameters: [FieldChange]) -> Bool {
        guard ["command", "env"].contains(parts(change.field).kind), var text = change.old, let new = change.new else {
            return false
        }
        for parameter in parameters {
            guard let was = parameter.old, let now = parameter.new, !was.isEmpty else { continue }
            text = text.replacing(was, with: now)
        }
        return text == new
    }

    /// What a change is about, without saying what it was and is.
    static func label(_ change: FieldChange) -> String {
        let (kind, name) = parts(change.field)
        switch kind {
        case "needs": return "results of needed tasks"
        case "command", "workdir", "inputs", "code": return kind
        default: return name.isEmpty ? kind : "\(kind) \(name)"
        }
    }
}

import SaturnCore

/// Why a task runs, in words.
struct ReasonText {
    let graph: Graph

    /// All of it, for one task.
    func full(_ reason: Reason, of task: Int) -> String {
        switch reason {
        case .changed(let changes) where !changes.isEmpty:
            self.changes(changes, of: task).phrases.joined(separator: ", ")
        case .needs(let tasks): "needs \(names(tasks)), which \(tasks.count == 1 ? "runs" : "run") first"
        case .fromTask(let task): "from the folder of \(task)"
        case .blocked(let task): "needs \(graph.nodes[task].name), which will have no result"
        default: category(reason)
        }
    }

    /// What tasks of one cause have in common.
    func category(_ reason: Reason) -> String {
        switch reason {
        case .new: "new"
        case .changed(let changes): changes.isEmpty ? "changed" : labels(changes) + " changed"
        case .changedUnknown: "changed"
        case .failed(let code): "failed before" + (code.map { " (exit code \($0))" } ?? "")
        case .terminated: "was terminated"
        case .unfinished: "has not finished"
        case .changedWhileRunning: "code or an input changed while it ran"
        case .unsynced: "the machine went down before its files were on the disk"
        case .folderGone: "its folder was deleted"
        case .statusGone: "its status was deleted"
        case .resultsGone: "its results were deleted"
        case .forced: "forced"
        case .needs: "needs tasks that run first"
        case .inPlace: "up to date"
        case .fromAttic: "from the attic"
        case .fromTask: "from the folder of another task"
        case .fromLocation(let location): "from \(Printable.text(location))"
        case .blocked: "needs a task that will have no result"
        }
    }

    private func labels(_ changes: [FieldChange]) -> String {
        var seen: Set<String> = []
        return ChangeText.telling(changes).map(ChangeText.label).filter { seen.insert($0).inserted }
            .joined(separator: ", ")
    }

    /// The same for `plan`, `why` and `accept`.
    ///
    /// - Parameter limit: the number of files and the like that are named.
    func changes(_ changes: [FieldChange], of task: Int, limit: Int = 3) -> ChangeText {
        var text = ChangeText(changes: ChangeText.telling(changes), limit: limit)
        guard changes.contains(where: { $0.field.hasPrefix("needs.") }) else { return text }
        let names = graph.nodes[task].needs.map { graph.nodes[$0].name }
        text.needs = Dictionary(
            names.map { (TaskName.variable($0), $0) }, uniquingKeysWith: { first, _ in first })
        return text
    }

    /// The words that differ, between the first that does and the last.
    static func different(_ old: String, _ new: String) -> (String, String) {
        let (was, now) = (words(old), words(new))
        let shortest = min(was.count, now.count)
        let head = (0..<shortest).first { was[$0] != now[$0] } ?? shortest
        let most = shortest - head
        let tail = (0..<most).first { was[was.count - 1 - $0] != now[now.count - 1 - $0] } ?? most
        // One word before it, so that `--lr 0.8` says what 0.8 is.
        let from = max(0, head - 1)
        func part(_ words: [Substring]) -> String {
            let text = words[from..<(words.count - tail)].joined(separator: " ")
            return text.isEmpty ? "(nothing)" : text
        }
        return (part(was), part(now))
    }

    private static func words(_ text: String) -> [Substring] {
        text.split(separator: " ", omittingEmptySubsequences: false)
    }

    func names(_ tasks: [Int]) -> String { Self.list(tasks.map { graph.nodes[$0].name }) }

    /// The first few, and how many more.
    ///
    /// - Parameter count: of all, where `names` are only the first of them.
    static func list(_ names: [String], of count: Int? = nil, limit: Int = 3) -> String {
        let count = count ?? names.count
        let shown = names.prefix(limit).map { Printable.text($0) }.joined(separator: ", ")
        return count > limit ? "\(shown) and \(count - limit) more" : shown
    }
}

internal import SaturnCore

/// One `--set KEY=VALUE`: `executor.jobs=4`, `tasks.lr-0.5.env.LR=3`.
///
/// It changes the tree before anything is read from it, so that a value given here is checked like one in the file.
struct Override {
    /// Its own index among the sources.
    var source: Int
    var text: String
    /// The class that `executor` and `results` get when the file names none.
    var shorthands: [String: String]

    private struct Refusal: Error {
        var diagnostic: Diagnostic
    }

    private struct Step {
        var key: String
        var mark: SourceMark
    }

    /// Changes the run file's tree, or the task file's when the task is there.
    func apply(to roots: inout [YAMLNode?], _ fields: FieldReader) {
        do throws(Refusal) {
            let rest = text.hasPrefix("tasks.") ? text.dropFirst("tasks.".count) : nil
            if let rest, let task = Self.task(at: rest, in: roots) {
                try applyToTask(task, rest, &roots, fields)
            } else {
                try applyToRun(&roots, fields)
            }
        } catch {
            fields.add([error.diagnostic])
        }
    }

    private func applyToRun(_ roots: inout [YAMLNode?], _ fields: FieldReader) throws(Refusal) {
        let (steps, value) = try parts(text[...], fields)
        guard let root = roots[0] else { return }
        if steps.count > 1, steps[0].key == "tasks" {
            // A file that could not be read may well have the task.
            if roots.contains(where: { $0 == nil }) { return }
            throw unknownTask(steps[1], roots)
        }
        guard root.pairs != nil else { return }
        roots[0] = try replacing(steps[...], in: root, with: value, path: [])
    }

    private func applyToTask(
        _ task: TaskPlace, _ rest: Substring, _ roots: inout [YAMLNode?], _ fields: FieldReader
    ) throws(Refusal) {
        let after = rest.dropFirst(task.name.count)
        let isWhole = after.first == "="
        let (steps, value) = try parts(isWhole ? after : after.dropFirst(), fields, allowsNone: isWhole)
        guard let root = roots[task.root], var items = Self.tasks(in: root)?.items else { return }
        // A task that is only its command becomes a mapping as soon as it gets another field.
        var entry = items[task.position]
        if entry.text != nil, !steps.isEmpty {
            entry = YAMLNode(.mapping([YAMLPair(key: "command", mark: entry.mark, value: entry)]), at: entry.mark)
        }
        items[task.position] = try replacing(steps[...], in: entry, with: value, path: ["tasks", String(task.name)])
        let list = YAMLNode(.sequence(items), at: Self.tasks(in: root)?.mark ?? root.mark)
        roots[task.root] = root.items != nil ? list : root.setting("tasks", at: root.mark, to: list)
    }

    /// The path and the value of `KEY=VALUE`; `text` is the end of ``text``.
    private func parts(
        _ text: Substring, _ fields: FieldReader, allowsNone: Bool = false
    ) throws(Refusal) -> ([Step], YAMLNode) {
        guard let equals = text.firstIndex(of: "=") else {
            throw refusal(whole, "expected KEY=VALUE, found \(FieldReader.quote(self.text))")
        }
        let keys = text[..<equals].split(separator: ".", omittingEmptySubsequences: false)
        // Every key is a level of the tree.
        guard keys.count <= YAMLBuilder.deepest else { throw refusal(whole, "the path is too long") }
        let steps =
            allowsNone ? [] : keys.map { Step(key: String($0), mark: mark(from: $0.startIndex, to: $0.endIndex)) }
        if let empty = steps.first(where: \.key.isEmpty) {
            throw refusal(empty.mark, "expected a key here", hint: "write KEY=VALUE, with dots between nested keys")
        }
        return (steps, value(from: text.index(after: equals), fields))
    }

    /// The value as YAML; nothing at all is the empty string.
    private func value(from start: Substring.Index, _ fields: FieldReader) -> YAMLNode {
        let place = mark(from: start, to: text.endIndex)
        guard start != text.endIndex else { return YAMLNode(.scalar("", plain: false), at: place) }
        let origin = YAMLOrigin(source: source, indent: Int(place.column) - 1)
        let tree = YAMLText(Array(text[start...].utf8), origin: origin)
        fields.add(tree.problems)
        if let root = tree.root { return root }
        if tree.problems.isEmpty { fields.report(place, "there is no value here", hint: "put it in quotes") }
        return YAMLNode(.reported, at: place)
    }

    /// `node` with the value under `steps`; mappings that are missing on the way are made.
    private func replacing(
        _ steps: ArraySlice<Step>, in node: YAMLNode, with value: YAMLNode, path: [String]
    ) throws(Refusal) -> YAMLNode {
        guard let step = steps.first else { return value }
        var holder = node
        if let name = path.count == 1 ? shorthands[path[0]] : nil, node.isNull || node.text != nil {
            // `executor: Dask` and no executor at all both take settings.
            let chosen = node.isNull ? YAMLNode(.scalar(name, plain: false), at: step.mark) : node
            holder = YAMLNode(.mapping([YAMLPair(key: "class_spec", mark: node.mark, value: chosen)]), at: node.mark)
        } else if node.isNull {
            holder = YAMLNode(.mapping([]), at: node.mark)
        }
        guard holder.pairs != nil else {
            if case .reported = holder.content { return holder }
            throw refusal(
                step.mark,
                "there is no key \(FieldReader.quote(step.key)) in '\(path.joined(separator: "."))', "
                    + "which is \(FieldReader.describe(holder))")
        }
        let inner = holder[step.key] ?? YAMLNode(.scalar("", plain: true), at: step.mark)
        let changed = try replacing(steps.dropFirst(), in: inner, with: value, path: path + [step.key])
        return holder.setting(step.key, at: step.mark, to: changed)
    }

    private var whole: SourceMark { mark(from: text.startIndex, to: text.endIndex) }

    private func mark(from start: String.Index, to end: String.Index) -> SourceMark {
        SourceMark(
            source: source, line: 1, column: text.unicodeScalars[..<start].count + 1,
            length: text.unicodeScalars[start..<end].count)
    }

    private func refusal(_ mark: SourceMark, _ message: String, hint: String? = nil) -> Refusal {
        Refusal(diagnostic: Diagnostic(at: mark, message, hint: hint))
    }

    private func unknownTask(_ step: Step, _ roots: [YAMLNode?]) -> Refusal {
        let names = roots.flatMap { Self.tasks(in: $0)?.items ?? [] }.compactMap { $0["name"]?.text }
        return refusal(
            step.mark, "there is no task \(FieldReader.quote(step.key))",
            hint: Suggestion.hint(for: step.key, among: names))
    }
}

/// Finding the task that a path begins with. Names hold dots and `=`, so a path cannot simply be split.
extension Override {
    private struct TaskPlace {
        var root: Int
        var position: Int
        var name: Substring
    }

    /// The task with the longest name that `rest` begins with; written names go before positions.
    private static func task(at rest: Substring, in roots: [YAMLNode?]) -> TaskPlace? {
        var (written, unnamed): (TaskPlace?, TaskPlace?)
        var count = 0
        for (index, root) in roots.enumerated() {
            for (position, item) in (tasks(in: root)?.items ?? []).enumerated() {
                if let name = item["name"]?.text {
                    if name.count > written?.name.count ?? 0, let found = prefix(name, of: rest) {
                        written = TaskPlace(root: index, position: position, name: found)
                    }
                } else if let found = prefix(String(count), of: rest) {
                    unnamed = TaskPlace(root: index, position: position, name: found)
                }
                count += 1
            }
        }
        return written ?? unnamed
    }

    private static func prefix(_ name: String, of rest: Substring) -> Substring? {
        guard rest.hasPrefix(name) else { return nil }
        let after = rest.dropFirst(name.count)
        return after.first == "." || after.first == "=" ? rest.prefix(name.count) : nil
    }

    private static func tasks(in root: YAMLNode?) -> YAMLNode? {
        guard let root else { return nil }
        return root.items != nil ? root : root["tasks"]
    }
}

extension YAMLNode {
    /// A copy of a mapping with another value under `key`, which keeps its place if it has one.
    fileprivate func setting(_ key: String, at mark: SourceMark, to value: YAMLNode) -> YAMLNode {
        var pairs = pairs ?? []
        if let index = pairs.firstIndex(where: { $0.key == key }) {
            pairs[index] = YAMLPair(key: key, mark: pairs[index].mark, value: value)
        } else {
            pairs.append(YAMLPair(key: key, mark: mark, value: value))
        }
        return YAMLNode(.mapping(pairs), at: self.mark)
    }
}

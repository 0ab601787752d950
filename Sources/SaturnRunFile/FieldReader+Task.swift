internal import SaturnCore

/// The fields of a task that are more than a text or a number.
extension FieldReader {
    func command(_ node: YAMLNode) -> TaskFields.CommandText {
        if let items = node.items { return arguments(items, of: node).map { .arguments($0) } ?? .unusable }
        guard let text = text(node, "a command, as a string or a list of strings") else { return .unusable }
        guard text.utf8.contains(where: { $0 != UInt8(ascii: " ") && !(9...13).contains($0) }) else {
            report(node.mark, "the command is empty")
            return .unusable
        }
        return .line(text)
    }

    func shell(_ node: YAMLNode) -> TaskFields.Shell? {
        let wanted = "a list of strings, or false"
        if let items = node.items { return arguments(items, of: node).map { .argv($0.map(\.value)) } }
        switch node.text {
        case "false"?: return TaskFields.Shell.none
        case let text? where text != "true": expected(wanted, node, hint: "write [\(text), -c]")
        default: expected(wanted, node, hint: node.text == nil ? nil : "leave it out for /bin/sh -ec")
        }
        return nil
    }

    /// An argument vector; only the program's name cannot be empty.
    private func arguments(_ items: [YAMLNode], of node: YAMLNode) -> [Marked<String>]? {
        let found = items.compactMap { item in text(item).map { Marked($0, at: item.mark) } }
        guard found.count == items.count else { return nil }
        guard let program = found.first, !program.value.isEmpty else {
            report(items.first?.mark ?? node.mark, items.isEmpty ? "the list is empty" : "the program's name is empty")
            return nil
        }
        return found
    }

    func env(_ node: YAMLNode) -> TaskFields.Env? {
        guard !node.isNull else { return TaskFields.Env([]) }
        guard let pairs = mapping(node, "a mapping of variables") else { return nil }
        var variables: [Marked<Variable>] = []
        for pair in pairs where isVariable(pair.key, at: pair.mark) {
            let hint = pair.value.isNull ? "write \"\" for an empty value" : nil
            if let value = text(pair.value, hint: hint) {
                variables.append(Marked(Variable(pair.key, value), at: pair.value.mark))
            }
        }
        return TaskFields.Env(variables)
    }

    /// Each name once, in the order written.
    func variableNames(_ node: YAMLNode) -> [String]? {
        guard let names = texts(node) else { return nil }
        var seen: Set<String> = []
        return names.filter { isVariable($0.value, at: $0.mark) && seen.insert($0.value).inserted }.map(\.value)
    }

    private func isVariable(_ name: String, at mark: SourceMark) -> Bool {
        let quoted = Self.quote(name)
        guard let first = name.utf8.first, !(48...57).contains(first), name.utf8.allSatisfy(Self.isWord) else {
            report(mark, "\(quoted) is not a variable's name", hint: "use letters, digits and '_'")
            return false
        }
        guard !name.hasPrefix("SATURN_"), name != "RESULTS_DIR" else {
            report(mark, "the variable \(quoted) is saturn's own")
            return false
        }
        return true
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }

    func code(_ node: YAMLNode) -> CodePolicy? {
        switch node.text {
        case "commit"?: return .commit
        case "commit-id"?: return .commitID
        case "none"?: return CodePolicy.none
        default: break
        }
        if let items = node.items { return paths(items, of: node).map { .paths($0) } }
        let words = ["commit", "commit-id", "none"]
        expected(
            "commit, commit-id, none or a list of paths", node,
            hint: node.text.flatMap { Suggestion.hint(for: $0, among: words) ?? "write [\($0)]" })
        return nil
    }

    /// Pathspecs; one that begins with `!` takes away.
    private func paths(_ items: [YAMLNode], of node: YAMLNode) -> [Marked<String>]? {
        guard !items.isEmpty else {
            report(node.mark, "the list is empty", hint: "write 'none' if no code counts")
            return nil
        }
        let paths = items.compactMap { item in filledText(item, "a path").map { Marked($0, at: item.mark) } }
        for path in paths where path.value == "!" { report(path.mark, "expected a path behind '!'") }
        return paths.count == items.count && paths.allSatisfy({ $0.value != "!" }) ? paths : nil
    }

    func needs(_ node: YAMLNode) -> [Marked<String>]? {
        guard let names = texts(node) else { return nil }
        guard names.count > 1 else { return names }
        var seen: Set<String> = []
        return names.filter { name in
            let isNew = seen.insert(name.value).inserted
            if !isNew { report(name.mark, "\(Self.quote(name.value)) is listed twice") }
            return isNew
        }
    }

    /// A number, or one for each cause.
    func retries(_ node: YAMLNode) -> Retries? {
        guard node.text == nil else { return retryCount(node).map { Retries($0) } }
        guard let pairs = mapping(node, "a whole number from 0 to 1000, or a mapping of causes") else { return nil }
        let causes = Cause.Kind.allCases.map(\.rawValue)
        var counts: [Cause.Kind: Int] = [:]
        for pair in pairs {
            if let kind = Cause.Kind(rawValue: pair.key) {
                counts[kind] = retryCount(pair.value)
            } else {
                unknown(
                    pair, among: causes,
                    hint: Suggestion.hint(for: pair.key, among: causes)
                        ?? "the causes are \(causes.joined(separator: ", "))")
            }
        }
        return Retries(byCause: counts)
    }

    private func retryCount(_ node: YAMLNode) -> Int? { integer(node, in: 0...1000, "a whole number from 0 to 1000") }

    func resources(_ node: YAMLNode) -> Resources? {
        guard !node.isNull else { return Resources() }
        guard let pairs = mapping(node, "a mapping of resources") else { return nil }
        // Near misses that would otherwise be resources of the user's own, and never granted.
        let misspelt = ["cpu": "cpus", "gpu": "gpus", "mem": "memory"]
        var resources = Resources()
        for pair in pairs {
            switch pair.key {
            case "cpus": resources.cpus = amount(pair.value)
            case "gpus": resources.gpus = amount(pair.value, orZero: true)
            case "memory": resources.memory = sizes(pair.value)
            default:
                if let right = misspelt[pair.key] {
                    unknown(pair, among: [], hint: "did you mean '\(right)'?")
                } else if pair.key.isEmpty || pair.key.utf8.contains(0) {
                    report(pair.mark, "a resource needs a name")
                } else if let amount = amount(pair.value, orZero: true) {
                    resources.others.append(Resources.Other(name: pair.key, amount: amount))
                }
            }
        }
        resources.others.sort { $0.name < $1.name }
        return resources
    }

    /// One, or one for each attempt.
    private func sizes(_ node: YAMLNode) -> [Marked<Int>] {
        guard let items = node.items else { return size(node).map { [$0] } ?? [] }
        if items.isEmpty { report(node.mark, "the list is empty", hint: "leave 'memory' out for any amount") }
        return items.compactMap(size)
    }

    private func size(_ node: YAMLNode) -> Marked<Int>? {
        guard let text = node.text, let bytes = Quantity.bytes(text), bytes > 0 else {
            expected("a size greater than 0", node, hint: "write it as 512MiB or 4GB")
            return nil
        }
        return Marked(bytes, at: node.mark)
    }
}

/// One value of a manifest that is not what it was: `env.LR: 0.5 → 0.6`.
public struct FieldChange: Hashable, Sendable {
    /// The label, with the value's name where there is one: `command`, `env.LR`, `inputs.data.csv`.
    public var field: String
    public var old: String?
    public var new: String?
    /// Where a value stands for files: those that are not what they were. Empty when that is not known.
    public var files: [FileChange] = []

    public init(field: String, old: String?, new: String?) {
        self.field = field
        self.old = old
        self.new = new
    }

    /// What differs between two manifests, in the manifest's order.
    public static func between(_ old: [Manifest.Field], and new: [Manifest.Field]) -> [FieldChange] {
        var changes: [FieldChange] = []
        let labels = new.map(\.label) + old.map(\.label).filter { label in !new.contains { $0.label == label } }
        for label in labels {
            let was = old.first { $0.label == label }?.values ?? []
            let now = new.first { $0.label == label }?.values ?? []
            guard !was.elementsEqual(now, by: Manifest.Value.isSame) else { continue }
            changes += label == "command" ? [command(was, now)] : values(label, was, now)
        }
        return changes
    }

    private static func command(_ was: [Manifest.Value], _ now: [Manifest.Value]) -> FieldChange {
        // The shell is shown only when it is the shell that changed: `/bin/sh -ec`, `bash -euo pipefail -c`.
        let option = was.dropLast().last?.text ?? ""
        let isShared =
            option.hasPrefix("-") && option.hasSuffix("c")
            && was.dropLast().elementsEqual(now.dropLast(), by: Manifest.Value.isSame)
        func text(_ values: [Manifest.Value]) -> String {
            isShared ? values.last?.text ?? "" : values.map { $0.text ?? "" }.joined(separator: " ")
        }
        return FieldChange(field: "command", old: text(was), new: text(now))
    }

    private static func values(_ label: String, _ was: [Manifest.Value], _ now: [Manifest.Value]) -> [FieldChange] {
        let old = Dictionary(was.map { (Array($0.name.utf8), $0) }, uniquingKeysWith: { first, _ in first })
        let new = Dictionary(now.map { (Array($0.name.utf8), $0) }, uniquingKeysWith: { first, _ in first })
        return (now + was.filter { new[Array($0.name.utf8)] == nil }).compactMap { value in
            let (before, after) = (old[Array(value.name.utf8)], new[Array(value.name.utf8)])
            if let before, let after, Manifest.Value.isSame(before, after) { return nil }
            return FieldChange(
                field: value.name.isEmpty ? label : "\(label).\(value.name)", old: before?.text, new: after?.text)
        }
    }
}

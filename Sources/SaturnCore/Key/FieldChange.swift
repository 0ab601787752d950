/// One value of a manifest that is not what it was: `env.LR: 0.5 → 0.6`.
public struct FieldChange: Hashable, Sendable {
    /// The label, with the value's name where there is one: `command`, `env.LR`, `inputs.data.csv`.
    public var field: String
    public var old: String?
    public var new: String?

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
            guard was != now else { continue }
            changes += label == "command" ? [command(was, now)] : values(label, was, now)
        }
        return changes
    }

    private static func command(_ was: [Manifest.Value], _ now: [Manifest.Value]) -> FieldChange {
        // The shell is shown only when it is the shell that changed.
        let shared = was.count == now.count && was.count == 3 && was.dropLast() == now.dropLast()
        func text(_ values: [Manifest.Value]) -> String {
            shared ? values.last?.text ?? "" : values.map { $0.text ?? "" }.joined(separator: " ")
        }
        return FieldChange(field: "command", old: text(was), new: text(now))
    }

    private static func values(_ label: String, _ was: [Manifest.Value], _ now: [Manifest.Value]) -> [FieldChange] {
        let old = Dictionary(was.map { ($0.name, $0.text) }, uniquingKeysWith: { first, _ in first })
        let new = Dictionary(now.map { ($0.name, $0.text) }, uniquingKeysWith: { first, _ in first })
        let names = now.map(\.name) + was.map(\.name).filter { new[$0] == nil }
        return names.compactMap { name in
            let (before, after) = (old[name] ?? nil, new[name] ?? nil)
            guard before != after || (old[name] == nil) != (new[name] == nil) else { return nil }
            return FieldChange(field: name.isEmpty ? label : "\(label).\(name)", old: before, new: after)
        }
    }
}

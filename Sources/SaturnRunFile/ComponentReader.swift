internal import SaturnCore

/// Reads `executor` or `results`: a class and its settings, checked against the schema of that class.
struct ComponentReader {
    /// The key it stands under.
    var kind: String
    /// The first is the default.
    var schemas: [ComponentSchema]
    var fields: FieldReader

    var fallback: ComponentSpec { ComponentSpec(name: schemas.first?.name ?? "") }

    func spec(of node: YAMLNode) -> ComponentSpec {
        if node.text != nil {
            guard let schema = schema(node) else { return fallback }
            return ComponentSpec(name: schema.name, mark: node.mark)
        }
        guard let pairs = fields.mapping(node, "a mapping with 'class_spec'") else { return fallback }
        guard let named = node["class_spec"] else {
            reportMissingClass(pairs, node)
            return fallback
        }
        guard let schema = schema(named) else { return fallback }
        var spec = ComponentSpec(name: schema.name, mark: named.mark)
        for pair in pairs where pair.key != "class_spec" {
            if let kind = schema.settings[pair.key] {
                spec.settings[pair.key] = setting(pair.value, kind)
            } else {
                fields.unknown(
                    pair, among: schema.settings.keys.sorted() + ["class_spec"],
                    hint: schema.settings.isEmpty ? "\(schema.name) has no settings" : settingsHint(schema))
            }
        }
        return spec
    }

    private func settingsHint(_ schema: ComponentSchema) -> String {
        "the settings of \(schema.name) are \(schema.settings.keys.sorted().joined(separator: ", "))"
    }

    private func reportMissingClass(_ pairs: [YAMLPair], _ node: YAMLNode) {
        for pair in pairs where Suggestion.hint(for: pair.key, among: ["class_spec"]) != nil {
            return fields.unknown(pair, among: ["class_spec"])
        }
        fields.report(node.mark.caret, "'\(kind)' has no 'class_spec'", hint: classesHint)
    }

    private var classesHint: String { "it is one of \(schemas.map(\.name).joined(separator: ", "))" }

    private func schema(_ node: YAMLNode) -> ComponentSchema? {
        guard let name = fields.filledText(node) else { return nil }
        if let schema = schemas.first(where: { $0.classSpecs.contains(name) }) { return schema }
        fields.report(
            node.mark, "unknown \(kind == "results" ? "results store" : kind) \(FieldReader.quote(name))",
            hint: Suggestion.hint(for: name, among: schemas.flatMap(\.classSpecs)) ?? classesHint)
        return nil
    }

    /// Numbers and durations stay text: the component reads them where it needs them.
    private func setting(_ node: YAMLNode, _ kind: ComponentSchema.Kind) -> Setting? {
        switch kind {
        case .string:
            return fields.text(node).map { Setting(.scalar($0), at: node.mark) }
        case .integer(let least):
            let wanted = "a whole number of at least \(least)"
            guard fields.integer(node, in: least...Int.max, wanted) != nil else { return nil }
        case .duration:
            guard fields.duration(node) != nil else { return nil }
        case .flag:
            guard fields.flag(node) != nil else { return nil }
        case .strings:
            return fields.texts(node).map { texts in
                Setting(.list(texts.map { Setting(.scalar($0.value), at: $0.mark) }), at: node.mark)
            }
        case .any:
            return anything(node)
        }
        return node.text.map { Setting(.scalar($0), at: node.mark) }
    }

    /// The recursion is bounded by ``YAMLBuilder/deepest``.
    private func anything(_ node: YAMLNode) -> Setting? {
        switch node.content {
        case .scalar(let text, _): return Setting(.scalar(text), at: node.mark)
        case .sequence(let items): return Setting(.list(items.compactMap { anything($0) }), at: node.mark)
        case .mapping(let pairs):
            var map: [String: Setting] = [:]
            for pair in pairs { map[pair.key] = anything(pair.value) }
            return Setting(.map(map), at: node.mark)
        case .reported: return nil
        }
    }
}

internal import SaturnCore

/// A node of a YAML text, with its place.
///
/// An alias shares what its anchor names, so a tree can be far larger written out than in memory;
/// ``YAMLBuilder`` bounds both its `weight` and its `height`, which makes recursion over a tree safe.
struct YAMLNode: Sendable {
    enum Content: Sendable {
        /// The text the user wrote; `plain` when it was neither quoted, a block, nor tagged `!!str`.
        case scalar(String, plain: Bool)
        case sequence([YAMLNode])
        /// In the order of the file, keys unique.
        case mapping([YAMLPair])
        /// Something wrong that has been reported: nothing more is to be said about it.
        case reported
    }

    let content: Content
    let mark: SourceMark
    /// The nodes of the tree, written out.
    let weight: Int
    /// The sequences and mappings on the longest way down: 0 for a scalar.
    let height: Int

    init(_ content: Content, at mark: SourceMark) {
        self.content = content
        self.mark = mark
        var (weight, height) = (1, 0)
        switch content {
        case .scalar, .reported: break
        case .sequence(let items):
            height = 1
            for item in items {
                weight += item.weight
                height = max(height, 1 + item.height)
            }
        case .mapping(let pairs):
            height = 1
            for pair in pairs {
                weight += 1 + pair.value.weight
                height = max(height, 1 + pair.value.height)
            }
        }
        self.weight = weight
        self.height = height
    }

    /// Whether the user wrote no value: nothing, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, plain: true) = content else { return false }
        return text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL"
    }

    /// The text of a scalar that is not null.
    var text: String? {
        guard case .scalar(let text, _) = content, !isNull else { return nil }
        return text
    }

    var pairs: [YAMLPair]? {
        if case .mapping(let pairs) = content { pairs } else { nil }
    }

    var items: [YAMLNode]? {
        if case .sequence(let items) = content { items } else { nil }
    }

    /// The value under `key`, of a mapping that has it.
    subscript(key: String) -> YAMLNode? { pairs?.first { $0.key == key }?.value }
}

/// A key of a mapping and its value.
struct YAMLPair: Sendable {
    let key: String
    let mark: SourceMark
    let value: YAMLNode
}

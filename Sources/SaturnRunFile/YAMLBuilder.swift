internal import SaturnCore

/// What ends the reading of a text at once.
struct YAMLRefusal: Error {
    var diagnostic: Diagnostic
}

/// Makes the tree of a document from its events, within bounds that hold at every step.
///
/// Keys of a mapping are scalars. `<<` merges other mappings; a mapping's own keys win, then those of the earlier one.
struct YAMLBuilder {
    static let deepest = 100
    /// How many nodes aliases may expand to, besides ten for every node that is written out.
    static let heaviest = 1_000_000

    private(set) var root: YAMLNode?
    private(set) var problems: [Diagnostic] = []
    private var frames: [Frame] = []
    /// `nil` is an anchor whose node is still open.
    private var anchors: [String: YAMLNode?] = [:]
    private var written = 0
    private var aliased = 0

    private struct Frame {
        var isMapping: Bool
        var mark: SourceMark
        var anchor: String?
        var items: [YAMLNode] = []
        var pairs: [YAMLPair] = []
        var key: Key?
        var merges: [YAMLNode] = []
    }

    private struct Key {
        var text: String
        var mark: SourceMark
        var isMerge: Bool
        /// False for a key that has been reported.
        var isUsable = true
    }

    mutating func scalar(_ text: String, plain: Bool, at mark: SourceMark, anchor: String?) {
        written += 1
        if anchor == nil, awaitsKey {
            frames[frames.count - 1].key = Key(text: text, mark: mark, isMerge: plain && text == "<<")
            return
        }
        let node = YAMLNode(.scalar(text, plain: plain), at: mark)
        if let anchor { anchors[anchor] = .some(node) }
        add(node, isPlain: plain)
    }

    mutating func alias(_ name: String, at mark: SourceMark) throws(YAMLRefusal) {
        guard let known = anchors[name] else {
            problems.append(Diagnostic(at: mark, "unknown alias '*\(name)'", hint: suggestion(for: name)))
            return add(YAMLNode(.reported, at: mark), isPlain: false)
        }
        guard let node = known else {
            problems.append(Diagnostic(at: mark, "the alias '*\(name)' stands inside its own anchor"))
            return add(YAMLNode(.reported, at: mark), isPlain: false)
        }
        try checkDepth(frames.count + node.height, at: mark)
        aliased += node.weight
        guard aliased <= Self.heaviest + 10 * written else {
            throw YAMLRefusal(diagnostic: Diagnostic(at: mark, "the aliases up to here expand to too many values"))
        }
        add(node, isPlain: false)
    }

    mutating func open(mapping: Bool, at mark: SourceMark, anchor: String?) throws(YAMLRefusal) {
        try checkDepth(frames.count + 1, at: mark)
        written += 1
        if let anchor { anchors[anchor] = .some(nil) }
        frames.append(Frame(isMapping: mapping, mark: mark, anchor: anchor))
    }

    /// Closes the innermost sequence or mapping; `extent` is its length when it stands on one line.
    mutating func close(extent: (SourceMark) -> SourceMark) {
        guard let frame = frames.popLast() else { return }
        let content: YAMLNode.Content = frame.isMapping ? .mapping(merged(frame)) : .sequence(frame.items)
        let node = YAMLNode(content, at: extent(frame.mark))
        if let anchor = frame.anchor { anchors[anchor] = .some(node) }
        add(node, isPlain: false)
    }

    mutating func report(_ mark: SourceMark, _ message: String, hint: String? = nil) {
        problems.append(Diagnostic(at: mark, message, hint: hint))
    }

    private var awaitsKey: Bool {
        guard let frame = frames.last else { return false }
        return frame.isMapping && frame.key == nil
    }

    private func checkDepth(_ depth: Int, at mark: SourceMark) throws(YAMLRefusal) {
        guard depth > Self.deepest else { return }
        throw YAMLRefusal(diagnostic: Diagnostic(at: mark, "values are nested more than \(Self.deepest) deep"))
    }

    private func suggestion(for name: String) -> String? {
        Suggestion.hint(for: "*\(name)", among: anchors.keys.lazy.map { "*\($0)" })
            ?? "an anchor '&\(name)' has to come before it"
    }

    private mutating func add(_ node: YAMLNode, isPlain: Bool) {
        let top = frames.count - 1
        guard top >= 0 else {
            root = node
            return
        }
        guard frames[top].isMapping else {
            frames[top].items.append(node)
            return
        }
        if let key = frames[top].key {
            frames[top].key = nil
            if key.isMerge {
                frames[top].merges.append(node)
            } else if key.isUsable {
                frames[top].pairs.append(YAMLPair(key: key.text, mark: key.mark, value: node))
            }
        } else if case .scalar(let text, _) = node.content {
            frames[top].key = Key(text: text, mark: node.mark, isMerge: isPlain && text == "<<")
        } else {
            if case .reported = node.content {} else { report(node.mark, "a key has to be a string") }
            frames[top].key = Key(text: "", mark: node.mark, isMerge: false, isUsable: false)
        }
    }

    /// The pairs of a mapping, each key once, and what it merges.
    private mutating func merged(_ frame: Frame) -> [YAMLPair] {
        // Most mappings are small: comparing their keys is faster than hashing them.
        if frame.merges.isEmpty, frame.pairs.count < 8, !hasRepeatedKey(frame.pairs) { return frame.pairs }
        var pairs: [YAMLPair] = []
        var marks: [String: SourceMark] = [:]
        for pair in frame.pairs {
            if let first = marks[pair.key] {
                report(pair.mark, "duplicate key '\(pair.key)'; the first is at line \(first.line)")
            } else {
                marks[pair.key] = pair.mark
                pairs.append(pair)
            }
        }
        for merge in frame.merges {
            for pair in mergedPairs(of: merge) where marks.updateValue(pair.mark, forKey: pair.key) == nil {
                pairs.append(pair)
            }
        }
        return pairs
    }

    private func hasRepeatedKey(_ pairs: [YAMLPair]) -> Bool {
        for later in pairs.indices.dropFirst() {
            for earlier in 0..<later where pairs[earlier].key == pairs[later].key { return true }
        }
        return false
    }

    private mutating func mergedPairs(of node: YAMLNode) -> [YAMLPair] {
        var found: [YAMLPair] = []
        for source in node.items ?? [node] {
            switch source.content {
            case .mapping(let pairs): found += pairs
            case .reported: break
            case .scalar, .sequence: report(source.mark, "'<<' merges a mapping or a list of mappings")
            }
        }
        return found
    }
}

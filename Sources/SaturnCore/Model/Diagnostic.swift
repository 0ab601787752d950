/// One thing to say about a run file, with its place: `run.yaml:4:5: error: unknown key 'comand'`.
public struct Diagnostic: Hashable, Sendable {
    public enum Severity: String, Hashable, Sendable {
        case error, warning, note
    }

    public var severity: Severity
    public var mark: SourceMark?
    public var message: String
    /// The next step, as a clause: "did you mean 'command'?".
    public var hint: String?

    public init(_ severity: Severity = .error, at mark: SourceMark?, _ message: String, hint: String? = nil) {
        self.severity = severity
        self.mark = mark
        self.message = message
        self.hint = hint
    }
}

extension Diagnostic {
    /// The same, with a few of the many that a mistake in a sweep has at one place, and their number.
    ///
    /// - Parameter items: Sorted by place.
    public static func condensed(_ items: [Diagnostic]) -> [Diagnostic] {
        let shown = 3
        var condensed: [Diagnostic] = []
        var start = items.startIndex
        while start < items.endIndex {
            let mark = items[start].mark
            let end = mark == nil ? start + 1 : items[start...].firstIndex { $0.mark != mark } ?? items.endIndex
            let isLong = end - start > shown + 1
            condensed += items[start..<(isLong ? start + shown : end)]
            if isLong { condensed.append(Diagnostic(.note, at: mark, "and \(end - start - shown) more like this")) }
            start = end
        }
        return condensed
    }
}

/// All that is wrong with a run's files, thrown at once; the sources are there for the caret.
public struct Diagnostics: Error, Hashable, Sendable {
    public var items: [Diagnostic]
    public var sources: [SourceText]

    public init(_ items: [Diagnostic], sources: [SourceText]) {
        self.items = items
        self.sources = sources
    }
}

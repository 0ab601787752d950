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

/// All that is wrong with a run's files, thrown at once; the sources are there for the caret.
public struct Diagnostics: Error, Hashable, Sendable {
    public var items: [Diagnostic]
    public var sources: [SourceText]

    public init(_ items: [Diagnostic], sources: [SourceText]) {
        self.items = items
        self.sources = sources
    }
}

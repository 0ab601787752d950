/// A place in one of a run's YAML texts: `run.yaml:4:5`.
///
/// Lines and columns count from 1; columns count Unicode scalars, as libyaml does.
public struct SourceMark: Hashable, Sendable {
    /// Index into the sources of the run: 0 is the run file, then the task file, then `--set` values.
    public var source: Int32
    public var line: Int32
    public var column: Int32
    /// How many characters the caret underlines; at least 1.
    public var length: Int32

    public init(source: Int = 0, line: Int, column: Int, length: Int = 1) {
        self.source = Int32(clamping: source)
        self.line = Int32(clamping: line)
        self.column = Int32(clamping: column)
        self.length = Int32(clamping: max(1, length))
    }
}

/// A text that marks point into: its bytes, and the path to show for it.
public struct SourceText: Hashable, Sendable {
    public var path: String
    public var bytes: [UInt8]

    public init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}

/// A value together with the place where the user wrote it.
public struct Marked<Value: Hashable & Sendable>: Hashable, Sendable {
    public var value: Value
    public var mark: SourceMark

    public init(_ value: Value, at mark: SourceMark) {
        self.value = value
        self.mark = mark
    }
}

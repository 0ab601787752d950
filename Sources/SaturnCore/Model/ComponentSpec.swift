/// An executor or a results store as the run file names it: its class and its settings.
public struct ComponentSpec: Hashable, Sendable {
    /// The canonical name of a ``ComponentSchema``: `Multiprocessing`, `LocalDir`.
    public var name: String
    /// Where the user named it; `nil` when it is the default.
    public var mark: SourceMark?
    public var settings: [String: Setting]

    public init(name: String, mark: SourceMark? = nil, settings: [String: Setting] = [:]) {
        self.name = name
        self.mark = mark
        self.settings = settings
    }

    /// Whether it is the same with the same values of these settings, wherever they were written.
    public func isSame(as other: ComponentSpec, in names: [String]) -> Bool {
        name == other.name && names.allSatisfy { Setting.isSame(settings[$0], other.settings[$0]) }
    }
}

/// A setting's value, checked against its schema, with its place.
public struct Setting: Hashable, Sendable {
    public indirect enum Value: Hashable, Sendable {
        /// The text as the user wrote it.
        case scalar(String)
        case list([Setting])
        case map([String: Setting])
    }

    public var value: Value
    public var mark: SourceMark

    public init(_ value: Value, at mark: SourceMark) {
        self.value = value
        self.mark = mark
    }

    public var text: String? {
        if case .scalar(let text) = value { text } else { nil }
    }

    fileprivate static func isSame(_ first: Setting?, _ second: Setting?) -> Bool {
        switch (first?.value, second?.value) {
        case (nil, nil): true
        case (.scalar(let first), .scalar(let second)): first.hasSameBytes(as: second)
        case (.list(let first), .list(let second)): first.count == second.count && zip(first, second).allSatisfy(isSame)
        case (.map(let first), .map(let second)):
            first.count == second.count && first.allSatisfy { isSame($0.value, second[$0.key]) }
        default: false
        }
    }
}

/// The names and settings of one executor or store, against which a run file is checked.
public struct ComponentSchema: Sendable {
    public enum Kind: Hashable, Sendable {
        case string
        /// A whole number of at least the given value.
        case integer(atLeast: Int)
        /// `90s`, `5m`, `2h`, `1d`, or seconds.
        case duration
        case flag
        /// A list of strings.
        case strings
        /// Any YAML.
        case any
    }

    /// The canonical name, as in messages.
    public var name: String
    /// What `class_spec` may say.
    public var classSpecs: [String]
    public var settings: [String: Kind]

    public init(name: String, classSpecs: [String], settings: [String: Kind]) {
        self.name = name
        self.classSpecs = classSpecs
        self.settings = settings
    }
}

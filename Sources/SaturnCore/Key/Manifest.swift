/// The ordered, labelled fields that decide whether a result can be reused.
///
/// ```
/// command   argv.0=/bin/sh argv.1=-ec argv.2=python train.py --lr 0.5
/// env       LR=0.5
/// code      tree=4b825dc6…
/// ```
/// `fields` is the only list of them: the key is the digest of its encoding and the words of a change are
/// the difference of two of them, so that the explanation cannot disagree with the decision.
public struct Manifest: Hashable, Sendable {
    /// Counts in every key: another format is another key.
    static let version = "saturn manifest 1"

    public struct Field: Hashable, Sendable {
        public var label: String
        public var values: [Value]

        public init(_ label: String, _ values: [Value]) {
            self.label = label
            self.values = values
        }
    }

    /// A named value; `nil` is "not set", which is not the same as empty.
    public struct Value: Hashable, Sendable {
        public var name: String
        public var text: String?

        public init(_ name: String, _ text: String?) {
            self.name = name
            self.text = text
        }

        /// By bytes, as the key has them: Swift's `==` also takes texts as equal that only look the same.
        public static func isSame(_ left: Value, _ right: Value) -> Bool {
            left.name.utf8.elementsEqual(right.name.utf8)
                && left.text.map { Array($0.utf8) } == right.text.map { Array($0.utf8) }
        }
    }

    public var command: Command
    /// Of its sweep. No field at all where there are none: a task without a sweep has no other key for that.
    public var parameters: [Variable] = []
    public var env: [Variable] = []
    public var passEnv: [Value] = []
    public var workdir = ""
    /// Path as written or found by the glob, and digest.
    public var inputs: [Value] = []
    public var code: [Value] = []
    /// Variable name and digest of the needed task's results.
    public var needs: [Value] = []
    /// `SATURN_TASK` and its like, where the command mentions them.
    public var context: [Value] = []
    /// What the executor adds: a container image.
    public var executor: [Value] = []

    public init(command: Command) {
        self.command = command
    }

    public var fields: [Field] {
        let parameters =
            self.parameters.isEmpty
            ? [] : [Field("params", self.parameters.map { Value($0.name, $0.value) }.sorted { $0.name < $1.name })]
        return [Field("command", command.argv.enumerated().map { Value("\($0)", $1) })] + parameters + [
            Field("env", env.map { Value($0.name, $0.value) }),
            Field("pass_env", passEnv),
            Field("workdir", [Value("", workdir)]),
            Field("inputs", inputs),
            Field("code", code),
            Field("needs", needs),
            Field("context", context),
            Field("executor", executor),
        ]
    }

    /// The digest of what may change under a run: code and inputs.
    public var sources: Digest { Digest(of: ManifestCoding.encode([Field("inputs", inputs), Field("code", code)])) }

    /// The bytes that are hashed, and kept so that a later change can be put into words.
    public var encoded: [UInt8] { ManifestCoding.encode(fields) }

    public var key: TaskKey { Digest(of: encoded) }
}

/// Length-prefixed: no two different lists of fields have the same bytes.
public enum ManifestCoding {
    public static func encode(_ fields: [Manifest.Field]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        append(Manifest.version, to: &bytes)
        for field in fields {
            append(field.label, to: &bytes)
            append(field.values.count, to: &bytes)
            for value in field.values {
                append(value.name, to: &bytes)
                bytes.append(value.text == nil ? 0 : 1)
                append(value.text ?? "", to: &bytes)
            }
        }
        return bytes
    }

    /// `nil` when the bytes are of another version, or damaged.
    public static func decode(_ bytes: [UInt8]) -> [Manifest.Field]? {
        var rest = bytes[...]
        guard text(&rest) == Manifest.version else { return nil }
        var fields: [Manifest.Field] = []
        while !rest.isEmpty {
            guard let label = text(&rest), let count = number(&rest) else { return nil }
            var values: [Manifest.Value] = []
            for _ in 0..<count {
                guard let name = text(&rest), let present = rest.popFirst(), let value = text(&rest) else { return nil }
                values.append(Manifest.Value(name, present == 0 ? nil : value))
            }
            fields.append(Manifest.Field(label, values))
        }
        return fields
    }

    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        let value = UInt32(clamping: number)
        for shift in stride(from: 24, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        append(text.utf8.count, to: &bytes)
        bytes.append(contentsOf: text.utf8)
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= 4 else { return nil }
        let value = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        bytes.removeFirst(4)
        return value
    }

    private static func text(_ bytes: inout ArraySlice<UInt8>) -> String? {
        guard let count = number(&bytes), bytes.count >= count else { return nil }
        defer { bytes.removeFirst(count) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

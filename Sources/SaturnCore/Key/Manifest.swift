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
            guard left.name.hasSameBytes(as: right.name) else { return false }
            guard let leftText = left.text, let rightText = right.text else { return left.text == right.text }
            return leftText.hasSameBytes(as: rightText)
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

    /// Tells of the fields in their order.
    public func visit(_ visitor: inout some FieldVisitor) {
        visitCommand(&visitor)
        if !parameters.isEmpty { visit("params", parameters.sorted { $0.name < $1.name }, &visitor) }
        visit("env", env, &visitor)
        visit("pass_env", passEnv, &visitor)
        visitor.begin("workdir", 1)
        visitor.take("", workdir)
        visitSources(&visitor)
        visit("needs", needs, &visitor)
        visit("context", context, &visitor)
        visit("executor", executor, &visitor)
    }

    private func visitCommand(_ visitor: inout some FieldVisitor) {
        let (head, last): (ArraySlice<String>, String?) =
            switch command {
            case .shell(let text, let shell): (shell[...], text)
            case .direct(let argv): (argv.dropLast(), argv.last)
            }
        visitor.begin("command", head.count + (last == nil ? 0 : 1))
        for (number, word) in head.enumerated() { visitor.take(Self.number(number), word) }
        if let last { visitor.take(Self.number(head.count), last) }
    }

    private static let numbers = (0..<8).map { String($0) }

    private static func number(_ number: Int) -> String {
        number < numbers.count ? numbers[number] : String(number)
    }

    /// What may change under a run.
    private func visitSources(_ visitor: inout some FieldVisitor) {
        visit("inputs", inputs, &visitor)
        visit("code", code, &visitor)
    }

    private func visit(_ label: String, _ values: [Value], _ visitor: inout some FieldVisitor) {
        visitor.begin(label, values.count)
        for value in values { visitor.take(value.name, value.text) }
    }

    private func visit(_ label: String, _ values: [Variable], _ visitor: inout some FieldVisitor) {
        visitor.begin(label, values.count)
        for value in values { visitor.take(value.name, value.value) }
    }

    public var fields: [Field] {
        var list = FieldList()
        visit(&list)
        return list.fields
    }

    /// The digest of what may change under a run: code and inputs.
    public var sources: Digest {
        var coder = ManifestCoder()
        visitSources(&coder)
        return coder.digest
    }

    /// The bytes that are hashed, and kept so that a later change can be put into words.
    public var encoded: [UInt8] {
        var coder = ManifestCoder()
        visit(&coder)
        return coder.bytes
    }

    public var key: TaskKey {
        var coder = ManifestCoder()
        return coder.key(of: self)
    }
}

/// Is told of the fields of a manifest, one after another.
public protocol FieldVisitor {
    /// As many values follow.
    mutating func begin(_ label: String, _ count: Int)
    mutating func take(_ name: String, _ text: String?)
}

private struct FieldList: FieldVisitor {
    var fields: [Manifest.Field] = []

    mutating func begin(_ label: String, _ count: Int) {
        var values: [Manifest.Value] = []
        values.reserveCapacity(count)
        fields.append(Manifest.Field(label, values))
    }

    mutating func take(_ name: String, _ text: String?) {
        fields[fields.count - 1].values.append(Manifest.Value(name, text))
    }
}

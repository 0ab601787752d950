/// The file `events` of a result: what happened to it, and where it comes from.
///
/// ```yaml
/// events:
///   - type: submitted
///     utctimestamp: 2022-09-11T20:31:59.555695+00:00
///     key: 6b86b273…
///   - type: complete
///     utctimestamp: 2022-09-11T20:31:59.555695+00:00
/// ```
public struct EventLog: Hashable, Sendable {
    public struct Event: Hashable, Sendable {
        public var type: String
        public var fields: [Variable]

        public subscript(name: String) -> String? { fields.last { $0.name == name }?.value }
    }

    public var events: [Event]

    /// `nil` when it is not saturn's.
    public var key: TaskKey? { first("key").flatMap { TaskKey(hex: $0) } }
    /// The last one: each `retried` has its own.
    public var attempt: AttemptID? { events.last { $0["attempt"] != nil }?["attempt"].flatMap { AttemptID($0) } }
    public var project: String? { first("project") }
    public var run: String? { first("run") }
    /// The code or an input changed while it ran.
    public var isReusable: Bool { !events.contains { $0.type == "changed" } }

    private func first(_ name: String) -> String? { events.first?[name] }

    public static let header = "events:\n"

    /// One event as text to append.
    public static func entry(_ type: String, at time: Timestamp, _ fields: [Variable] = []) -> String {
        var text = "  - type: \(type)\n    utctimestamp: \(time)\n"
        for field in fields { text += "    \(field.name): \(quoted(field.value))\n" }
        return text
    }

    /// Plain where that is certainly a string without surprises, else double-quoted.
    private static func quoted(_ value: String) -> String {
        let plain = value.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"),
                UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        if plain, let first = value.utf8.first, first != UInt8(ascii: "-") { return value }
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case _ where scalar.value < 32 || scalar.value == 127: text += "\\x" + Hex.encode([UInt8(scalar.value)])
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    /// Reads what `entry` writes, and what is left of it when a crash cut it short.
    public init?(parsing text: String) {
        var events: [Event] = []
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard lines.popFirst() == "events:" else { return nil }
        for line in lines {
            let isNew = line.hasPrefix("  - ")
            guard isNew || line.hasPrefix("    "), let colon = line.firstIndex(of: ":") else { continue }
            let name = String(line[line.index(line.startIndex, offsetBy: 4)..<colon])
            let value = Self.unquoted(line[line.index(after: colon)...].drop { $0 == " " })
            if isNew {
                events.append(Event(type: name == "type" ? value : "", fields: []))
            } else if !events.isEmpty {
                events[events.count - 1].fields.append(Variable(name, value))
            }
        }
        self.events = events
    }

    private static func unquoted(_ text: Substring) -> String {
        guard text.hasPrefix("\""), text.hasSuffix("\""), text.count >= 2 else { return String(text) }
        var value = ""
        var rest = text.dropFirst().dropLast()
        while let character = rest.popFirst() {
            guard character == "\\", let escaped = rest.popFirst() else {
                value.append(character)
                continue
            }
            switch escaped {
            case "n": value.append("\n")
            case "t": value.append("\t")
            case "x":
                let byte = Hex.decode(rest.prefix(2))?.first ?? 0
                value.unicodeScalars.append(Unicode.Scalar(byte))
                rest = rest.dropFirst(2)
            default: value.append(escaped)
            }
        }
        return value
    }
}

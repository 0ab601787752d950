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
    /// ``Manifest/sources`` of its key.
    public var sources: String? { first("sources") }
    public var project: String? { first("project") }
    public var run: String? { first("run") }
    public var task: String? { first("task") }
    /// The id of the start of the machine on which it ran.
    public var boot: String? { first("boot") }
    /// The attempt that this one is a copy of.
    public var origin: AttemptID? {
        events.first { $0.type == "restored" && $0["from"] != nil }?["from"].flatMap { AttemptID($0) }
    }
    /// When the last attempt was started, or handed in.
    public var started: Timestamp? {
        events.last { ["started", "submitted", "retried"].contains($0.type) }?["utctimestamp"].flatMap { Timestamp($0) }
    }
    /// When the last attempt was handed in.
    public var launched: Timestamp? {
        events.last { ["submitted", "retried"].contains($0.type) }?["utctimestamp"].flatMap { Timestamp($0) }
    }
    /// When the result was complete.
    public var completed: Timestamp? {
        events.last { $0.type == "complete" }?["utctimestamp"].flatMap { Timestamp($0) }
    }
    /// How it ended, or what happened to it last; that it was stored is neither.
    public var lastType: String? { events.last { $0.type != "stored" && $0.type != "changed" }?.type }
    /// It is where no crash of this machine can harm it, and was put there when the code had been looked at again.
    public var isStored: Bool { events.contains { $0.type == "stored" } }
    /// Of the last attempt that ended, unless it was a success.
    public var exitCode: Int32? {
        events.last { $0.type == "complete" }?["exit_code"].flatMap { Int32($0) }
    }
    /// Why the last attempt, which failed, did.
    public var failure: Cause? {
        guard let exitCode else { return nil }
        let attempt = events[(events.lastIndex { ["submitted", "retried"].contains($0.type) } ?? 0)...]
        for event in attempt.reversed() {
            switch event.type {
            case "lost": return .lost(event["reason"] ?? "")
            case "oom": return .outOfMemory(event["limit"] ?? "")
            case "timeout": if let seconds = event["seconds"].flatMap({ Double($0) }) { return .timeout(seconds) }
            case "complete" where event["cause"] == Cause.Kind.signal.rawValue: return .signal(exitCode - 128)
            default: break
            }
        }
        return .exited(exitCode)
    }
    /// Keys under which it was declared good, beside its own.
    public var accepted: [TaskKey] { acceptances.map(\.key) }
    /// Kept from gc.
    public var isPinned: Bool { events.last { $0.type == "pinned" || $0.type == "unpinned" }?.type == "pinned" }
    /// The code or an input changed while it ran.
    public var isReusable: Bool { !events.contains { $0.type == "changed" } }

    private func first(_ name: String) -> String? { events.first?[name] }

    public static let header = "events:\n"

    /// One event as text to append.
    public static func entry(_ type: String, at time: Timestamp, _ fields: [Variable] = []) -> String {
        var text = ""
        text.reserveCapacity(80 + fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 10 })
        for part in ["  - type: ", type, "\n    utctimestamp: ", time.description, "\n"] { text += part }
        for field in fields {
            text += "    "
            text += field.name
            text += ": "
            text += literals.contains(field.name) || isPlain(field.value) ? field.value : YAMLScalar.quoted(field.value)
            text += "\n"
        }
        return text
    }

    /// The end of an attempt that has failed.
    public static func failure(_ cause: Cause, at time: Timestamp) -> String {
        let code = [Variable("exit_code", "\(cause.exitCode)"), Variable("cause", cause.kind.rawValue)]
        let reason: String =
            switch cause {
            case .outOfMemory(let limit): entry("oom", at: time, limit.isEmpty ? [] : [Variable("limit", limit)])
            case .timeout(let seconds): entry("timeout", at: time, [Variable("seconds", "\(seconds)")])
            case .lost(let why): entry("lost", at: time, [Variable("reason", why)])
            case .exited, .signal, .notStarted, .unpublished: ""
            }
        return reason + entry("complete", at: time, code)
    }

    /// Fields whose values are numbers and booleans to whoever reads the YAML.
    private static let literals = ["exit_code", "seconds", "dirty"]

    /// Plain words that YAML does not read as text.
    private static let words: Set<String> = ["y", "n", "yes", "no", "true", "false", "on", "off", "null", "nan", "inf"]

    /// Certainly a string without surprises.
    private static func isPlain(_ value: String) -> Bool {
        // A letter other than the ones that numbers have: `1e5`, `0x1F`, `0b1`, `0o7`.
        var isText = false
        var isLikeHex = false
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "d"): isLikeHex = true
            case UInt8(ascii: "g")...UInt8(ascii: "z"), UInt8(ascii: "G")...UInt8(ascii: "Z"):
                if byte | 32 != UInt8(ascii: "o"), byte | 32 != UInt8(ascii: "x") { isText = true }
            case UInt8(ascii: "e"), UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "-"),
                UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"):
                continue
            default: return false
            }
        }
        guard isText || isLikeHex && value.utf8.count >= 32, let first = value.utf8.first, first != UInt8(ascii: "-"),
            first != UInt8(ascii: ".")
        else { return false }
        return value.utf8.count > 5 || !words.contains(value.lowercased())
    }

    /// Reads what `entry` writes, and what is left of it when a crash cut it short: a line without its end counts for nothing.
    ///
    /// By bytes: what Swift takes for one character may be a quote and an accent.
    public init?(parsing text: String) {
        var events: [Event] = []
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
        guard lines.popFirst()?.elementsEqual("events:".utf8) == true else { return nil }
        for line in lines {
            // A list that an event has: `ObjectRecord` reads it.
            guard !line.starts(with: "      ".utf8) else { continue }
            let isNew = line.starts(with: "  - ".utf8)
            guard isNew || line.starts(with: "    ".utf8), let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
                continue
            }
            let name = String(decoding: line.dropFirst(4).prefix(upTo: colon), as: UTF8.self)
            let value = Self.unquoted(Array(line[colon...].dropFirst().drop { $0 == UInt8(ascii: " ") }))
            if isNew {
                events.append(Event(type: name == "type" ? value : "", fields: []))
            } else if !events.isEmpty {
                events[events.count - 1].fields.append(Variable(name, value))
            }
        }
        self.events = events
    }

    private static func unquoted(_ text: [UInt8]) -> String {
        let quote = UInt8(ascii: "\"")
        guard text.first == quote, text.last == quote, text.count >= 2 else {
            return String(decoding: text, as: UTF8.self)
        }
        var value: [UInt8] = []
        var rest = text.dropFirst().dropLast()
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() else {
                value.append(byte)
                continue
            }
            switch escaped {
            case UInt8(ascii: "n"): value.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "t"): value.append(UInt8(ascii: "\t"))
            case UInt8(ascii: "x"): value += scalar(&rest, digits: 2)
            case UInt8(ascii: "u"): value += scalar(&rest, digits: 4)
            default: value.append(escaped)
            }
        }
        return String(decoding: value, as: UTF8.self)
    }

    private static func scalar(_ rest: inout ArraySlice<UInt8>, digits: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(digits) }
        let bytes = Hex.decode(String(decoding: rest.prefix(digits), as: UTF8.self)) ?? []
        let scalar = Unicode.Scalar(bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }) ?? "\u{fffd}"
        return Array(String(scalar).utf8)
    }
}

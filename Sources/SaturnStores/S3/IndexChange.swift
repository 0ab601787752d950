import SaturnCore

/// One line of a segment of the index, or of the journal from which segments are made.
///
/// Its parts are separated by tabs; in them a tab, a line's end and a backslash are written `\t`, `\n`, `\\`.
enum IndexChange: Hashable, Sendable {
    case stands(IndexEntry)
    /// From its task's folder to the attic.
    case retired(String, AttemptID, Timestamp)
    /// From wherever it is into the folder of a task.
    case restored(AttemptID, String, Timestamp)
    /// Text was added to the events of what stood in a task's folder, or was in the attic.
    case noted(String, AttemptID, String)
    /// It is nowhere any more.
    case dropped(AttemptID)

    // In a journal only: this is under way. Without the line that says it is done it has to be done again.
    case began(String)
    case retiring(String, AttemptID)
    case restoring(AttemptID, String)

    var line: [UInt8] {
        let parts: [String] =
            switch self {
            case .stands(let entry):
                [
                    "stands", entry.task, "\(entry.attempt)", "\(entry.key)", entry.status ?? "",
                    entry.digest?.description ?? "", "\(entry.bytes)", "\(entry.objects)",
                    "\(entry.since.microseconds)", entry.events,
                ]
            case .retired(let task, let attempt, let time): ["retired", task, "\(attempt)", "\(time.microseconds)"]
            case .restored(let attempt, let task, let time): ["restored", "\(attempt)", task, "\(time.microseconds)"]
            case .noted(let task, let attempt, let text): ["noted", task, "\(attempt)", text]
            case .dropped(let attempt): ["dropped", "\(attempt)"]
            case .began(let task): ["began", task]
            case .retiring(let task, let attempt): ["retiring", task, "\(attempt)"]
            case .restoring(let attempt, let task): ["restoring", "\(attempt)", task]
            }
        return Self.line(parts)
    }

    static func line(_ parts: [String]) -> [UInt8] {
        var line: [UInt8] = []
        for part in parts {
            if !line.isEmpty { line.append(UInt8(ascii: "\t")) }
            for byte in part.utf8 {
                switch byte {
                case UInt8(ascii: "\t"): line += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
                case UInt8(ascii: "\n"): line += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
                case UInt8(ascii: "\\"): line += [byte, byte]
                default: line.append(byte)
                }
            }
        }
        return line + [UInt8(ascii: "\n")]
    }

    static func parts(_ line: ArraySlice<UInt8>) -> [String] {
        line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map { part in
            guard part.contains(UInt8(ascii: "\\")) else { return String(decoding: part, as: UTF8.self) }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(part.count)
            var rest = part
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() else {
                    bytes.append(byte)
                    continue
                }
                switch escaped {
                case UInt8(ascii: "t"): bytes.append(UInt8(ascii: "\t"))
                case UInt8(ascii: "n"): bytes.append(UInt8(ascii: "\n"))
                default: bytes.append(escaped)
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// `nil` of a line that is not one of these.
    init?(_ line: ArraySlice<UInt8>) {
        let parts = Self.parts(line)
        let attempt = { (index: Int) in parts.count > index ? AttemptID(parts[index]) : nil }
        let time = { (index: Int) in
            parts.count > index ? Int64(parts[index]).map { Timestamp(microseconds: $0) } : nil
        }
        switch (parts.first, parts.count) {
        case ("stands", 10):
            guard let entry = Self.entry(parts) else { return nil }
            self = .stands(entry)
        case ("retired", 4):
            guard let attempt = attempt(2), let time = time(3) else { return nil }
            self = .retired(parts[1], attempt, time)
        case ("restored", 4):
            guard let attempt = attempt(1), let time = time(3) else { return nil }
            self = .restored(attempt, parts[2], time)
        case ("noted", 4):
            guard let attempt = attempt(2) else { return nil }
            self = .noted(parts[1], attempt, parts[3])
        case ("dropped", 2):
            guard let attempt = attempt(1) else { return nil }
            self = .dropped(attempt)
        case ("began", 2): self = .began(parts[1])
        case ("retiring", 3):
            guard let attempt = attempt(2) else { return nil }
            self = .retiring(parts[1], attempt)
        case ("restoring", 3):
            guard let attempt = attempt(1) else { return nil }
            self = .restoring(attempt, parts[2])
        default: return nil
        }
    }

    private static func entry(_ parts: [String]) -> IndexEntry? {
        guard let attempt = AttemptID(parts[2]), let key = TaskKey(hex: parts[3]), let bytes = Int64(parts[6]),
            let objects = Int(parts[7]), let since = Int64(parts[8])
        else { return nil }
        return IndexEntry(
            task: parts[1], attempt: attempt, key: key, status: parts[4].isEmpty ? nil : parts[4],
            digest: Digest(hex: parts[5]), bytes: bytes, objects: objects, since: Timestamp(microseconds: since),
            events: parts[9])
    }
}

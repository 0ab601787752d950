import SaturnCore

/// One part of a result, as its `events` lists it.
///
/// ```yaml
///   - type: stored
///     utctimestamp: 2022-09-11T20:31:59.555695+00:00
///     digest: 6b86b273…
///     objects:
///       - {path: "results/model.bin", size: 4096, sha256: "6b86b273…"}
///       - {path: "results/latest", link: "model.bin"}
/// ```
/// What is no file has no object: folders, links and what else a task may have made are told of here only.
struct ObjectRecord: Hashable, Sendable {
    var kind: FolderListing.Kind
    /// Below the task's folder.
    var path: String
    var size: Int64 = 0
    var sha256: Digest?
    /// Of a link.
    var target = ""

    /// By bytes, since a character may begin with the slash and end with what follows it.
    var isResult: Bool { path.utf8.starts(with: "results/".utf8) }

    func isLog(of attempt: some StringProtocol) -> Bool { path.utf8.starts(with: "log/\(attempt)/".utf8) }

    /// Whose log it is a chunk of.
    var loggedAttempt: Substring? {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"))
        return parts.count == 3 && Substring(parts[0]) == "log" ? Substring(parts[1]) : nil
    }

    var isObject: Bool { kind == .file || kind == .executable }

    /// A line of the list.
    var line: String {
        var line = "      - {path: \(Self.quoted(path))"
        switch kind {
        case .file, .executable:
            line += ", size: \(size), sha256: \"\(sha256?.description ?? "")\""
            if kind == .executable { line += ", executable: true" }
        case .folder: line += ", folder: true"
        case .link: line += ", link: \(Self.quoted(target))"
        case .other: line += ", special: true"
        }
        return line + "}\n"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\0"..."\u{1f}", "\u{7f}"..."\u{9f}": quoted += "\\x" + Hex.encode([UInt8(scalar.value)])
            case "\u{2028}", "\u{2029}", "\u{feff}":
                quoted += "\\u" + Hex.encode([UInt8(scalar.value >> 8), UInt8(scalar.value & 0xFF)])
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// The event that says that all is stored.
    static func stored(_ records: [ObjectRecord], _ digest: Digest?, at time: Timestamp) -> String {
        EventLog.entry("stored", at: time, digest.map { [Variable("digest", $0.description)] } ?? [])
            + "    objects:\n" + records.map(\.line).joined()
    }

    /// The records in a text of events, and the text without them.
    static func split(_ events: String) -> (records: [ObjectRecord], events: String) {
        var records: [ObjectRecord] = []
        var rest = ""
        for line in events.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if line.hasPrefix("      - {path: ") {
                if let record = ObjectRecord(line) { records.append(record) }
            } else if line != "    objects:" {
                rest += line
                rest += "\n"
            }
        }
        return (records, rest)
    }

    private init?(_ line: Substring) {
        var rest = Array(line.utf8)[...].dropFirst("      - {".utf8.count)
        var fields: [String: String] = [:]
        while let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
            let name = String(decoding: rest[..<colon], as: UTF8.self)
            rest = rest[colon...].dropFirst(2)
            fields[name] = Self.value(&rest)
            // `, ` or the closing brace.
            rest = rest.dropFirst(rest.first == UInt8(ascii: ",") ? 2 : 1)
        }
        guard let path = fields["path"] else { return nil }
        self.path = path
        kind = .file
        if let size = fields["size"].flatMap({ Int64($0) }) {
            (self.size, sha256) = (size, fields["sha256"].flatMap { Digest(hex: $0) })
            if fields["executable"] != nil { kind = .executable }
        } else if let link = fields["link"] {
            (kind, target) = (.link, link)
        } else {
            kind = fields["folder"] == nil ? .other : .folder
        }
    }

    init(_ kind: FolderListing.Kind, _ path: String, size: Int64 = 0, target: String = "") {
        self.kind = kind
        self.path = path
        self.size = size
        self.target = target
    }

    private static func value(_ rest: inout ArraySlice<UInt8>) -> String {
        guard rest.first == UInt8(ascii: "\"") else {
            let end = rest.firstIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") } ?? rest.endIndex
            defer { rest = rest[end...] }
            return String(decoding: rest[..<end], as: UTF8.self)
        }
        rest = rest.dropFirst()
        var bytes: [UInt8] = []
        while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
            guard byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() else {
                bytes.append(byte)
                continue
            }
            let digits = escaped == UInt8(ascii: "x") ? 2 : escaped == UInt8(ascii: "u") ? 4 : 0
            guard digits > 0 else {
                bytes.append(escaped)
                continue
            }
            let value = UInt32(String(decoding: rest.prefix(digits), as: UTF8.self), radix: 16) ?? 0xFFFD
            bytes += Array(String(Unicode.Scalar(value) ?? "\u{fffd}").utf8)
            rest = rest.dropFirst(digits)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The digest by which `needs` counts results, from their records in any order: that of the ``FolderListing`` that a
    /// local folder with the same in it has.
    static func digest(_ records: [ObjectRecord]) -> Digest {
        // By bytes: two names may be one to Swift and not be one.
        var inside: [[UInt8]: ObjectRecord] = [:]
        for record in records where record.isResult {
            let path = Array(record.path.utf8.dropFirst("results/".utf8.count))
            inside[path] = record
            // Folders are listed only where they are empty.
            for slash in path.indices where path[slash] == UInt8(ascii: "/") {
                let folder = Array(path[..<slash])
                inside[folder] =
                    inside[folder] ?? ObjectRecord(.folder, "results/" + String(decoding: folder, as: UTF8.self))
            }
        }
        var text: [UInt8] = []
        for (path, record) in inside.sorted(by: { comesFirst($0.key, $1.key) }) {
            let content = record.isObject ? record.sha256?.description ?? "" : record.target
            text += FolderListing.text(record.kind, String(decoding: path, as: UTF8.self), content)
        }
        return Digest(of: text)
    }

    /// Each folder before what is in it, and that before the folder's next sibling.
    private static func comesFirst(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        let slash = UInt8(ascii: "/")
        return left.lexicographicallyPrecedes(right) { one, other in
            (one == slash ? 0 : one) < (other == slash ? 0 : other)
        }
    }
}

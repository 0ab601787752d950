import Glibc
import SaturnCore

/// What `~/.aws/credentials` and `~/.aws/config` say of one profile.
///
/// ```ini
/// [profile sweeps]
/// region = eu-central-1
/// credential_process = aws configure export-credentials --format process --profile sso
/// ```
struct Profile: Sendable {
    let name: String
    private let values: [String: String]

    subscript(name: String) -> String? { values[name] }

    /// The chosen profile, else `default`. Throws a ``Failure`` when one was chosen that neither file has.
    init(_ environment: [String: String]) throws {
        let environment = CredentialChain.set(environment)
        let chosen = environment["AWS_PROFILE"] ?? environment["AWS_DEFAULT_PROFILE"]
        let home = environment["HOME"] ?? "/"
        name = chosen ?? "default"
        let config = environment["AWS_CONFIG_FILE"] ?? home + "/.aws/config"
        let secrets = environment["AWS_SHARED_CREDENTIALS_FILE"] ?? home + "/.aws/credentials"
        let inConfig = Self.sections(try Self.read(config))
        let inSecrets = Self.sections(try Self.read(secrets))
        let heading =
            name == "default" ? inConfig["profile default"] ?? inConfig["default"] : inConfig["profile \(name)"]
        // Keys in the file that is made for them come first.
        let all = [heading, inSecrets[name]].compactMap(\.self)
        guard chosen == nil || !all.isEmpty else {
            throw Failure(
                .engine, "there is no profile '\(name)' in \(config) or \(secrets)",
                hint: "check AWS_PROFILE, or unset it")
        }
        values = all.reduce(into: [:]) { $0.merge($1.filter { !$0.value.isEmpty }) { _, new in new } }
    }

    private static func read(_ path: String) throws -> [UInt8] {
        do { return try Files.read(path, limit: 1 << 22, followsLinks: true) ?? [] } catch let error as FileProblem {
            throw Failure(.engine, "cannot read \(path): \(error.text)")
        }
    }

    /// By heading: names in lower case, and their values.
    private static func sections(_ bytes: [UInt8]) -> [String: [String: String]] {
        var sections: [String: [String: String]] = [:]
        var heading: String?
        var indentation: Int?
        // Some editors begin a file with a mark of its encoding.
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        for whole in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let line = whole.drop(while: \.isWhitespace)
            guard let first = line.first, first != "#", first != ";" else { continue }
            // Lines that are indented more than a value are parts of it.
            let depth = whole.count - line.count
            if let indentation, depth > indentation { continue }
            if first == "[" {
                indentation = nil
                let words = line.dropFirst().prefix { $0 != "]" }.split(whereSeparator: \.isWhitespace)
                let title = words.joined(separator: " ").filter { $0 != "\"" && $0 != "'" }
                heading = title
                sections[title] = sections[title] ?? [:]
            } else if let heading, let equals = line.firstIndex(of: "=") {
                indentation = depth
                let name = trimmed(line[..<equals]).lowercased()
                sections[heading]?[name] = trimmed(withoutComment(line[line.index(after: equals)...]))
            }
        }
        return sections
    }

    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }

    /// A comment after a value begins with a space.
    private static func withoutComment(_ value: Substring) -> Substring {
        let marks = value.indices.dropFirst().filter { value[$0] == "#" || value[$0] == ";" }
        guard let mark = marks.first(where: { value[value.index(before: $0)].isWhitespace }) else { return value }
        return value[..<mark]
    }
}

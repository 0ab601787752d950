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
        let chosen = environment["AWS_PROFILE"] ?? environment["AWS_DEFAULT_PROFILE"]
        let home = environment["HOME"] ?? "/"
        name = chosen ?? "default"
        let config = environment["AWS_CONFIG_FILE"] ?? home + "/.aws/config"
        let secrets = environment["AWS_SHARED_CREDENTIALS_FILE"] ?? home + "/.aws/credentials"
        let inConfig = Self.sections(try Self.read(config))
        let inSecrets = Self.sections(try Self.read(secrets))
        let heading =
            name == "default" ? inConfig["default"] ?? inConfig["profile default"] : inConfig["profile \(name)"]
        // Keys in the file that is made for them come first.
        let all = [heading, inSecrets[name]].compactMap(\.self)
        guard chosen == nil || !all.isEmpty else {
            throw Failure(
                .engine, "there is no profile '\(name)' in \(config) or \(secrets)",
                hint: "check AWS_PROFILE, or unset it")
        }
        values = all.reduce(into: [:]) { $0.merge($1) { _, new in new } }
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
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            // Indented lines belong to a value with parts of its own.
            guard let first = line.first, !first.isWhitespace, first != "#", first != ";" else { continue }
            if first == "[" {
                let words = line.dropFirst().prefix { $0 != "]" }.split(whereSeparator: \.isWhitespace)
                let title = words.joined(separator: " ").filter { $0 != "\"" && $0 != "'" }
                heading = title
                sections[title] = sections[title] ?? [:]
            } else if let heading, let equals = line.firstIndex(of: "=") {
                let name = trimmed(line[..<equals]).lowercased()
                sections[heading]?[name] = withoutComment(trimmed(line[line.index(after: equals)...]))
            }
        }
        return sections
    }

    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }

    /// A comment after a value begins with a space.
    private static func withoutComment(_ value: String) -> String {
        for mark in [" #", " ;"] {
            if let range = value.firstRange(of: mark) { return trimmed(value[..<range.lowerBound]) }
        }
        return value
    }
}

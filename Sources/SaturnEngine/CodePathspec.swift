import Glibc
import SaturnCore

/// A pathspec as a task has it, turned into one relative to the repository's root.
///
/// ```swift
/// CodePathspec("!notes/*.md", in: "/work/exp", root: "/work")?.text   // "!exp/notes/*.md"
/// ```
struct CodePathspec {
    /// What ``CodeSelection`` takes. The same path has one spelling.
    let text: String
    let isExclude: Bool
    /// Without wildcards it is a name; relative to the root, empty for the root itself.
    let path: String

    /// `nil` when it leads out of the repository.
    init?(_ written: String, in workdir: String, root: String) {
        isExclude = written.hasPrefix("!")
        let spec = isExclude ? String(written.dropFirst()) : written
        guard let components = Self.components(of: spec, in: workdir, root: root) else { return nil }
        path = components.joined(separator: "/")
        let isFolder = spec.hasSuffix("/") && !components.isEmpty
        let plain = (components.isEmpty ? "." : path) + (isFolder ? "/" : "")
        // A name that begins with `!` is not an exclusion.
        text = (isExclude ? "!" : plain.hasPrefix("!") ? "./" : "") + plain
    }

    var isPattern: Bool { path.utf8.contains { "*?[\\".utf8.contains($0) } }

    private static func components(of spec: String, in workdir: String, root: String) -> [String]? {
        var components: [String]
        var rest = spec
        if spec.hasPrefix("/") {
            guard let inside = CodeReader.relative(spec, to: root) ?? real(spec, to: root) else { return nil }
            components = []
            rest = inside
        } else {
            guard let folder = CodeReader.relative(workdir, to: root) else { return nil }
            components = folder.split(separator: "/").map { escaped(String($0)) }
        }
        for part in rest.split(separator: "/") where part != "." {
            if part == ".." {
                guard components.popLast() != nil else { return nil }
            } else {
                components.append(String(part))
            }
        }
        return components
    }

    /// By the path that its links lead to.
    private static func real(_ path: String, to root: String) -> String? {
        FileBytes.realPath(path).flatMap { CodeReader.relative($0, to: root) }
    }

    /// The folder that a pathspec is relative to is no pattern, whatever it is called.
    private static func escaped(_ name: String) -> String {
        guard name.utf8.contains(where: { "*?[\\".utf8.contains($0) }) else { return name }
        return name.reduce(into: "") { text, character in
            if "*?[\\".contains(character) { text += "\\" }
            text.append(character)
        }
    }
}

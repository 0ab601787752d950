/// A path relative to the root, as git understands pathspecs: a file, a folder with all below, or a glob.
///
///     Pathspec("lib").covers(Array("lib/model.py".utf8))     // true
///     Pathspec("!*.md").isExclude                            // true: takes away what it covers
///
/// Like git's, a pattern is also tried as a name, so that a folder called `runs[1]` can be named. Unlike git, so is what
/// it is without its backslashes: what is in such a folder can be named as well, as `runs\[1\]/lib`.
struct Pathspec {
    let isExclude: Bool
    /// It has wildcards: what it does not cover today it may cover tomorrow.
    let isGlob: Bool
    /// The components in the order written; `nil` when it leaves the root, and covers nothing.
    let path: [UInt8]?
    /// Names a folder's content, never a file: `lib/`.
    private let wantsFolder: Bool
    private let names: [[UInt8]]
    private let globs: [GlobPattern]

    init(_ text: String) {
        isExclude = text.utf8.first == UInt8(ascii: "!")
        let written = isExclude ? String(text.dropFirst()) : text
        path = RelativePath.components(of: written).map { Array($0.joined(separator: [UInt8(ascii: "/")])) }
        wantsFolder = written.utf8.last == UInt8(ascii: "/")
        let path = self.path ?? []
        isGlob = path.contains { "*?[\\".utf8.contains($0) }
        let plain = Self.withoutBackslashes(path)
        names = self.path == nil ? [] : plain == path ? [path] : [path, plain]
        let patterns = isGlob ? Self.withoutFolders(wantsFolder ? path + [UInt8(ascii: "/")] : path) : []
        globs = patterns.compactMap { GlobPattern($0) }
    }

    /// - Parameter isFolder: the path is a submodule's, a folder to the user.
    func covers(_ file: [UInt8], isFolder: Bool = false) -> Bool {
        names.contains { covers(file, by: $0, isFolder) } || globs.contains { $0.matches(file) }
    }

    private func covers(_ file: [UInt8], by name: [UInt8], _ isFolder: Bool) -> Bool {
        guard !name.isEmpty else { return true }
        guard file.starts(with: name) else { return false }
        return file.count == name.count ? !wantsFolder || isFolder : file[name.count] == UInt8(ascii: "/")
    }

    /// `lib/**/*.py` is also `lib/*.py`, as it is in globs of inputs: to git it would leave out `lib/a.py`.
    private static func withoutFolders(_ pattern: [UInt8]) -> [[UInt8]] {
        let folders = Array("**/".utf8)
        var variants = [pattern]
        var position = 0
        // Each one doubles them.
        while variants.count <= 16, position + 3 <= pattern.count {
            defer { position += 1 }
            guard pattern[position..<position + 3].elementsEqual(folders),
                position == 0 || pattern[position - 1] == UInt8(ascii: "/")
            else { continue }
            // Counted from the end, which no variant has changed yet.
            let rest = pattern.count - position
            variants += variants.map { Array($0.dropLast(rest) + $0.suffix(rest - 3)) }
        }
        return variants
    }

    private static func withoutBackslashes(_ path: [UInt8]) -> [UInt8] {
        var plain: [UInt8] = []
        var rest = path[...]
        while let byte = rest.popFirst() {
            plain.append(byte == UInt8(ascii: "\\") ? rest.popFirst() ?? byte : byte)
        }
        return plain
    }
}

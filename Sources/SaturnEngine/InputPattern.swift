import Glibc

/// Finds the files and folders that an `inputs` entry names.
///
/// `*`, `?` and `[…]` match within one component and not a leading dot; `**` is any number of folders.
enum InputPattern {
    static func isPattern(_ text: String) -> Bool { text.utf8.contains { "*?[".utf8.contains($0) } }

    /// Paths relative to `folder` (or absolute, as the pattern is), sorted.
    static func matches(_ pattern: String, in folder: String) -> [String] {
        let isAbsolute = pattern.hasPrefix("/")
        let components = pattern.split(separator: "/").map(String.init)
        var found: Set<String> = []
        match(components[...], isAbsolute ? "/" : "", isAbsolute ? "" : folder + "/", &found)
        return found.sorted()
    }

    private static func match(
        _ components: ArraySlice<String>, _ prefix: String, _ base: String, _ found: inout Set<String>
    ) {
        guard let component = components.first else {
            found.insert(prefix.hasSuffix("/") && prefix != "/" ? String(prefix.dropLast()) : prefix)
            return
        }
        let rest = components.dropFirst()
        guard isPattern(component) else {
            var status = stat()
            if lstat(base + prefix + component, &status) == 0 {
                match(rest, prefix + component + (rest.isEmpty ? "" : "/"), base, &found)
            }
            return
        }
        if component == "**", !rest.isEmpty { match(rest, prefix, base, &found) }
        let folder = base + prefix
        for name in (try? FileBytes.names(in: folder.isEmpty ? "." : folder)) ?? [] {
            guard fnmatch(component == "**" ? "*" : component, name, FNM_PERIOD) == 0 else { continue }
            var status = stat()
            let isFolder = lstat(folder + name, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            if rest.isEmpty {
                found.insert(prefix + name)
            } else if isFolder || (stat(folder + name, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR) {
                // Links to folders are followed by name, but not by `**`: they may lead in circles.
                if component != "**" { match(rest, prefix + name + "/", base, &found) }
            }
            if component == "**", isFolder { match(components, prefix + name + "/", base, &found) }
        }
    }
}

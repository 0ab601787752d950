import Glibc

/// Finds programs along PATH as execvp does, seen from the task's folder.
///
/// Nothing is remembered: one task may install the program that another finds.
enum ProgramFinder {
    /// The path to execute, or `nil` when there is none. One that may not be executed is the answer when there is no
    /// other, for exec to say so.
    static func find(_ name: String, path: String, workdir: String) -> String? {
        guard !name.utf8.contains(UInt8(ascii: "/")) else { return name }
        var refused: String?
        var rest = path[...]
        while true {
            let end = rest.utf8.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            let candidate = absolute(String(rest[..<end]), in: workdir) + "/" + name
            var status = stat()
            if stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
                if access(candidate, X_OK) == 0 { return candidate }
                refused = refused ?? candidate
            }
            guard end < rest.endIndex else { return refused }
            rest = rest[rest.utf8.index(after: end)...]
        }
    }

    /// An empty `path` is the folder itself.
    static func absolute(_ path: String, in folder: String) -> String {
        path.utf8.first == UInt8(ascii: "/") ? path : path.isEmpty ? folder : "\(folder)/\(path)"
    }
}

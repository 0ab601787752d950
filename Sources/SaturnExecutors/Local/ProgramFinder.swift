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
        for folder in path.split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = absolute(folder, in: workdir) + "/" + name
            var status = stat()
            guard stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            if access(candidate, X_OK) == 0 { return candidate }
            refused = refused ?? candidate
        }
        return refused
    }

    /// An empty `path` is the folder itself.
    static func absolute(_ path: some StringProtocol, in folder: String) -> String {
        path.hasPrefix("/") ? String(path) : path.isEmpty ? folder : "\(folder)/\(path)"
    }
}

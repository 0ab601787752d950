import Glibc
import SaturnCore

/// What is wrong with the folders that workers are to get.
enum FileSyncs {
    /// - Parameter folder: from which their paths count.
    static func problems(_ syncs: [FileSync], in folder: String) -> [Diagnostic] {
        var taken: Set<String> = []
        return syncs.flatMap { sync in
            let path = sync.destination.value.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
            let isTwice = !taken.insert(sync.destination.value.hasPrefix("/") ? "/\(path)" : path).inserted
            let twice = "two folders have the destination '\(sync.destination.value)'"
            return [
                source(sync.source, in: folder), destination(sync.destination),
                isTwice ? Diagnostic(at: sync.destination.mark, twice) : nil,
            ].compactMap { $0 }
        }
    }

    /// Absolute.
    static func path(_ source: Marked<String>, in folder: String) -> String {
        source.value.hasPrefix("/") ? source.value : "\(folder)/\(source.value)"
    }

    private static func source(_ source: Marked<String>, in folder: String) -> Diagnostic? {
        var status = stat()
        guard stat(path(source, in: folder), &status) == 0 else {
            return Diagnostic(at: source.mark, "'\(source.value)' does not exist in \(folder)")
        }
        guard status.st_mode & S_IFMT != S_IFDIR else { return nil }
        return Diagnostic(at: source.mark, "'\(source.value)' is not a folder", hint: "'file_syncs' ships folders")
    }

    private static func destination(_ destination: Marked<String>) -> Diagnostic? {
        guard !destination.value.hasPrefix("/"), !destination.value.hasPrefix("~/") else { return nil }
        var depth = 0
        for component in destination.value.split(separator: "/") where component != "." {
            depth += component == ".." ? -1 : 1
            guard depth >= 0 else {
                return Diagnostic(
                    at: destination.mark, "'\(destination.value)' leaves the folder that tasks run in",
                    hint: "a path below it, or an absolute one")
            }
        }
        return nil
    }
}

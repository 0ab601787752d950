import CLibGit2
import Glibc
import SaturnCore

/// Git's rule about whose repositories it reads: one's own, and those named by `safe.directory`.
///
/// libgit2 1.5 knows the rule but not `safe.directory=*`, and reports "not found" instead of a foreign owner.
struct Ownership {
    let root: String

    /// Throws when one of `paths` belongs to somebody else and the user has not declared `root` safe.
    func check(_ paths: [String]) throws {
        guard !paths.allSatisfy(isOwn), !isDeclaredSafe() else { return }
        throw Failure(
            .usage, "git refuses to read \(root): it is owned by another user",
            hint: "git config --global --add safe.directory \(quoted(root))")
    }

    private func isOwn(_ path: String) -> Bool {
        var status = stat()
        // What is not there is nobody's; opening it will say so.
        guard lstat(path, &status) == 0 else { return true }
        let user = geteuid()
        if status.st_uid == user { return true }
        // Under sudo, the files of the user who called it are as good as one's own.
        guard user == 0, let caller = getenv("SUDO_UID") else { return false }
        return uid_t(String(cString: caller)) == status.st_uid
    }

    /// Only the user's and the system's configuration is asked: the repository cannot declare itself safe.
    private func isDeclaredSafe() -> Bool {
        var isSafe = false
        for value in Self.safeDirectories() {
            if value.isEmpty {
                // Revokes what less specific files say.
                isSafe = false
            } else if value == "*" || expanded(value).utf8.elementsEqual(root.utf8) {
                isSafe = true
            } else if value.hasSuffix("/*") {
                isSafe = isSafe || root.utf8.starts(with: expanded(value).utf8.dropLast())
            }
        }
        return isSafe
    }

    /// From the least to the most specific file.
    private static func safeDirectories() -> [String] {
        var config: OpaquePointer?
        guard git_config_open_default(&config) == 0 else { return [] }
        defer { git_config_free(config) }
        var iterator: OpaquePointer?
        guard git_config_multivar_iterator_new(&iterator, config, "safe.directory", nil) == 0 else { return [] }
        defer { git_config_iterator_free(iterator) }
        var values: [String] = []
        var entry: UnsafeMutablePointer<git_config_entry>?
        while git_config_next(&entry, iterator) == 0 {
            if let value = entry?.pointee.value { values.append(String(cString: value)) }
        }
        return values
    }

    private func expanded(_ value: String) -> String {
        guard value.hasPrefix("~/"), let home = getenv("HOME") else { return value }
        return String(cString: home) + value.dropFirst()
    }

    private func quoted(_ path: String) -> String {
        let plain = path.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "/._-+,:@%".utf8.contains(byte)
        }
        guard !plain else { return path }
        return "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }
}

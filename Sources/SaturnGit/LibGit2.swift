import CLibGit2
import SaturnCore

/// libgit2 itself: loading and starting it once, and wording its errors.
enum LibGit2 {
    /// To be called before anything else of libgit2. Loading and starting it costs more than all of a small plan, so it
    /// waits until a repository is in sight.
    static func start(at root: String) throws {
        if let problem = saturn_git_load() {
            throw Failure(
                .engine, "cannot read the git repository at \(root): \(String(cString: problem))",
                hint: "install the library libgit2 \(LIBGIT2_SOVERSION): apt-get install libgit2-\(LIBGIT2_SOVERSION)")
        }
        try check(started, at: root)
    }

    /// Never shut down: the process ends first.
    private static let started: Int32 = {
        let result = git_libgit2_init()
        guard result >= 0 else { return result }
        return min(saturn_git_leave_owners_unchecked(), saturn_git_accept_extensions())
    }()

    /// Throws libgit2's words when `result` is an error.
    @discardableResult
    static func check(_ result: Int32, at root: String) throws -> Int32 {
        guard result < 0 else { return result }
        throw unreadable(root, lastError)
    }

    /// What every damage to a repository is told as; `reason` is libgit2's or ours.
    static func unreadable(_ root: String, _ reason: String) -> Failure {
        Failure(.usage, "cannot read the git repository at \(root): \(reason)", hint: hint(for: reason))
    }

    static var lastError: String {
        guard let error = git_error_last(), let message = error.pointee.message else { return "unknown error" }
        return String(cString: message)
    }

    /// What to do about the kinds of repository that git reads and libgit2 1.5 does not.
    private static func hint(for reason: String) -> String? {
        if reason.contains("extensions.objectformat") { return "only SHA-1 repositories can be read, not SHA-256" }
        if reason.contains("extension: 'link'") { return "git update-index --no-split-index" }
        if reason.contains("extension: 'sdir'") { return "git sparse-checkout reapply --no-sparse-index" }
        return nil
    }
}

import Glibc
import SaturnCore

/// Writes what comes of an attempt that runs elsewhere into its workspace.
final class WorkspaceFiller {
    let attempt: AttemptID
    var task: String { workspace.task }
    private let workspace: Workspace
    private let isShared: Bool
    private var archive: TarReader?
    /// What the archive had that is no file, folder or link.
    private(set) var leftOut: [String] = []

    init(_ launch: Launch, isShared: Bool) {
        attempt = launch.attempt
        workspace = launch.workspace
        self.isShared = isShared
    }

    /// Makes the log, which there is also of a task that writes nothing.
    func begin() throws {
        if !isShared { close(try openLog()) }
    }

    /// The same, for one whose log comes again from its first byte.
    func beginAgain() throws {
        let log = try openLog()
        defer { close(log) }
        guard ftruncate(log, 0) == 0 else { throw ArchiveProblem.system(workspace.log) }
    }

    /// The same, for another execution: whoever follows the log can tell it from the one before.
    func beginAnew() throws {
        let folder = try openFolder()
        defer { close(folder) }
        unlinkat(folder, "log", 0)
        try begin()
    }

    func addToLog(_ bytes: UnsafeRawBufferPointer) throws {
        let log = try openLog()
        defer { close(log) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = write(log, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ArchiveProblem.system(workspace.log) }
            rest = rest.dropFirst(count)
        }
    }

    func addToResults(_ bytes: UnsafeRawBufferPointer) throws {
        let reader = try archive ?? TarReader(emptyTree())
        archive = reader
        try reader.feed(bytes)
    }

    /// They come again.
    func forgetResults() { archive = nil }

    func finish() throws {
        try archive?.finish()
        leftOut = archive?.leftOut ?? []
        archive = nil
    }

    /// Where the task ran there is no such folder any more.
    func removeResults() {
        guard !isShared else { return }
        try? ResultsTree(workspace.results).empty()
        rmdir(workspace.results)
    }

    /// What an earlier saturn has unpacked of an archive comes again.
    private func emptyTree() throws -> ResultsTree {
        let tree = try ResultsTree(workspace.results)
        try tree.empty()
        return tree
    }

    private func openFolder() throws -> Int32 {
        let folder = open(workspace.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard folder >= 0 else { throw ArchiveProblem.system(workspace.folder) }
        return folder
    }

    private func openLog() throws -> Int32 {
        let folder = try openFolder()
        defer { close(folder) }
        let log = openat(folder, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        guard log >= 0 else { throw ArchiveProblem.system(workspace.log) }
        return log
    }
}

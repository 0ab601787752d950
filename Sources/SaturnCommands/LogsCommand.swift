import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger
import SaturnStores

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print the log of a task.")

    @Argument(help: "The task.")
    var task: String

    @Option(help: "The run; without it the newest.")
    var name: String?

    @Flag(name: .shortAndLong, help: "Follow the log until the task ends.")
    var follow = false

    @OptionGroup var location: LocationArguments

    func run() async throws {
        let (view, state) = try location.find(nil, name)
        guard view.tasks.contains(where: { $0.name == task }) else {
            throw Failure(
                .usage, "run '\(view.record.name)' has no task '\(task)'",
                hint: Suggestion.hint(for: task, among: view.tasks.map(\.name)))
        }
        let folder = try self.folder(view, state)
        let isRunning = { state.holder(of: view.record.name) != nil && access(folder + "/status", F_OK) != 0 }
        var reader = LogReader(path: folder + "/log")
        while follow {
            // Looked at before reading: what is written until the end is read after it.
            let goesOn = isRunning()
            guard reader.copy() else { return }
            guard goesOn else { break }
            try await Task.sleep(nanoseconds: 100_000_000)
        }
        guard reader.copy() else { return }
        guard reader.isOpen else {
            throw Failure(.usage, "task '\(task)' has no log", hint: "saturn status shows how it stands")
        }
        reader.finish()
    }
}

extension LogsCommand {
    /// Where the attempt of this run is: another run may have superseded it in the task's folder.
    private func folder(_ view: RunView, _ state: StateFolder) throws -> String {
        let standing = "\(view.record.location)/\(task)"
        guard let id = view.tasks.first(where: { $0.name == task })?.attempt,
            let attempt = try SQLiteLedger(reading: state.ledger).attempts([id])[id], attempt.place == .attic
        else { return standing }
        return LocalDir(directory: view.record.location).folder(of: .attic(key: attempt.key, attempt: id))
    }
}

/// Copies a log to stdout: its bytes into a pipe, text with control characters escaped to a terminal.
private struct LogReader {
    let path: String
    private var fd: Int32 = -1
    private var rest: [UInt8] = []
    private let isTerminal = isatty(STDOUT_FILENO) == 1

    init(path: String) {
        self.path = path
    }

    var isOpen: Bool { fd >= 0 }

    /// A file only: a task may have put a device there that never ends.
    private static func open(_ path: String) -> Int32 {
        let fd = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        var status = stat()
        guard fd >= 0, fstat(fd, &status) != 0 || status.st_mode & S_IFMT != S_IFREG else { return fd }
        close(fd)
        return -1
    }

    /// What there is now; `false` when nobody reads any more.
    mutating func copy() -> Bool {
        if fd < 0 { fd = Self.open(path) }
        guard fd >= 0 else { return true }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(fd, &buffer, buffer.count), count > 0 {
            guard write(buffer[..<count]) else { return false }
        }
        return true
    }

    private mutating func write(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard isTerminal else { return bytes.withUnsafeBytes { Output.write($0, to: STDOUT_FILENO) } }
        rest += bytes
        // Up to the last newline, so that no character is cut in two; without any for long, all of it.
        let end = rest.lastIndex(of: 10).map { $0 + 1 } ?? (rest.count > 1 << 16 ? rest.count : 0)
        let text = String(decoding: rest[..<end], as: UTF8.self)
        rest.removeFirst(end)
        return Output.write(Printable.text(text, keepsLines: true), to: STDOUT_FILENO)
    }

    mutating func finish() {
        if !rest.isEmpty { Output.out(Printable.text(String(decoding: rest, as: UTF8.self), keepsLines: true)) }
    }
}

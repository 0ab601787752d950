import Foundation
import Glibc

/// What a command wrote and how it ended.
///
/// In the texts the session's folder is `~`, durations are `T`, times of day `TIME`, and processes `PID on HOST`.
struct Transcript {
    var out: String
    var err: String
    /// As `$?` has it: 128 + n after signal n.
    var status: Int32
    /// As they came.
    var rawOut: [UInt8]
    var rawErr: [UInt8]
}

/// A program that was started, and what it has written so far.
final class RunningProgram {
    /// A wait that takes longer than this has failed: seconds.
    static let patience: Double = 240

    let pid: pid_t
    /// Shown as `~`.
    var home = ""
    private let root: String
    private var streams: [Int32]
    private var written: [[UInt8]] = [[], []]
    private var end: Transcript?

    /// - Parameter stdout: given to the program instead of a pipe to this test.
    init(_ argv: [String], folder: String, environment: [String: String], root: String, stdout: Int32?) throws {
        self.root = root
        let (out, err) = (try Self.pipe(in: root), try Self.pipe(in: root))
        streams = [out.reading, err.reading]
        defer {
            close(out.writing)
            close(err.writing)
        }
        // posix_spawn alone cannot change folder everywhere.
        let words = ["/bin/sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh", folder] + argv
        pid = try Self.spawn(words, environment, stdout: stdout ?? out.writing, stderr: err.writing)
    }

    deinit { for fd in streams where fd >= 0 { close(fd) } }

    /// A pipe with a name for a moment, so that both ends are close-on-exec from the start: a program that another
    /// test starts must not inherit them.
    private static func pipe(in root: String) throws -> (reading: Int32, writing: Int32) {
        let path = "\(root)/pipe-\(UUID().uuidString)"
        defer { unlink(path) }
        guard mkfifo(path, 0o600) == 0, case let reading = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), reading >= 0,
            case let writing = open(path, O_WRONLY | O_CLOEXEC), writing >= 0
        else { throw SessionProblem("cannot make a pipe in \(root)") }
        return (reading, writing)
    }

    private static func spawn(
        _ words: [String], _ environment: [String: String], stdout: Int32, stderr: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, stdout, 1)
        posix_spawn_file_actions_adddup2(&actions, stderr, 2)
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        let envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var pid: pid_t = 0
        let error = posix_spawn(&pid, words[0], &actions, &attributes, argv, envp)
        guard error == 0 else { throw SessionProblem("cannot start \(words[0]): \(String(cString: strerror(error)))") }
        return pid
    }

    /// Waits until stderr has `text`.
    func waitForErrors(_ text: String) throws { try wait(1, text) }

    /// Waits until stdout has `text`.
    func waitForOutput(_ text: String) throws { try wait(0, text) }

    private func wait(_ stream: Int, _ text: String) throws {
        let deadline = Date().addingTimeInterval(Self.patience)
        while !String(decoding: written[stream], as: UTF8.self).contains(text) {
            guard streams[stream] >= 0 else {
                throw SessionProblem(
                    "the program ended without writing '\(text)': \(String(decoding: written.joined(), as: UTF8.self))")
            }
            try take(until: deadline)
        }
    }

    /// Waits for what comes next on either stream, or for the end of one.
    private func take(until deadline: Date) throws {
        var waiting = streams.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let rest = deadline.timeIntervalSinceNow
        guard rest > 0 else {
            kill()
            throw SessionProblem(
                "nothing came for \(Int(Self.patience)) s after: \(String(decoding: written.joined(), as: UTF8.self))")
        }
        guard poll(&waiting, 2, Int32(rest * 1000) + 1) > 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        for index in 0...1 where waiting[index].revents != 0 {
            let count = Glibc.read(streams[index], &buffer, buffer.count)
            if count > 0 {
                written[index] += buffer[..<count]
            } else if count == 0 || errno != EAGAIN {
                close(streams[index])
                streams[index] = -1
            }
        }
    }

    func signal(_ number: Int32) { if end == nil { Glibc.kill(pid, number) } }

    /// Waits for its end.
    @discardableResult
    func ended(within patience: Double = patience) throws -> Transcript {
        if let end { return end }
        let deadline = Date().addingTimeInterval(patience)
        while streams.contains(where: { $0 >= 0 }) { try take(until: deadline) }
        return try reaped()
    }

    private func reaped() throws -> Transcript {
        var (status, usage): (Int32, rusage) = (0, rusage())
        var result = wait4(pid, &status, 0, &usage)
        while result < 0, errno == EINTR { result = wait4(pid, &status, 0, &usage) }
        guard result == pid else { throw SessionProblem("process \(pid) was waited for elsewhere") }
        let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        let transcript = Transcript(
            out: shown(written[0]), err: shown(written[1]), status: code, rawOut: written[0], rawErr: written[1])
        end = transcript
        return transcript
    }

    /// Ends it for good, if it still runs.
    func kill() {
        guard end == nil else { return }
        Glibc.kill(pid, SIGKILL)
        _ = try? reaped()
    }

    private func shown(_ bytes: [UInt8]) -> String {
        var text = String(decoding: bytes, as: UTF8.self)
        text = text.replacingOccurrences(of: home, with: "~").replacingOccurrences(of: root, with: "ROOT")
        let patterns = [
            #"\(\d+\.\d s\)"#: "(T)", #"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"#: "TIME",
            #"process \d+ on [^ ()]+"#: "process PID on HOST",
        ]
        for (pattern, word) in patterns {
            text = text.replacingOccurrences(of: pattern, with: word, options: .regularExpression)
        }
        return text
    }
}

/// A named pipe over which a test and a task wait for each other.
///
/// ```yaml
/// command: echo here > PATH; read line < OTHER
/// ```
final class Meeting {
    let path: String
    private let fd: Int32
    private var rest = ""

    init(_ path: String) throws {
        self.path = path
        // Open for both, so that neither side waits in open() and no end is ever seen too early.
        guard mkfifo(path, 0o600) == 0, case let fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC), fd >= 0 else {
            throw SessionProblem("cannot make the pipe \(path)")
        }
        self.fd = fd
    }

    deinit { close(fd) }

    /// The next line that a task writes.
    func line() throws -> String {
        let deadline = Date().addingTimeInterval(RunningProgram.patience)
        while true {
            if let newline = rest.firstIndex(of: "\n") {
                defer { rest = String(rest[rest.index(after: newline)...]) }
                return String(rest[..<newline])
            }
            var waiting = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
            let time = deadline.timeIntervalSinceNow
            guard time > 0 else { throw SessionProblem("nobody came to \(path)") }
            guard poll(&waiting, 1, Int32(time * 1000) + 1) > 0 else { continue }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(fd, &buffer, buffer.count)
            if count > 0 { rest += String(decoding: buffer[..<count], as: UTF8.self) }
        }
    }

    /// Lets one reader go on.
    func send(_ line: String = "go") {
        let text = line + "\n"
        _ = text.withCString { write(fd, $0, strlen($0)) }
    }
}

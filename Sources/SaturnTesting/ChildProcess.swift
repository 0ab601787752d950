public import Glibc

/// A program that runs, with its stdout and stderr in pipes.
///
/// ```swift
/// let sleeper = try ChildProcess(["sleep", "60"], environment: [:], folder: space.folder)
/// sleeper.signal(SIGTERM)
/// let status = try sleeper.wait().status  // 143
/// ```
public final class ChildProcess {
    /// What a program printed, and how it ended.
    public struct Finished: Hashable, Sendable {
        public var stdout: String
        public var stderr: String
        /// The exit code, or 128 + n after signal n.
        public var status: Int32

        public init(stdout: String, stderr: String, status: Int32) {
            self.stdout = stdout
            self.stderr = stderr
            self.status = status
        }
    }

    /// Says what the operating system refused.
    public struct Problem: Error, CustomStringConvertible {
        public var description: String

        public init(_ what: String, _ number: Int32) {
            description = "\(what): \(String(cString: strerror(number)))"
        }

        public init(_ description: String) {
            self.description = description
        }
    }

    public let pid: pid_t
    private let stdout: Int32
    private let stderr: Int32
    private var isReaped = false

    /// - Parameters:
    ///   - argv: the program is looked for in the PATH of `environment`; one that is not there exits with 127.
    ///   - environment: all that it gets, but for PWD.
    ///   - folder: where it runs.
    public init(_ argv: [String], environment: [String: String], folder: String) throws {
        let (out, err) = (try Self.makePipe(), try Self.makePipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, out.write, 1)
        posix_spawn_file_actions_adddup2(&actions, err.write, 2)
        // The threads that tests run on block signals; a program that inherited that could not be ended.
        var attributes = posix_spawnattr_t()
        var (none, all) = (sigset_t(), sigset_t())
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        // The file action that changes the folder is not in Swift's Glibc.
        let arguments = ["/bin/sh", "-c", "cd -- \"$1\" && shift && exec \"$@\"", "sh", folder] + argv
        var child: pid_t = 0
        let spawned = Self.withCStrings(arguments) { arguments in
            Self.withCStrings(environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }) { variables in
                posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, variables)
            }
        }
        for end in [out.write, err.write] { close(end) }
        (pid, stdout, stderr) = (child, out.read, err.read)
        guard spawned == 0 else {
            isReaped = true
            throw Problem("cannot start \(argv.joined(separator: " "))", spawned)
        }
    }

    deinit {
        for end in [stdout, stderr] { close(end) }
        guard !isReaped else { return }
        kill(pid, SIGKILL)
        while waitpid(pid, nil, 0) < 0, errno == EINTR {}
    }

    public func signal(_ number: Int32) {
        if !isReaped { kill(pid, number) }
    }

    /// Reads both pipes to their ends, then waits for the program; once.
    public func wait() throws -> Finished {
        let (output, errors) = try readAll()
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { throw Problem("waitpid", errno) }
        }
        isReaped = true
        return Finished(
            stdout: String(decoding: output, as: UTF8.self), stderr: String(decoding: errors, as: UTF8.self),
            status: status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F))
    }

    /// Whichever has something: a program that fills one pipe must not wait for a reader of the other.
    private func readAll() throws -> ([UInt8], [UInt8]) {
        var texts: [[UInt8]] = [[], []]
        var polls = [stdout, stderr].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while polls.contains(where: { $0.fd >= 0 }) {
            guard poll(&polls, 2, -1) >= 0 else {
                if errno == EINTR { continue }
                throw Problem("poll", errno)
            }
            for index in 0..<2 where polls[index].fd >= 0 && polls[index].revents != 0 {
                let count = read(polls[index].fd, &chunk, chunk.count)
                if count < 0, errno == EINTR || errno == EAGAIN { continue }
                guard count >= 0 else { throw Problem("read", errno) }
                // poll leaves out what is negative.
                if count == 0 { polls[index].fd = -1 }
                texts[index] += chunk[..<count]
            }
        }
        return (texts[0], texts[1])
    }

    /// Closed on exec from the start, which `pipe` cannot promise: another thread may start a program at any time,
    /// and a write end that it inherits would keep the reader waiting for it.
    private static func makePipe() throws -> (read: Int32, write: Int32) {
        var template = Array("/tmp/saturn-pipe-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Problem("mkdtemp", errno) }
        let folder = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        let path = folder + "/pipe"
        defer {
            unlink(path)
            rmdir(folder)
        }
        guard mkfifo(path, 0o600) == 0 else { throw Problem("mkfifo", errno) }
        let read = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard read >= 0 else { throw Problem("open \(path)", errno) }
        let write = open(path, O_WRONLY | O_CLOEXEC)
        guard write >= 0 else { throw Problem("open \(path)", errno) }
        return (read, write)
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}

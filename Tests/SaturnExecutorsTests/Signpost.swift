import Glibc
import SaturnTesting

/// A named pipe through which a task and its test wait for each other.
///
/// ```swift
/// let ready = try Signpost(bench.space, "ready")
/// bench.launch("a", .shell("echo \(getpid()) > ready; sleep 1000"))
/// let line = try await ready.read()
/// ```
/// Both ends stay open here, so that neither side's opening has to wait for the other's.
final class Signpost: Sendable {
    let path: String
    private let descriptor: Int32

    init(_ space: TestSpace, _ name: String) throws {
        path = space.path(name)
        guard mkfifo(path, 0o600) == 0 else { throw ChildProcess.Problem("mkfifo \(path)", errno) }
        descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw ChildProcess.Problem("open \(path)", errno) }
    }

    deinit { close(descriptor) }

    /// The next line; a task that never writes one fails the test after five minutes.
    func read() async throws -> String { try await Blocking.run { [self] in try readLine() } }

    private func readLine() throws -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, 300_000) == 1 else { throw ChildProcess.Problem("nothing came through \(path)") }
            guard Glibc.read(descriptor, &byte, 1) == 1 else { throw ChildProcess.Problem("read \(path)", errno) }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
    }

    func readNumber() async throws -> pid_t {
        let line = try await read()
        guard let number = pid_t(line) else { throw ChildProcess.Problem("'\(line)' is no number") }
        return number
    }

    func write(_ text: String) throws {
        guard text.withCString({ Glibc.write(descriptor, $0, strlen($0)) }) == text.utf8.count else {
            throw ChildProcess.Problem("write \(path)", errno)
        }
    }
}

import CSystem
import Glibc
import SaturnCore

/// A program of the user's that prints credentials as JSON.
struct CredentialProcess: Sendable {
    let command: String
    let profile: String
    /// In milliseconds.
    var timeout: Int32 = 60_000
    /// In bytes; more are no credentials.
    private static let most = 1 << 20

    private enum Ending {
        case ended([UInt8])
        case late
        case chatty
    }

    func run(_ environment: [String: String]) throws -> S3Credentials {
        let (status, output) = try output(environment)
        guard status == 0 else { throw problem("exits with \(status)") }
        guard let json = JSONText(output) else { throw problem("prints no JSON object") }
        guard json["Version"] == "1", let found = S3Credentials(json) else {
            throw problem("prints no AccessKeyId and SecretAccessKey of Version 1")
        }
        return found
    }

    private func problem(_ what: String) -> Failure {
        Failure(
            .engine, "the credential_process of the profile '\(profile)' \(what)",
            hint: "try it by hand: \(command.split(separator: " ").first ?? "")")
    }

    /// Its stderr is the user's: there it says what is wrong, or asks for a key to be touched.
    private func output(_ environment: [String: String]) throws -> (status: Int32, output: [UInt8]) {
        var ends: [Int32] = [-1, -1]
        guard csystem_pipe(&ends) == 0 else { throw problem("cannot be started: \(String(cString: strerror(errno)))") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        let words = ["/bin/sh", "-c", command]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (arguments + variables).forEach { free($0) } }
        // Signals are blocked in this process's threads; a program that inherited that would stay after Ctrl-C.
        var attributes = posix_spawnattr_t()
        var (none, all) = (sigset_t(), sigset_t())
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        _ = csystem_keep_ended_children()
        var pid: pid_t = 0
        let error = posix_spawn(&pid, "/bin/sh", &actions, &attributes, &arguments, &variables)
        close(ends[1])
        defer { close(ends[0]) }
        guard error == 0 else { throw problem("cannot be started: \(String(cString: strerror(error)))") }
        let watch = csystem_pidfd_open(pid)
        let watchProblem = errno
        defer { if watch >= 0 { close(watch) } }
        let ending = watch >= 0 ? read(ends[0], until: watch) : .late
        if case .ended = ending {} else { kill(pid, SIGKILL) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        guard watch >= 0 else { throw problem("cannot be watched: \(String(cString: strerror(watchProblem)))") }
        switch ending {
        case .late: throw problem("does not end")
        case .chatty: throw problem("prints more than \(Self.most >> 20) MiB")
        case .ended(let output): return (status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, output)
        }
    }

    /// Until the program ends, not its output: what it leaves behind may keep that open, and a program that closes its
    /// output may stay.
    private func read(_ fd: Int32, until watch: Int32) -> Ending {
        var bytes: [UInt8] = []
        let end = Self.uptime() + Int64(timeout)
        var polls = [fd, watch].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            let left = end - Self.uptime()
            guard left > 0 else { return .late }
            guard poll(&polls, 2, Int32(left)) > 0 else { continue }
            // Asked before the rest is read: all that it has printed is there by then.
            let hasEnded = polls[1].revents != 0
            // poll leaves out what is negative.
            if polls[0].fd >= 0, !take(from: fd, into: &bytes) { polls[0].fd = -1 }
            guard bytes.count <= Self.most else { return .chatty }
            if hasEnded { return .ended(bytes) }
        }
    }

    /// What is there now, as far as it is of use; `false` when no more will come.
    private func take(from fd: Int32, into bytes: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count <= Self.most {
            let count = Glibc.read(fd, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 && errno == EAGAIN }
            bytes += buffer[..<count]
        }
        return true
    }

    /// In milliseconds.
    private static func uptime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

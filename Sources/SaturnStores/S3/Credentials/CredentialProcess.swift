import CSystem
import Glibc
import SaturnCore

/// A program of the user's that prints credentials as JSON.
struct CredentialProcess: Sendable {
    let command: String
    let profile: String
    /// In milliseconds.
    var timeout: Int32 = 60_000

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
        var pid: pid_t = 0
        let error = posix_spawn(&pid, "/bin/sh", &actions, nil, &arguments, &variables)
        close(ends[1])
        defer { close(ends[0]) }
        guard error == 0 else { throw problem("cannot be started: \(String(cString: strerror(error)))") }
        let output = read(ends[0])
        if output == nil { kill(pid, SIGKILL) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        guard let output else { throw problem("does not end") }
        return (status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, output)
    }

    /// `nil` when it takes too long.
    private func read(_ fd: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let end = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000 + Int64(timeout)
        while bytes.count < 1 << 20 {
            clock_gettime(CLOCK_MONOTONIC, &time)
            let left = end - Int64(time.tv_sec) * 1000 - Int64(time.tv_nsec) / 1_000_000
            var waited = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
            guard left > 0 else { return nil }
            guard poll(&waited, 1, Int32(left)) > 0 else { continue }
            let count = Glibc.read(fd, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }
}

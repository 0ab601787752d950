import Glibc

/// Runs a program to its end and returns what it printed.
enum Program {
    struct Broken: Error, CustomStringConvertible {
        var description: String
    }

    static func run(_ argv: [String], environment: [String: String], accepts: Set<Int32> = [0]) throws -> String {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Broken(description: "pipe: \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        var process: pid_t = 0
        let program = argv[0]
        let spawned = withCStrings(argv) { argv in
            withCStrings(environment.map { "\($0)=\($1)" }) { variables in
                posix_spawnp(&process, program, &actions, nil, argv, variables)
            }
        }
        close(ends[1])
        defer { close(ends[0]) }
        guard spawned == 0 else { throw Broken(description: "\(argv): error \(spawned)") }
        let output = readAll(ends[0])
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        guard accepts.contains(code) else { throw Broken(description: "\(argv) exited with \(code): \(output)") }
        return output
    }

    private static func readAll(_ descriptor: Int32) -> String {
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            output.append(contentsOf: chunk[..<count])
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}

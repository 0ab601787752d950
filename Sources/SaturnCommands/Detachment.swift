import ArgumentParser
import CSystem
import Glibc
import SaturnCore

/// Starts a supervisor, and waits until its run is under way or has come to nothing.
struct Detachment {
    var json: Bool
    /// Of the supervisor, after the program's name.
    var words = ["run", "--supervised"] + SaturnCommand.arguments.dropFirst()

    /// What the supervisor gets for a SIGINT, until its run is under way.
    var interrupt = SIGINT

    func start() async throws {
        let (pid, output) = try spawn()
        defer { close(output) }
        // Until it is under way, whoever stops this command means the run.
        let signals = StopSignals.stream()
        let forwarding = Task { [interrupt] in
            for await number in signals { kill(pid, number == SIGINT ? interrupt : number) }
        }
        let said = try await read(output)
        forwarding.cancel()
        guard said.hasPrefix(Supervisor.word), said.hasSuffix("\n") else { throw try Self.exit(of: pid) }
        try tell(String(said.dropFirst(Supervisor.word.count).dropLast()), pid)
    }

    private func spawn() throws -> (pid_t, Int32) {
        var ends: [Int32] = [-1, -1]
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard csystem_pipe(&ends) == 0, null >= 0, csystem_keep_ended_children() == 0 else {
            throw Failure(.engine, "cannot detach: \(String(cString: strerror(errno)))")
        }
        defer {
            close(ends[1])
            close(null)
        }
        let argv = ([CommandLine.arguments.first ?? "saturn"] + words).map { strdup($0) } + [nil]
        defer { for pointer in argv { free(pointer) } }
        var pid: pid_t = 0
        let error = "/proc/self/exe".withCString { path in
            // From where the same words mean the same.
            (Paths.origin ?? ".").withCString { folder in
                argv.withUnsafeBufferPointer { argv in
                    var child = csystem_child(
                        path: path, argv: argv.baseAddress, envp: environ, workdir: folder, null: null, out: ends[1],
                        err: STDERR_FILENO, altered_signals: csystem_altered_signals(), ends_with_caller: 0, cgroup: -1)
                    return csystem_spawn(&child, &pid)
                }
            }
        }
        guard error == 0 else {
            close(ends[0])
            throw Failure(.engine, "cannot start a supervisor: \(String(cString: strerror(error)))")
        }
        return (pid, ends[0])
    }

    /// All that it says until it closes the pipe.
    private func read(_ output: Int32) async throws -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(output, &buffer, buffer.count)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            if count > 0 { bytes += buffer[..<count] }
            guard count < 0 else { continue }
            guard errno == EAGAIN || errno == EINTR else {
                throw Failure(.engine, "lost sight of the supervisor: \(String(cString: strerror(errno)))")
            }
            // The thread is needed to pass signals on.
            try await Task.sleep(nanoseconds: 10_000_000)
        }
    }

    /// It came to nothing, and has said why.
    private static func exit(of pid: pid_t) throws -> ExitCode {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { throw Failure(.engine, "lost sight of the supervisor, process \(pid)") }
        }
        return ExitCode(status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F)
    }

    private func tell(_ run: String, _ pid: pid_t) throws {
        if json { return Output.out(try DetachedDocument(run: run, pid: pid).document()) }
        let name = Printable.text(ShellText.option("--name", run))
        Output.out(
            """
            \(Printable.text(run)): goes on in the background (process \(pid))
              saturn collect \(name)     follows it to its end
              saturn terminate \(name)   stops it

            """)
    }
}

/// The document of `run --detach --json`.
private struct DetachedDocument: Encodable {
    var version = 1
    var run: String
    var pid: Int32
}

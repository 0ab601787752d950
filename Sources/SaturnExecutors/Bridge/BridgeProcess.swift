import CSystem
import Glibc
import SaturnCore

/// A bridge's process, with its stdin and stdout; its stderr is a file of the run's folder.
final class BridgeProcess {
    let pid: pid_t
    /// To write requests into, and to read events from; neither blocks.
    private(set) var input: Int32
    let output: Int32

    init(_ bridge: Bridge, script: String) throws {
        var (requests, events): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        let log = open(bridge.run.folder + "/bridge.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard log >= 0, csystem_pipe(&requests) == 0, csystem_pipe(&events) == 0, csystem_keep_ended_children() == 0
        else { throw Failure.system("cannot make the pipes of a bridge") }
        defer { for descriptor in [log, requests[0], events[1]] { close(descriptor) } }
        // The other process's end of a pipe is an ordinary one.
        _ = fcntl(requests[0], F_SETFL, 0)
        _ = fcntl(requests[1], F_SETFL, O_NONBLOCK)
        (input, output) = (requests[1], events[0])
        let path = bridge.environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? "/usr/local/bin:/usr/bin:/bin"
        let name = bridge.interpreter
        let hint = "executor.\(bridge.setting) names another"
        // A launcher would say it in words of its own.
        guard let program = ProgramFinder.find(name, path: String(path), workdir: bridge.base),
            bridge.launcher.isEmpty || access(program, X_OK) == 0
        else {
            throw Failure(.engine, "cannot execute '\(name)': command not found", hint: hint)
        }
        var pid: pid_t = 0
        let words = bridge.launcher + [program, script]
        let error = words[0].withCString { path in
            bridge.base.withCString { folder in
                CStringArray(words).withPointer { argv in
                    CStringArray(bridge.environment).withPointer { envp in
                        var child = csystem_child(
                            path: path, argv: argv, envp: envp, workdir: folder, null: requests[0], out: events[1],
                            err: log, altered_signals: csystem_altered_signals(), ends_with_caller: 0, cgroup: -1)
                        return csystem_spawn(&child, &pid)
                    }
                }
            }
        }
        guard error == 0 else {
            throw Failure(.engine, "cannot execute '\(name)': \(String(cString: strerror(error)))", hint: hint)
        }
        self.pid = pid
    }

    deinit {
        closeInput()
        close(output)
    }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// How it ended, in words; it is killed when it does not within `patience` milliseconds.
    func reap(patience: Int32) -> String {
        let pidfd = csystem_pidfd_open(pid)
        var waited = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        if pidfd < 0 || poll(&waited, 1, patience) <= 0 { kill(pid, SIGKILL) }
        if pidfd >= 0 { close(pidfd) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { return "has gone" }
        }
        return status & 0x7F == 0 ? "ended with exit code \(status >> 8 & 0xFF)" : "ended on signal \(status & 0x7F)"
    }
}

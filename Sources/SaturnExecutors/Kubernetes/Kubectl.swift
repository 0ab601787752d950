import CSystem
import Glibc
import SaturnCore

/// The user's `kubectl`, and which cluster it is to speak with.
struct Kubectl: Sendable {
    /// Options that say which.
    var options: [String]
    /// `NAME=value`.
    var environment: [String]

    static let program = "kubectl"
    /// How Jobs go at once, with their pods: a pod that goes because its Job does is given half a minute, which a kubelet
    /// before 1.22 waits for whatever it is told later; and one that goes before its Job has a successor.
    static let removal = ["delete", "jobs,pods", "--cascade=orphan", "--grace-period=1"]
    /// saturn's own: `KUBECONFIG` may count from there.
    static let folder = "."

    /// The whole command line.
    ///
    /// - Parameter isShort: it is to answer soon.
    func words(_ arguments: [String], isShort: Bool) throws -> [String] {
        let path = environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? "/usr/local/bin:/usr/bin:/bin"
        guard let found = ProgramFinder.find(Self.program, path: String(path), workdir: Self.folder) else {
            throw Failure(
                .engine, "cannot execute 'kubectl': command not found", hint: "saturn reaches Kubernetes by way of it")
        }
        return [found] + options + (isShort ? ["--request-timeout=20s"] : []) + arguments
    }
}

/// One `kubectl` at work: a child of the thread that has made it.
final class KubectlCall {
    struct Outcome {
        /// The exit code, or 128 and the signal.
        var status: Int32
        var output: [UInt8]
        /// What it wrote to stderr.
        var words: String
    }

    /// By when an answer is expected, of what is asked shortly.
    var deadline = Int64.max
    private let pid: pid_t
    private var (input, output, errors): (Int32, Int32, Int32) = (-1, -1, -1)
    private var outbox: ArraySlice<UInt8> = []
    /// What is to be written into it, piece by piece; `nil` at the end.
    private var source: (() throws -> [UInt8]?)?
    /// Takes what it writes; without one that is kept for the end.
    private var reader: ((UnsafeRawBufferPointer) -> Void)?
    private var collected: [UInt8] = []
    private var words: [UInt8] = []
    private var status: Int32?
    private var ended: ((Outcome) -> Void)?
    private static let mostWords = 1 << 16

    /// - Parameters:
    ///   - source: throws what ends the call.
    ///   - ended: is called once, when it is over and all that it has written is taken.
    init(
        _ command: [String], _ kubectl: Kubectl, source: (() throws -> [UInt8]?)? = nil,
        reader: ((UnsafeRawBufferPointer) -> Void)? = nil, ended: @escaping (Outcome) -> Void
    ) throws {
        self.source = source
        self.reader = reader
        self.ended = ended
        var pipes: [[Int32]] = []
        defer { for descriptor in pipes.compactMap(\.last) { close(descriptor) } }
        // The child's end last.
        for isInput in [true, false, false] {
            var ends: [Int32] = [-1, -1]
            guard csystem_pipe(&ends) == 0 else {
                for pipe in pipes { close(pipe[0]) }
                throw Failure.system("cannot make the pipes of kubectl")
            }
            pipes.append(isInput ? [ends[1], ends[0]] : ends)
        }
        _ = fcntl(pipes[0][1], F_SETFL, 0)
        _ = fcntl(pipes[0][0], F_SETFL, O_NONBLOCK)
        var child: pid_t = 0
        let error = command[0].withCString { path in
            Kubectl.folder.withCString { folder in
                CStringArray(command).withPointer { argv in
                    CStringArray(kubectl.environment).withPointer { envp in
                        var start = csystem_child(
                            path: path, argv: argv, envp: envp, workdir: folder, null: pipes[0][1], out: pipes[1][1],
                            err: pipes[2][1], altered_signals: csystem_altered_signals(),
                            ends_with_caller: 1, cgroup: -1)
                        return csystem_spawn(&start, &child)
                    }
                }
            }
        }
        guard error == 0 else {
            for pipe in pipes { close(pipe[0]) }
            throw Failure(.engine, "cannot execute '\(command[0])': \(String(cString: strerror(error)))")
        }
        pid = child
        (input, output, errors) = (pipes[0][0], pipes[1][0], pipes[2][0])
        if source == nil { closeInput() }
    }

    deinit { end() }

    var isOver: Bool { output < 0 && errors < 0 }

    var descriptors: [pollfd] {
        var all: [pollfd] = []
        for descriptor in [output, errors] where descriptor >= 0 {
            all.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
        if input >= 0 { all.append(pollfd(fd: input, events: Int16(POLLOUT), revents: 0)) }
        return all
    }

    func take(_ ready: pollfd) {
        guard ready.revents != 0 else { return }
        switch ready.fd {
        case input: write()
        case output:
            read(&output) { [self] bytes in
                if let reader { reader(bytes) } else { collected += bytes }
            }
        case errors:
            read(&errors) { [self] bytes in
                words += bytes
                if words.count > Self.mostWords { words.removeFirst(words.count - Self.mostWords) }
            }
        default: break
        }
        if isOver { finish() }
    }

    /// At once; nothing is heard of it any more.
    func end() {
        ended = nil
        guard status == nil else { return }
        kill(pid, SIGKILL)
        closeAll()
        reap()
    }

    private func write() {
        do {
            if outbox.isEmpty, let more = try source?() { outbox = more[...] }
        } catch {
            words += Array("\((error as? Failure)?.message ?? "\(error)")\n".utf8)
            kill(pid, SIGKILL)
            return closeInput()
        }
        guard !outbox.isEmpty else { return closeInput() }
        let count = outbox.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
        if count >= 0 {
            outbox = outbox.dropFirst(count)
        } else if errno != EAGAIN, errno != EINTR {
            // It does not read any more, and says why.
            closeInput()
        }
    }

    private func read(_ descriptor: inout Int32, _ body: (UnsafeRawBufferPointer) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            if count > 0 { return body(UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
            close(descriptor)
            descriptor = -1
        }
    }

    private func finish() {
        guard status == nil else { return }
        closeInput()
        reap()
        let body = ended
        ended = nil
        reader = nil
        body?(Outcome(status: status ?? 0, output: collected, words: String(decoding: words, as: UTF8.self)))
    }

    private func reap() {
        var raw: Int32 = 0
        while waitpid(pid, &raw, 0) < 0 {
            guard errno == EINTR else { return status = 127 }
        }
        status = raw & 0x7F == 0 ? raw >> 8 & 0xFF : 128 + raw & 0x7F
    }

    private func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    private func closeAll() {
        closeInput()
        for descriptor in [output, errors] where descriptor >= 0 { close(descriptor) }
        (output, errors) = (-1, -1)
    }
}

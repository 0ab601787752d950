import CSystem
import Glibc
import SaturnCore

/// Turns a launch into a process.
struct ProcessStarter {
    enum Result {
        /// With its masked log, when it was handed secrets.
        case started(pid_t, MaskedLog?)
        /// The machine is out of processes, descriptors or memory; later it may do.
        case exhausted(String)
        /// The exit code is what a shell would give: 127 not found, 126 not executable.
        case failed(String, code: Int32)
    }

    private let environment: EnvironmentTemplate
    private let inheritedPath: String
    private let null: Int32
    private let alteredSignals = csystem_altered_signals()

    init(environment: [String], null: Int32) {
        self.environment = EnvironmentTemplate(environment)
        inheritedPath = self.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        self.null = null
    }

    /// - Parameter bounds: what the memory of the task is bounded by.
    func start(_ launch: Launch, _ bounds: inout MemoryBounds) -> Result {
        let (log, problem) = openLog(in: launch.workspace.folder)
        guard log >= 0 else {
            let text = "cannot open the log \(launch.workspace.log): \(String(cString: strerror(problem)))"
            return problem == EMFILE || problem == ENFILE ? .exhausted(text) : .failed(text, code: 126)
        }
        defer { close(log) }
        let argv = launch.command.leanArguments
        guard let name = argv.first else { return .failed("the command is empty", code: 127) }
        var masked: MaskedLog?
        if !launch.secrets.isEmpty {
            masked = MaskedLog(log: log, secrets: launch.secrets)
            guard masked != nil else { return .exhausted("cannot make a pipe: \(String(cString: strerror(errno)))") }
        }
        defer { masked?.closeInput() }
        let output = masked?.input ?? log
        let group = bounds.prepare(launch)
        var (pid, error, program) = startProgram(name, argv, launch, (output, group))
        if error != 0, group >= 0 {
            bounds.doWithoutGroup(launch.attempt)
            (pid, error, program) = startProgram(name, argv, launch, (output, -1))
        }
        if error != 0 { _ = bounds.ended(launch.attempt) } else { bounds.started(launch.attempt, leader: pid) }
        guard error != 0 else { return .started(pid, masked) }
        if error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE {
            return .exhausted("cannot start a process: \(String(cString: strerror(error)))")
        }
        return failure(error, name, program, launch, log)
    }

    /// The process, or an errno and the program that could not be executed.
    private func startProgram(
        _ name: String, _ argv: [String], _ launch: Launch, _ place: (log: Int32, group: Int32)
    ) -> (pid_t, Int32, String?) {
        guard let program = ProgramFinder.find(name, path: path(of: launch), workdir: launch.workdir) else {
            return (0, ENOENT, nil)
        }
        var (pid, error) = spawn(program, argv, launch, place)
        if error == ENOEXEC {
            // A script without "#!": what execvp and every shell do.
            (pid, error) = spawn("/bin/sh", ["/bin/sh", program] + argv.dropFirst(), launch, place)
        }
        return (pid, error, program)
    }

    /// A descriptor, or -1 and an errno. Links are not followed, also not one in place of the folder, and a pipe without
    /// a reader is not waited for.
    private func openLog(in folder: String) -> (descriptor: Int32, error: Int32) {
        let folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard folder >= 0 else { return (-1, errno) }
        defer { close(folder) }
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW
        let new = openat(folder, "log", flags | O_EXCL, 0o644)
        if new >= 0 { return (new, 0) }
        let log = openat(folder, "log", flags | O_NONBLOCK, 0o644)
        guard log >= 0 else { return (-1, errno) }
        var status = stat()
        guard fstat(log, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(log)
            return (-1, EINVAL)
        }
        _ = fcntl(log, F_SETFL, O_APPEND)
        return (log, 0)
    }

    /// The PATH that the task itself will have.
    private func path(of launch: Launch) -> String {
        launch.environment.last { $0.name == "PATH" }?.value ?? inheritedPath
    }

    private func spawn(
        _ program: String, _ argv: [String], _ launch: Launch, _ place: (log: Int32, group: Int32)
    ) -> (pid_t, Int32) {
        let variables = launch.environment + launch.secrets + [Variable("PWD", launch.workdir)]
        var pid: pid_t = 0
        let error = program.withCString { program in
            launch.workdir.withCString { workdir in
                CStringArray(argv).withPointer { argv in
                    environment.withBlock(adding: variables) { envp in
                        var child = csystem_child(
                            path: program, argv: argv, envp: envp, workdir: workdir,
                            null: null, out: place.log, err: place.log, altered_signals: alteredSignals,
                            ends_with_caller: 0, cgroup: place.group)
                        return csystem_spawn(&child, &pid)
                    }
                }
            }
        }
        return (pid, error)
    }

    /// Says in the log why there is nothing else in it.
    private func failure(
        _ error: Int32, _ name: String, _ program: String?, _ launch: Launch, _ log: Int32
    ) -> Result {
        let folderProblem = Self.problem(entering: launch.workdir)
        let exists = program.map { access(ProgramFinder.absolute($0, in: launch.workdir), F_OK) == 0 } ?? false
        let (what, why, code): (String, String, Int32) =
            switch (folderProblem, error) {
            case (1..., _): ("cannot enter \(launch.workdir)", String(cString: strerror(folderProblem)), 126)
            case (_, ENOENT) where !exists: ("cannot execute '\(name)'", "command not found", 127)
            case (_, ENOENT): ("cannot execute '\(name)'", "the interpreter that it names is not there", 126)
            case (_, E2BIG): ("cannot execute '\(name)'", "its arguments and environment are too large", 126)
            default: ("cannot execute '\(name)'", String(cString: strerror(error)), 126)
            }
        let text = "saturn: \(what): \(why)\n"
        _ = text.withCString { write(log, $0, strlen($0)) }
        return .failed("\(what): \(why)", code: code)
    }

    /// An errno, or 0.
    private static func problem(entering folder: String) -> Int32 {
        var status = stat()
        guard stat(folder, &status) == 0 else { return errno }
        guard status.st_mode & S_IFMT == S_IFDIR else { return ENOTDIR }
        return access(folder, X_OK) == 0 ? 0 : errno
    }
}

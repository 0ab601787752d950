import CSystem
import Glibc
import SaturnCore

/// Turns a launch into a process.
struct ProcessStarter {
    enum Result {
        case started(pid_t)
        /// The machine is out of processes or memory; later it may do.
        case exhausted(String)
        /// The exit code is what a shell would give: 127 not found, 126 not executable.
        case failed(String, code: Int32)
    }

    private let environment: EnvironmentTemplate
    private var programs: ProgramFinder
    private let null: Int32

    init(environment: [String], null: Int32) {
        self.environment = EnvironmentTemplate(environment)
        programs = ProgramFinder(path: self.environment["PATH"])
        self.null = null
    }

    mutating func start(_ launch: Launch) -> Result {
        let log = open(launch.workspace.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard log >= 0 else {
            let problem = "cannot open the log: \(String(cString: strerror(errno)))"
            return errno == EMFILE || errno == ENFILE ? .exhausted(problem) : .failed(problem, code: 126)
        }
        defer { close(log) }
        let path = launch.environment.last { $0.name == "PATH" }?.value
        let argv = arguments(of: launch.command)
        let program = programs.find(argv[0], path: path)
        var (pid, error) = spawn(program, argv, launch, log)
        if error == ENOEXEC {
            // A script without "#!": what execvp and every shell do.
            (pid, error) = spawn("/bin/sh", ["/bin/sh", program] + argv.dropFirst(), launch, log)
        }
        guard error != 0 else { return .started(pid) }
        if error == EAGAIN || error == ENOMEM { return .exhausted(String(cString: strerror(error))) }
        return failure(error, argv[0], program, launch, log)
    }

    private func arguments(of command: Command) -> [String] {
        if case .shell(let text, Command.defaultShell) = command, let words = ShellText.simpleWords(of: text) {
            return words
        }
        return command.argv
    }

    private func spawn(_ program: String, _ argv: [String], _ launch: Launch, _ log: Int32) -> (pid_t, Int32) {
        let arguments = CStringArray(argv)
        let block = environment.block(
            adding: launch.environment + [Variable("PWD", launch.workdir)])
        var pid: pid_t = 0
        let error = program.withCString { program in
            launch.workdir.withCString { workdir in
                arguments.pointers.withUnsafeBufferPointer { argv in
                    block.pointers.withUnsafeBufferPointer { envp in
                        var child = csystem_child(
                            path: program, argv: argv.baseAddress, envp: envp.baseAddress, workdir: workdir,
                            log: log, null: null)
                        return csystem_spawn(&child, &pid)
                    }
                }
            }
        }
        return (pid, error)
    }

    /// Says in the log why there is nothing else in it.
    private func failure(
        _ error: Int32, _ name: String, _ program: String, _ launch: Launch, _ log: Int32
    ) -> Result {
        let isFolderGone = access(launch.workdir, X_OK) != 0
        let what = isFolderGone ? "cannot enter \(launch.workdir)" : "cannot execute '\(name)'"
        let isMissing = !isFolderGone && error == ENOENT && access(program, F_OK) != 0
        let why = isMissing ? "command not found" : String(cString: strerror(isFolderGone ? errno : error))
        let text = "saturn: \(what): \(why)\n"
        _ = text.withCString { write(log, $0, strlen($0)) }
        return .failed("\(what): \(why)", code: isMissing ? 127 : 126)
    }
}

/// Finds programs along PATH, as execvp does, and remembers where they were.
struct ProgramFinder {
    private let defaultPath: String
    private var found: [String: [String: String]] = [:]

    init(path: String?) {
        defaultPath = path ?? "/usr/local/bin:/usr/bin:/bin"
    }

    /// The path to execute; the name itself when nothing was found, for exec to say why.
    mutating func find(_ name: String, path: String?) -> String {
        guard !name.utf8.contains(UInt8(ascii: "/")) else { return name }
        let path = path ?? defaultPath
        if let known = found[path]?[name], access(known, X_OK) == 0 { return known }
        for folder in path.split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = (folder.isEmpty ? "." : String(folder)) + "/" + name
            var status = stat()
            if access(candidate, X_OK) == 0, stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
                if candidate.hasPrefix("/") { found[path, default: [:]][name] = candidate }
                return candidate
            }
        }
        return "/nonexistent/" + name
    }
}

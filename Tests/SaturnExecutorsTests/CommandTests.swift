import Glibc
import SaturnCore
import SaturnTesting
import Testing

/// How the local executor turns a command into a process.
@Suite("Multiprocessing: commands", .timeLimit(.minutes(25)))
struct CommandTests {
    let bench: Bench

    init() async throws {
        bench = try await Bench(.multiprocessing)
    }

    // MARK: With a shell, and without

    /// Both dash and bash change the environment on its way: what comes through exactly saw no shell.
    @Test func simpleWordsNeedNoShell() async throws {
        let bench = try await Bench(
            .multiprocessing, Candidate.Wish(environment: ["PATH=/usr/bin:/bin", "A.B=1", "SHLVL=x"]))
        let odd = [Variable("C-D", "2")]
        #expect(
            try await bench.run("a", .shell("env -u SATURN_RESULTS_DIR -u SATURN_ATTEMPT_ID"), env: odd) == .code(0))
        let expected = ["A.B=1", "C-D=2", "PATH=/usr/bin:/bin", "PWD=\(bench.space.folder)", "SHLVL=x"]
        #expect(try bench.log("a").split(separator: "\n").sorted().map(String.init) == expected)
        #expect(
            try await bench.run("b", .shell("env -u SATURN_RESULTS_DIR -u SATURN_ATTEMPT_ID;"), env: odd) == .code(0))
        #expect(try bench.log("b") != bench.log("a"), "a shell leaves no trace here: this test proves nothing")
    }

    @Test func builtinsAreTheShells() async throws {
        for name in ["echo", "printf", "test", "pwd", "kill"] {
            try bench.space.write("bin/\(name)", "#!/bin/sh\nprintf '%s' 'from PATH'\n", executable: true)
        }
        let env = [Variable("PATH", bench.space.path("bin") + ":/usr/bin:/bin")]
        #expect(try await bench.run("a", .shell("echo shell"), env: env) == .code(0))
        #expect(try bench.log("a") == "shell\n")
        #expect(try await bench.run("b", .shell("printf shell"), env: env) == .code(0))
        #expect(try bench.log("b") == "shell")
        #expect(try await bench.run("c", .shell("exit 4"), env: env) == .code(4))
        #expect(try await bench.run("d", .shell("cd /"), env: env) == .code(0))
        #expect(try await bench.run("e", .direct(["echo", "list"]), env: env) == .code(0))
        #expect(try bench.log("e") == "from PATH", "a list is executed directly")
    }

    @Test(arguments: [
        ("A=1 env", "A=1\n"), ("echo $0", "/bin/sh\n"), ("echo 'a  b'", "a  b\n"), ("cat nothing || echo or", "or\n"),
        ("printf %s, *.x", "1.x,2.x,"), ("if true; then echo yes; fi", "yes\n"), ("# nothing", ""), ("", ""),
    ])
    func theRestIsReadByTheShell(_ text: String, _ part: String) async throws {
        for name in ["1.x", "2.x"] { try bench.space.write(name, "") }
        #expect(try await bench.run("a", .shell(text)) == .code(0))
        #expect(try bench.log("a").contains(part))
    }

    @Test func theTasksOwnPathDecides() async throws {
        for name in ["one", "two"] {
            try bench.space.write("\(name)/tool", "#!/bin/sh\necho \(name)\n", executable: true)
        }
        let bench = try await Bench(
            .multiprocessing, Candidate.Wish(environment: ["PATH=\(bench.space.path("one")):/usr/bin:/bin"]))
        #expect(try await bench.run("a", .shell("tool")) == .code(0))
        #expect(try bench.log("a") == "one\n")
        let env = [Variable("PATH", self.bench.space.path("two") + ":/usr/bin:/bin")]
        for (task, command) in [("b", Command.shell("tool")), ("c", .shell("tool;")), ("d", .direct(["tool"]))] {
            #expect(try await bench.run(task, command, env: env) == .code(0))
            #expect(try bench.log(task) == "two\n")
        }
    }

    @Test func aPathIsSeenFromTheTasksFolder() async throws {
        try bench.space.write("place/bin/tool", "#!/bin/sh\necho bin\n", executable: true)
        try bench.space.write("place/here", "#!/bin/sh\necho here\n", executable: true)
        let place = bench.space.path("place")
        #expect(
            try await bench.run("a", .direct(["tool"]), env: [Variable("PATH", "bin:/bin")], workdir: place) == .code(0)
        )
        #expect(try bench.log("a") == "bin\n")
        #expect(
            try await bench.run("b", .direct(["here"]), env: [Variable("PATH", "/bin:")], workdir: place) == .code(0))
        #expect(try bench.log("b") == "here\n")
        #expect(try await bench.run("c", .shell("bin/tool"), workdir: place) == .code(0))
        #expect(try bench.log("c") == "bin\n")
    }

    @Test func whatOneTaskInstallsTheNextFinds() async throws {
        try bench.space.write("late/tool", "#!/bin/sh\necho late\n", executable: true)
        bench.space.makeFolder("early")
        let env = [Variable("PATH", "\(bench.space.path("early")):\(bench.space.path("late")):/usr/bin:/bin")]
        #expect(try await bench.run("a", .shell("tool"), env: env) == .code(0))
        #expect(try bench.log("a") == "late\n")
        #expect(
            try await bench.run("b", .shell("sed s/late/early/ late/tool > early/tool; chmod +x early/tool"))
                == .code(0))
        #expect(try await bench.run("c", .shell("tool"), env: env) == .code(0))
        #expect(try bench.log("c") == "early\n")
    }

    @Test func aScriptWithoutItsFirstLineStillRuns() async throws {
        try bench.space.write("plain", "echo \"$0 $1 $#\"\nexit 3\n", executable: true)
        #expect(try await bench.run("a", .direct(["./plain", "an argument"])) == .code(3))
        #expect(try bench.log("a") == "./plain an argument 1\n")
        try bench.space.write("empty", "", executable: true)
        #expect(try await bench.run("b", .shell("./empty")) == .code(0))
    }

    // MARK: What cannot start

    /// Every one of them fails as a shell would, its log says why, and the next task runs.
    private func expectNotStarted(
        _ command: Command, env: [Variable] = [], workdir: String? = nil, _ code: Int32, _ words: String...
    ) async throws {
        let exit = try await bench.run("a", command, env: env, workdir: workdir)
        guard case .notStarted(let problem, code) = exit else {
            Issue.record("\(command) ended with \(exit)")
            return
        }
        for word in words { #expect(problem.contains(word)) }
        #expect(try bench.log("a") == "saturn: \(problem)\n")
        #expect(bench.started == [])
        #expect(try await bench.run("b", .shell("echo next")) == .code(0))
    }

    @Test(arguments: ["no-such-program", "./no-such-program", "/no/such/program", "a/b"])
    func notFound(_ name: String) async throws {
        try await expectNotStarted(.shell(name), 127, "'\(name)'", "not found")
    }

    @Test func notFoundBySaturnsOwnFolder() async throws {
        bench.space.makeFolder("place")
        // This one is in the folder of the test's process, and not in the task's.
        try await expectNotStarted(.direct(["./Package.swift"]), workdir: bench.space.path("place"), 127, "not found")
    }

    @Test func emptyCommands() async throws {
        #expect(try await bench.run("a", .direct([])) == .notStarted("the command is empty", code: 127))
        try await expectNotStarted(.direct([""]), 127, "not found")
    }

    @Test(arguments: ["./data", "data", "./folder"])
    func notExecutable(_ name: String) async throws {
        try bench.space.write("data", "echo no\n")
        bench.space.makeFolder("folder")
        let env = [Variable("PATH", bench.space.folder + ":/usr/bin:/bin")]
        try await expectNotStarted(.shell(name), env: env, 126, "'\(name)'", "Permission denied")
    }

    @Test func whatCannotBeExecutedDoesNotHideWhatCan() async throws {
        try bench.space.write("one/tool", "echo no\n")
        try bench.space.write("two/tool", "#!/bin/sh\necho yes\n", executable: true)
        let env = [Variable("PATH", "\(bench.space.path("one")):\(bench.space.path("two")):/usr/bin:/bin")]
        #expect(try await bench.run("a", .shell("tool"), env: env) == .code(0))
        #expect(try bench.log("a") == "yes\n")
    }

    @Test func missingInterpreter() async throws {
        try bench.space.write("script", "#!/no/such/interpreter\n", executable: true)
        try await expectNotStarted(.shell("./script"), 126, "'./script'", "interpreter")
    }

    @Test(arguments: ["/no/such/shell", "no-such-shell"])
    func missingShell(_ shell: String) async throws {
        try await expectNotStarted(.shell("echo hi", shell: [shell, "-c"]), 127, "'\(shell)'", "not found")
    }

    @Test func shellThatIsNotExecutable() async throws {
        try bench.space.write("shell", "")
        try await expectNotStarted(.shell("echo hi", shell: ["./shell", "-c"]), 126, "'./shell'", "Permission denied")
    }

    @Test func missingFolder() async throws {
        let gone = bench.space.path("gone")
        try await expectNotStarted(.shell("true"), workdir: gone, 126, "cannot enter \(gone)", "No such file")
    }

    @Test func folderThatIsAFile() async throws {
        try bench.space.write("file", "", executable: true)
        let file = bench.space.path("file")
        try await expectNotStarted(.shell("true"), workdir: file, 126, "cannot enter \(file)", "Not a directory")
    }

    @Test func environmentTooLarge() async throws {
        let env = [Variable("BIG", String(repeating: "x", count: 3 << 20))]
        try await expectNotStarted(.shell("true"), env: env, 126, "'true'", "too large")
    }

    @Test func argumentsTooLarge() async throws {
        let words = Array(repeating: String(repeating: "x", count: 100_000), count: 100)
        try await expectNotStarted(.direct(["true"] + words), 126, "'true'", "too large")
    }

    // MARK: Its log

    /// What has no log does not run.
    private func expectNoLog(_ launch: Launch) async throws {
        bench.executor.launch([launch])
        guard case .notStarted(let problem, 126) = try await bench.exit(of: launch.attempt) else {
            Issue.record("it ran")
            return
        }
        #expect(problem.contains(launch.workspace.log))
    }

    @Test func aLogThatIsALinkIsNotFollowed() async throws {
        try bench.space.write("outside", "mine")
        let launch = bench.prepare("a", .shell("echo hi"))
        try bench.space.link(launch.workspace.log, to: bench.space.path("outside"))
        try await expectNoLog(launch)
        #expect(try bench.space.read("outside") == "mine")
    }

    @Test func aFolderThatIsALinkIsNotFollowed() async throws {
        try bench.space.write("outside/log", "mine")
        let launch = bench.prepare("a", .shell("echo hi"))
        bench.space.remove(launch.workspace.folder)
        try bench.space.link(launch.workspace.folder, to: bench.space.path("outside"))
        try await expectNoLog(launch)
        #expect(try bench.space.read("outside/log") == "mine")
    }

    @Test func aLogThatIsAPipeIsNotWaitedFor() async throws {
        let launch = bench.prepare("a", .shell("echo hi"))
        #expect(mkfifo(launch.workspace.log, 0o600) == 0)
        bench.executor.launch([launch])
        guard case .notStarted(_, 126) = try await bench.exit(of: launch.attempt) else {
            Issue.record("it ran")
            return
        }
        // With a reader it would open, and still is no file.
        let read = bench.prepare("b", .shell("echo hi"))
        let pipe = try Signpost(bench.space, read.workspace.log)
        bench.executor.launch([read])
        guard case .notStarted(_, 126) = try await bench.exit(of: read.attempt) else {
            Issue.record("it ran into \(pipe.path)")
            return
        }
    }

    @Test func aWorkspaceThatIsGone() async throws {
        let launch = bench.prepare("a", .shell(": > ran"))
        bench.space.remove(launch.workspace.folder)
        bench.executor.launch([launch])
        guard case .notStarted(let problem, 126) = try await bench.exit(of: launch.attempt) else {
            Issue.record("it ran")
            return
        }
        #expect(problem.contains("No such file"))
        #expect(!bench.space.exists("ran"))
    }
}

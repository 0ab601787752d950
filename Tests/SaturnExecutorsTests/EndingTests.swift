import Glibc
import SaturnCore
import SaturnTesting
import Testing

/// What is left of a local task when it is said to have ended: nothing.
@Suite("Multiprocessing: endings", .timeLimit(.minutes(25)))
struct EndingTests {
    let bench: Bench

    init() async throws {
        bench = try await Bench(.multiprocessing)
    }

    /// Runs a task that leaves a process behind, whose number it writes into `pid`.
    private func expectNothingLeft(of text: String, _ expected: Exit = .code(0)) async throws {
        _ = try Signpost(bench.space, "up")
        #expect(try await bench.run("a", .shell(text)) == expected)
        let pid = try #require(pid_t(bench.space.read("pid").dropLast()))
        #expect(!bench.space.exists("/proc/\(pid)"), "process \(pid) is still there")
    }

    // MARK: Processes in the background

    @Test func inTheBackground() async throws {
        try await expectNothingLeft(of: "sleep 1000 & echo $! > pid; exit 3", .code(3))
    }

    @Test func inTheBackgroundAndDeafToTerm() async throws {
        try await expectNothingLeft(
            of: "(trap '' TERM HUP INT; echo > up; while :; do sleep 1000; done) & echo $! > pid; read x < up")
    }

    @Test func forkedTwice() async throws {
        try await expectNothingLeft(of: "(sleep 1000 & echo $! > pid)")
    }

    @Test func stoppedInTheBackground() async throws {
        try await expectNothingLeft(of: "sleep 1000 & echo $! > pid; kill -STOP $!")
    }

    @Test func inAnotherGroupOfTheSession() async throws {
        try await expectNothingLeft(of: "bash -mc 'sleep 1000 & echo $! > pid'")
    }

    @Test func inAnotherSession() async throws {
        try await expectNothingLeft(of: "setsid sh -c 'echo $$ > up; exec sleep 1000' & read pid < up; echo $pid > pid")
    }

    @Test func inAnotherSessionOfAnotherSession() async throws {
        let daemon = "setsid sh -c \"echo \\$\\$ > up; exec sleep 1000\" & wait"
        try await expectNothingLeft(of: "setsid sh -c '\(daemon)' & read pid < up; echo $pid > pid")
    }

    @Test func whenItIsKilled() async throws {
        try await expectNothingLeft(
            of: "setsid sh -c 'echo $$ > up; exec sleep 1000' & read pid < up; echo $pid > pid; kill -9 $$",
            .signal(SIGKILL))
    }

    /// The orphans of one task are not those of another.
    @Test func theOthersKeepTheirs() async throws {
        let (up, gate) = (try Signpost(bench.space, "up"), try Signpost(bench.space, "gate"))
        let daemon = "(setsid sh -c 'echo $$ > up; exec sleep 1000' &)"
        let first = bench.launch("a", .shell("\(daemon); read x < gate"))
        let pid = try await up.readNumber()
        for name in ["b", "c", "d"] {
            #expect(try await bench.run(name, .shell("\(daemon); read pid < up; echo $pid")) == .code(0))
            let other = try #require(pid_t(bench.log(name).dropLast()))
            #expect(!bench.space.exists("/proc/\(other)"))
        }
        #expect(bench.space.exists("/proc/\(pid)"), "the daemon of a running task was ended")
        try gate.write("go\n")
        #expect(try await bench.exit(of: first) == .code(0))
        #expect(!bench.space.exists("/proc/\(pid)"))
    }

    /// A saturn that a task runs gives its own tasks other ids, and sessions of their own.
    @Test func ofASaturnInTheTask() async throws {
        let inner = "SATURN_PARENTS=\"outermost $SATURN_ATTEMPT_ID between\" SATURN_ATTEMPT_ID=other"
        try await expectNothingLeft(
            of: "\(inner) setsid sh -c 'echo $$ > up; exec sleep 1000' & read pid < up; echo $pid > pid")
    }

    // MARK: Its output

    @Test func closedOutput() async throws {
        #expect(try await bench.run("a", .shell("echo before; exec >&- 2>&-; exit 3")) == .code(3))
        #expect(try bench.log("a") == "before\n")
    }

    @Test func outputHeldByWhatIsInTheBackground() async throws {
        #expect(try await bench.run("a", .shell("(while :; do sleep 1000; done) & echo done")) == .code(0))
        #expect(try bench.log("a") == "done\n")
    }

    // MARK: Children of this process

    /// An executor waits for its own children and their orphans, and takes nobody else's exit code away.
    @Test func othersChildrenAreLeftAlone() async throws {
        let benches = try await Bench.several(3)
        var attempts: [(Int, AttemptID)] = []
        for number in 0..<40 {
            for bench in benches {
                let text = "setsid true & exit \(number)"
                attempts.append((attempts.count, bench.launch("t\(number)", .shell(text))))
            }
        }
        for code in 0..<40 {
            #expect(try bench.space.run(["/bin/sh", "-c", "exit \(code)"]).status == Int32(code))
        }
        for (index, attempt) in attempts {
            #expect(try await benches[index % 3].exit(of: attempt) == .code(Int32(index / 3)))
        }
    }

    /// In a process of its own, which has no other children.
    @Test func noZombiesAreLeft() async {
        await #expect(processExitsWith: .success) {
            let bench = try await Bench(.multiprocessing)
            let texts = [
                "true", "exit 3", "kill -9 $$", "no-such-program", "sleep 1000 & true", "(setsid true &)",
                "(setsid sleep 1000 &)", "(true &) ; (true &)", "bash -mc 'true & sleep 1000 &'",
            ]
            for (index, text) in (texts + texts + texts).enumerated() {
                _ = try await bench.run("t\(index)", .shell(text))
            }
            bench.launch("last", .shell("(setsid sleep 1000 &); sleep 1000 & sleep 1000"))
            await bench.executor.stop()
            try expectNoChildren(bench.space)
        }
    }

    /// A task may end while another of its processes is between two programs, and has no environment: here it has none
    /// until the task's leader is gone.
    @Test func whoeverEscapesInTheLastMoment() async throws {
        // A shell makes a PWD of its own, and env would have that as its environment.
        let wait =
            "unset PWD OLDPWD; echo $$ > up; while kill -0 $1 2>&-; do :; done; exec env SATURN_ATTEMPT_ID=$2 sleep 1000"
        let start = "setsid env -i /bin/sh -c '\(wait)' sh $$ $SATURN_ATTEMPT_ID"
        try await expectNothingLeft(of: "\(start) & read pid < up; echo $pid > pid")
    }

    @Test func manyThatEscape() async {
        await #expect(processExitsWith: .success) {
            let bench = try await Bench(.multiprocessing, Candidate.Wish(slots: 4))
            let text = "setsid sleep 1000 & setsid env sleep 1000 & :"
            let attempts = (0..<200).map { bench.launch("t\($0)", .shell(text)) }
            for attempt in attempts { #expect(try await bench.exit(of: attempt) == .code(0)) }
            await bench.executor.stop()
            try expectNoChildren(bench.space)
        }
    }

    /// Whose it is cannot be told: it is left alone, and keeps no task from ending.
    @Test func aDaemonWithoutAnEnvironment() async throws {
        let up = try Signpost(bench.space, "up")
        let daemon = "(setsid env -i /bin/sh -c 'echo $$ > up; exec env -i sleep 1000' &)"
        #expect(try await bench.run("a", .shell("\(daemon); read pid < up; echo $pid")) == .code(0))
        _ = up
        let pid = try #require(pid_t(bench.log("a").dropLast()))
        defer { kill(pid, SIGKILL) }
        for number in 0..<5 { #expect(try await bench.run("b\(number)", .shell("true")) == .code(0)) }
        #expect(kill(pid, 0) == 0)
    }

    /// The last executor to stop ends also those whose task cannot be told, and what they have started.
    @Test func daemonsWithoutAnEnvironmentAtTheEnd() async {
        await #expect(processExitsWith: .success) {
            let benches = try await Bench.several(2)
            let space = benches[0].space
            let up = try Signpost(space, "up")
            try space.write("daemon", "sleep 1000 & echo $$ > up; wait")
            let daemon = "(setsid env -i /bin/sh daemon &)"
            #expect(try await benches[0].run("a", .shell("\(daemon); read pid < up; echo $pid")) == .code(0))
            _ = up
            let pid = try #require(pid_t(benches[0].log("a").dropLast()))
            await benches[0].executor.stop()
            #expect(kill(pid, 0) == 0, "the other executor may know whose it is")
            await benches[1].executor.stop()
            try expectNoChildren(space)
        }
    }

    /// As some launchers leave it; children then vanish without a trace, unless somebody sees to it.
    @Test func ignoredEndsOfChildren() async {
        await #expect(processExitsWith: .success) {
            signal(SIGCHLD, SIG_IGN)
            let bench = try await Bench(.multiprocessing)
            #expect(try await bench.run("a", .shell("exit 3")) == .code(3))
        }
    }

    // MARK: Stopping

    @Test func stoppingTwiceAndUnstarted() async throws {
        let launch = bench.prepare("a", .shell(": > ran"))
        await bench.executor.stop()
        await bench.executor.stop()
        bench.executor.launch([launch])
        bench.executor.cancel(launch.attempt, force: true)
        await bench.executor.stop()
        #expect(!bench.space.exists("ran"))
        let unstarted = try Candidate.multiprocessing.make(Candidate.Wish(), TestSpace())
        await unstarted.stop()
    }

    @Test func stoppingFromSeveralSides() async throws {
        let ready = try Signpost(bench.space, "ready")
        let attempt = bench.launch("a", .shell("trap '' TERM; echo > ready; while :; do sleep 1000; done"))
        _ = try await ready.read()
        let executor = bench.executor
        await withTaskGroup { group in
            for _ in 0..<20 { group.addTask { await executor.stop() } }
        }
        #expect(try await bench.exit(of: attempt) == .signal(SIGKILL))
    }
}

/// This process has no children, neither running nor ended.
private func expectNoChildren(_ space: TestSpace) throws {
    let found = waitpid(-1, nil, WNOHANG)
    let problem = errno
    let children = try space.run(["ps", "-o", "pid,stat,pgid,sid,args", "--ppid", "\(getpid())"]).stdout
    #expect(found == -1 && problem == ECHILD, "there are children left: \(found)\n\(children)")
}

import Glibc
import Testing

/// Row 17 of faults.md: what a task starts, and tries to keep from its saturn.
@Suite(.ownThread) struct EscapeTests {
    /// In a session of its own, deaf to all that can be ignored; also without the environment that tells whose it is.
    @Test(arguments: ["setsid", "setsid setsid", "env -i PATH=$PATH setsid"])
    func goesWithItsTask(_ how: String) throws {
        let session = try Session()
        let (here, never) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("never")))
        try session.write("daemon.sh", "trap '' HUP INT TERM\necho $$ > \(here.path)\nread line < \(never.path)\n")
        try session.write(
            "run.yaml",
            """
            name: escape
            defaults: {code: none}
            tasks:
              - name: a
                command: \(how) sh daemon.sh & until test -e up; do :; done; echo done > $RESULTS_DIR/x

            """)
        let run = try session.background("run")
        let pid = try #require(pid_t(here.line()))
        #expect(kill(pid, 0) == 0, "it is gone before its task: there is nothing to show here")
        try session.write("up", "")
        let ended = try run.ended()
        #expect(ended.status == 0, "\(ended.err)")
        #expect(try session.isGone(pid), "process \(pid) outlived its run")
        #expect(try session.read("results/escape/a/status") == "success")
        withExtendedLifetime(never) {}
    }

    /// `terminate` waits for the time of grace, then kills, and says that all are gone only when they are.
    @Test func isFoundByTerminate() throws {
        let session = try Session()
        let (pids, run, never) = try startDeafTask(session)
        defer { withExtendedLifetime(never) {} }
        let terminate = try session.saturn("terminate", "--name", "escape")
        #expect(terminate.status == 0, "\(terminate.err)")
        for pid in pids { #expect(try session.isGone(pid), "process \(pid) is still there") }
        #expect(try run.ended().status == 143)
        #expect(try session.attemptsThatRun() == [])
    }

    /// The same without their saturn, which was killed.
    @Test(arguments: ["run", "terminate"]) func isFoundAfterAKill(_ command: String) throws {
        let session = try Session()
        let (pids, run, never) = try startDeafTask(session)
        defer { withExtendedLifetime(never) {} }
        run.signal(SIGKILL)
        #expect(try run.ended().status == 137)
        #expect(pids.allSatisfy { kill($0, 0) == 0 }, "the tasks went with their saturn: there is nothing to show here")
        if command == "run" { try session.write("run.yaml", "name: escape\ntasks: [{name: a, command: echo quick}]\n") }
        let next = try session.saturn(command)
        #expect(next.status == 0, "\(next.err)")
        for pid in pids { #expect(try session.isGone(pid), "process \(pid) is still there") }
        #expect(try session.attemptsThatRun() == [])
    }

    /// A task and a child of it that left its group and its session; neither hears SIGTERM.
    private func startDeafTask(_ session: Session) throws -> (pids: [pid_t], run: RunningProgram, never: Meeting) {
        let (here, never) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("never")))
        try session.write("deaf.sh", "trap '' HUP INT TERM\necho $$ > \(here.path)\nread line < \(never.path)\n")
        try session.write(
            "run.yaml",
            """
            name: escape
            tasks: [{name: a, code: none, command: "trap '' HUP INT TERM; setsid sh deaf.sh & sh deaf.sh; wait"}]

            """)
        let run = try session.background("run")
        let pids = try (0..<2).compactMap { _ in try pid_t(here.line()) }
        guard pids.count == 2 else { throw SessionProblem("a process did not say its number") }
        return (pids, run, never)
    }
}

/// Row 18 of faults.md: the number in a lock may have become another process's.
@Suite(.ownThread) struct LockTextTests {
    private func makeSession(isKilled: Bool) throws -> Session {
        let session = try Session()
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        try session.write(
            "run.yaml",
            "name: lock\ntasks: [{name: a, code: none, command: echo $$ > \(here.path); read line < \(go.path)}]\n")
        let run = try session.background("run")
        let task = try #require(pid_t(here.line()))
        if isKilled { run.signal(SIGKILL) } else { go.send() }
        #expect(try run.ended().status == (isKilled ? 137 : 0))
        if isKilled { kill(task, SIGKILL) }
        try session.write("run.yaml", "name: lock\ntasks: [{name: a, code: none, command: echo hi}]\n")
        return session
    }

    /// Of a run that is over, or that was killed: nobody has its lock, whatever is written in it.
    @Test(arguments: [false, true]) func namesSomebodyElse(_ isKilled: Bool) throws {
        let session = try makeSession(isKilled: isKilled)
        let bystander = try session.background(shell: "exec sleep 1000")
        defer { bystander.kill() }
        let written = try session.read(".saturn/locks/lock")
        let words = written.split(separator: " ", maxSplits: 2)
        try #require(words.count == 3 && words[0] == "process", "\(written)")
        let text = written.replacing(words[1], with: "\(bystander.pid)")
        try session.write(".saturn/locks/lock", text)
        try session.write("results/lock/.saturn/lock", text)
        #expect(try session.saturn("terminate").out == "lock: nothing is running\n")
        #expect(try session.saturn("run").status == 0)
        #expect(kill(bystander.pid, 0) == 0, "it was killed")
    }

    /// Somebody has the lock, and the process that it names is a younger one.
    @Test func namesAYoungerProcess() throws {
        let session = try makeSession(isKilled: true)
        let (here, go) = (try Meeting(session.space.path("taken")), try Meeting(session.space.path("give back")))
        let bystander = try session.background(shell: "exec sleep 1000")
        defer { bystander.kill() }
        let host = try session.shell("hostname").out.dropLast()
        try session.write(
            ".saturn/locks/lock", "process \(bystander.pid) on \(host) (saturn run ~/run.yaml)\n\(bystander.pid) 1\n")
        let locker = try session.background(
            shell: "exec 9<>.saturn/locks/lock; flock 9; echo taken > \(here.path); read line < '\(go.path)'")
        _ = try here.line()
        let terminate = try session.saturn("terminate", "--name", "lock")
        #expect(terminate.status == 4, "\(terminate.out)\(terminate.err)")
        #expect(kill(bystander.pid, 0) == 0, "it was killed")
        go.send()
        try locker.ended()
        #expect(try session.saturn("terminate").out == "lock: nothing is running\n")
    }
}

extension Session {
    /// Ended, whether its parent has waited for it or not.
    func isGone(_ pid: pid_t) throws -> Bool {
        let left = try shell("cat /proc/\(pid)/stat 2>/dev/null").out
        return left.isEmpty || left.contains(") Z ")
    }
}

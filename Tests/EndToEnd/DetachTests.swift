import Glibc
import Testing

/// `run --detach`: a run that goes on without a terminal, and how one comes back to it.
@Suite(.ownThread) struct DetachTests {
    @Test func goesOnInTheBackground() throws {
        let stage = try Stage.four()
        let session = stage.session
        let run = try session.detach()
        let pids = try stage.arrived(2)
        #expect(run.name == "stage")
        #expect(getsid(run.pid) == run.pid, "it has a session of its own")
        #expect(getsid(run.pid) != getsid(0))
        let status = try session.saturn("status")
        #expect(
            status.out.hasPrefix("stage: running (process PID on HOST (saturn run ~/run.yaml)), started TIME\n"),
            "\(status.out)")
        #expect(String(decoding: status.rawOut, as: UTF8.self).contains("process \(run.pid) on "))

        let first = try session.background("collect")
        try first.waitForErrors("leaves it running\n")
        first.signal(SIGINT)
        #expect(try first.ended().status == 130)
        #expect(pids.allSatisfy(isRunning), "Ctrl-C on collect leaves the run alone")

        let second = try session.background("collect", "--name", "stage")
        try second.waitForErrors("leaves it running\n")
        stage.release(2)
        let ended = try second.ended()
        #expect(ended.status == 0)
        #expect(ended.out == "stage: 4 succeeded\nresults: ~/results/stage\n")
        let head = "stage is running: process PID on HOST (saturn run ~/run.yaml); Ctrl-C leaves it running\n"
        #expect(ended.err.hasPrefix(head), "\(ended.err)")
        let followed = ended.err.dropFirst(head.count).split(separator: "\n")
        #expect(followed.allSatisfy { $0.wholeMatch(of: /\[\d\/4\] [abcd] succeeded/) != nil }, "\(ended.err)")
        #expect(followed.contains("[4/4] d succeeded"), "\(ended.err)")
        #expect(try stage.ran() == ["a", "b", "c", "d"])
    }

    @Test func whatItSays() throws {
        let stage = try Stage(["a": "true"])
        let run = try stage.session.saturn("run", "--detach", "--name", "my run")
        #expect(run.status == 0)
        #expect(run.err == "my run: 1 to run: new\n")
        #expect(
            run.out.replacing(/process \d+/, with: "process PID") == """
                my run: goes on in the background (process PID)
                  saturn collect --name 'my run'     follows it to its end
                  saturn terminate --name 'my run'   stops it

                """)
        let collect = try stage.session.saturn("collect", "--name", "my run")
        #expect(collect.status == 0)
        #expect(collect.out == "my run: 1 succeeded\nresults: ~/results/my run\n")
        let log = try stage.session.read(".saturn/supervisors/my run.log")
        let words = /\[1\/1\] a succeeded \(.+\)\nmy run: 1 succeeded \(.+\)\nresults: .+\/results\/my run\n/
        #expect(log.wholeMatch(of: words) != nil, "\(log)")
    }

    /// Both who wait, and whoever comes later, get what the run ends with.
    @Test(arguments: ["failure", "terminate", "terminate --drain"]) func exitCodes(_ end: String) throws {
        let stage = try Stage(["a": "\(Stage.wait); exit 3", "b": "true"], jobs: 1)
        let session = stage.session
        let run = try session.detach()
        let pids = try stage.arrived()
        let waiting = try (0..<2).map { _ in try session.background("collect") }
        for collect in waiting { try collect.waitForErrors("leaves it running\n") }
        switch end {
        case "failure": stage.release()
        case "terminate": #expect(try session.saturn("terminate").status == 0)
        default:
            let drain = try session.background("terminate", "--drain")
            try drain.waitForErrors("waiting for what runs\n")
            // It has sent a signal; the run says when it has heard of it.
            let words = try session.background(shell: "exec tail -f -n +1 .saturn/supervisors/stage.log >&2")
            try words.waitForErrors("saturn: draining: ")
            stage.release()
            #expect(try drain.ended().status == 0)
        }
        let summaries = [
            "failure": "stage: 1 succeeded, 1 failed\nfailed: a (exit code 3)\n",
            "terminate": "stage: 1 terminated, 1 not started\n",
            "terminate --drain": "stage: 1 failed, 1 not started\nfailed: a (exit code 3)\n",
        ]
        for collect in try waiting.map({ try $0.ended() }) + [session.saturn("collect")] {
            #expect(collect.status == (end == "failure" ? 1 : 143))
            #expect(collect.out == (summaries[end] ?? "") + "results: ~/results/stage\n")
        }
        try waitForEnd(of: run.pid)
        for pid in pids { #expect(!isRunning(pid)) }
    }

    @Test(arguments: ["no file", "unknown key", "unknown option", "in use"])
    func whatComesToNothing(_ what: String) throws {
        let stage = try Stage(["a": Stage.wait])
        let session = stage.session
        var holder: RunningProgram?
        if what == "in use" { holder = try stage.start(waiting: 1).run }
        let cases: [String: (line: String, status: Int32, error: String)] = [
            "no file": ("none.yaml", 2, "saturn: error: cannot read none.yaml: No such file or directory\n"),
            "unknown key": ("--set foo=1", 2, "--set:1:1: error: unknown key 'foo'\n"),
            "unknown option": ("--nonsense", 2, "Error: Unknown option '--nonsense'"),
            "in use": ("", 4, "saturn: error: run 'stage' is in use by process PID on HOST (saturn run ~/run.yaml)\n"),
        ]
        let expected = try #require(cases[what])
        let detach = try session.shell("saturn run --detach \(expected.line)")
        #expect(detach.status == expected.status)
        #expect(detach.err.contains(expected.error), "\(detach.err)")
        #expect(detach.out == "")
        #expect(try processes(in: session) == holder.map { [$0.pid] } ?? [])
        stage.release()
        #expect(try holder?.ended().status ?? 0 == 0)
    }

    /// The processes of saturn that work in a session's folder.
    private func processes(in session: Session) throws -> [pid_t] {
        let line = """
            for process in /proc/[0-9]*; do
                test "$(readlink $process/cwd)" = "$PWD" || continue
                test "$(readlink $process/exe)" = "$(readlink -f '\(try Session.binary())')" && basename $process
            done
            true
            """
        return try session.shell(line).out.split(separator: "\n").compactMap { pid_t($0) }
    }

    /// A terminal that is closed takes with it what it has started, and no detached run.
    @Test func theTerminalIsClosed() throws {
        let stage = try Stage(["a": Stage.wait])
        let session = stage.session
        try session.write(
            "session.sh",
            "echo $$ > shell; '\(try Session.binary())' run --detach --json > begun; echo $$ > $HERE; sleep 1000\n")
        let terminal = try session.background(
            shell: "exec script --quiet --flush --command 'exec sh session.sh' /dev/null")
        try stage.arrived(2)
        let run = try DetachedRun(session.shell("cat begun"))
        let shell = try #require(pid_t(session.read("shell").dropLast()))
        #expect(getsid(shell) == shell, "it leads the terminal's session")
        terminal.signal(SIGKILL)
        try waitForEnd(of: shell)
        #expect(isRunning(run.pid))
        #expect(try RunJSON(session.saturn("status", "--json")).state == "running")
        let collect = try session.background("collect")
        try collect.waitForErrors("leaves it running\n")
        stage.release()
        #expect(try collect.ended().status == 0)
    }

    /// What its whole process group gets does not reach the detached run.
    @Test(arguments: [SIGHUP, SIGINT, SIGTERM]) func theGroupIsSignalled(_ signal: Int32) throws {
        let stage = try Stage(["a": Stage.wait])
        let session = stage.session
        // Not a shell: one that is starting a program when SIGINT comes can lose it.
        try session.write(
            "wait.py",
            "import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n"
                + "print(os.getpid(), file=open(os.environ['HERE'], 'w'), flush=True)\nsignal.pause()\n")
        let group = try session.background(
            shell: "exec setsid sh -c '\"$0\" run --detach --json > begun; exec python3 wait.py' \"$0\"")
        let pids = try stage.arrived(2)
        let run = try DetachedRun(session.shell("cat begun"))
        #expect(pids.contains(group.pid), "setsid has made another process")
        kill(-group.pid, signal)
        try waitForEnd(of: group.pid)
        #expect(isRunning(run.pid))
        stage.release()
        #expect(try session.saturn("collect").status == 0)
    }

    /// Ctrl-C before the run is under way means the run.
    @Test func stoppedWhileItWaits() throws {
        let stage = try Stage(["a": Stage.wait])
        let session = stage.session
        let (run, _) = try stage.start(waiting: 1)
        let detach = try session.background("run", "--detach", "--wait")
        try detach.waitForErrors("; waiting\n")
        detach.signal(SIGINT)
        #expect(try detach.ended().status == 130)
        #expect(try processes(in: session) == [run.pid])
        stage.release()
        #expect(try run.ended().status == 0)
        #expect(try stage.ran() == ["a"])
    }
}

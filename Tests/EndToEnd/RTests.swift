import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// Runs on real R futures.
@Suite(.ownThread, .enabled(if: RStage.isInstalled, RStage.reason), .timeLimit(.minutes(25)))
struct RTests {
    /// All of them, one after the other: others take their places.
    @Test func everyWorkerDies() throws {
        let stage = try RStage(
            tasks: "[{name: t, command: \"echo t >> $RAN; \(RStage.wait)\", retries: 1, sweep: {repeats: 4}}]",
            plan: "plan: multisession, workers: 2")
        let run = try stage.session.background("run")
        for _ in 0..<2 { kill(try stage.worker(of: stage.arrived()[0]), SIGKILL) }
        try stage.arrived(2)
        stage.release(2)
        try stage.arrived(2)
        stage.release(2)
        let end = try run.ended()
        #expect(end.status == 0 && end.out.hasPrefix("stage: 4 succeeded"), "\(end.out)\(end.err)")
        #expect(try stage.ran().count == 6)
    }

    /// Nobody is there to take it, nor when the foreman dies: what had ended is kept all the same.
    @Test func theForemanDiesAndNobodyIsThere() throws {
        let stage = try RStage()
        try stage.write(
            """
            [{name: a, command: "echo a >> $RAN; \(RStage.wait); echo 1 | tee $RESULTS_DIR/v"},
             {name: b, command: "echo b >> $RAN; \(RStage.wait)"}]
            """)
        let run = try stage.session.background("run")
        let pids = try stage.arrived(2)
        run.signal(SIGKILL)
        try run.ended()
        let workers = ".saturn/bridges/stage/r/workers"
        stage.release()
        while try !stage.session.shell("cat \(workers)/*").out.contains("exited") { poll(nil, 0, 10) }
        kill(try stage.foreman(), SIGKILL)
        for pid in pids { try waitForEnd(of: pid) }
        let collect = try stage.session.saturn("collect")
        #expect(collect.status == 1 && collect.out.hasPrefix("stage: 1 succeeded, 1 failed"), "\(collect.out)")
        #expect(collect.out.contains("(lost: the R process that made the workers died, and what they ran with it)"))
        let again = try stage.session.background("run")
        try stage.arrived()
        stage.release()
        let end = try again.ended()
        #expect(end.status == 0 && end.out.hasPrefix("stage: 1 succeeded, 1 up to date"), "\(end.out)\(end.err)")
        #expect(try stage.ran().count == 3)
    }

    /// It ends when all is done and nobody asks; what there is, the next saturn finds.
    @Test func itEndsByItself() throws {
        let stage = try RStage(
            tasks: "[{name: a, command: \"echo a >> $RAN; \(RStage.wait); echo 1 > $RESULTS_DIR/v\"}]")
        let run = try stage.session.background("run")
        try stage.arrived()
        run.signal(SIGKILL)
        try run.ended()
        let foreman = try stage.foreman()
        stage.release()
        try waitForEnd(of: foreman)
        while try stage.left() != "r" { poll(nil, 0, 50) }
        let collect = try stage.session.saturn("collect")
        #expect(collect.status == 0 && collect.out.hasPrefix("stage: 1 succeeded"), "\(collect.out)\(collect.err)")
        #expect(try stage.ran() == ["a"])
        #expect(try stage.left().isEmpty)
    }

    /// Nobody could find it any more.
    @Test func itEndsWithTheState() throws {
        let stage = try RStage(tasks: "[{name: a, command: \"sleep 1000 & \(RStage.wait)\"}]")
        let run = try stage.session.background("run")
        let pids = try stage.arrived()
        let children = try stage.children(of: pids)
        let foreman = try stage.foreman()
        run.signal(SIGKILL)
        try run.ended()
        try stage.session.remove(".saturn")
        for pid in pids + children + [foreman] { try waitForEnd(of: pid) }
        while try !stage.left().isEmpty { poll(nil, 0, 50) }
    }

    @Test func withOtherSettingsItIsAnotherOne() throws {
        let stage = try RStage(tasks: "[{name: a, command: \"echo a >> $RAN; \(RStage.wait)\"}]")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        let foreman = try stage.foreman()
        run.signal(SIGKILL)
        try run.ended()
        let again = try stage.session.background("run", "--set", "executor.workers=1")
        for process in [pid, foreman] { try waitForEnd(of: process) }
        try stage.arrived()
        stage.release()
        let end = try again.ended()
        #expect(end.status == 0, "\(end.err)")
        #expect(
            end.err.contains("warning: what ran on RFutures is ended: the run file's executor has other settings now"))
    }

    /// Of a run that goes on, and of one whose saturn was killed, on each kind of plan.
    @Test(
        arguments: [false, true],
        ["plan: multisession, workers: 3", "plan: multicore, workers: 3", "plan: cluster, workers: 3"])
    func terminate(_ isKilled: Bool, _ plan: String) throws {
        let stage = try RStage(plan: plan)
        let command = "echo t >> $RAN; trap '' TERM; setsid sleep 1000 & sleep 1000 & \(RStage.wait)"
        try stage.write("[{name: t, command: \"\(command)\", sweep: {repeats: 5}}]")
        let run = try stage.session.background("run")
        let pids = try stage.arrived(3)
        let processes = try pids + stage.children(of: pids) + pids.map(stage.worker) + [stage.foreman()]
        #expect(processes.count == 13)
        try stage.expectTerminate(run, isKilled, ends: processes, begun: 3)
    }

    /// Whatever it says, and wherever: the events go another way.
    @Test func whatTasksAndProfilesPrint() throws {
        let stage = try RStage()
        try stage.session.write(
            ".Rprofile", "cat('{\"event\":\"fatal\",\"message\":\"cat\"}\\n'); system('echo profile; echo error >&2')\n"
        )
        try stage.session.write(
            "noise.R",
            """
            writeLines('{"event":"fatal","code":"fault","message":"of a task"}')
            system("echo out of a child; echo error of a child >&2")
            write("error", stderr())
            for (path in c("/dev/fd/1", "/dev/fd/2")) cat("by descriptor\\n", file = file(path, "a"))

            """)
        let say = "printf '{\\\"event\\\":\\\"fatal\\\"}\\n' >> /proc/$PPID/fd/1 || true"
        try stage.write(
            "[{name: a, command: \"Rscript --vanilla noise.R\"}, {name: b, command: \"\(say); echo b >&2\"}]")
        let run = try stage.session.saturn("run")
        #expect(run.status == 0 && run.out.hasPrefix("stage: 2 succeeded"), "\(run.out)\(run.err)")
        let words = try stage.session.read(".saturn/bridges/stage/bridge.log")
        #expect(words.contains("profile\n") && words.contains("\"message\":\"cat\""), "the profile was read: \(words)")
        let lines = try stage.session.read("results/a/log").split(separator: "\n")
        #expect(Set(lines).isSuperset(of: ["out of a child", "error of a child", "error"]), "\(lines)")
        #expect(lines.contains { $0.contains("of a task") })
        #expect(try stage.session.read("results/b/log").hasSuffix("b\n"))
    }

    /// They are in no file of the run's, and tasks with others still run.
    @Test func secrets() throws {
        let stage = try RStage(plan: "plan: multisession, workers: 2")
        let session = stage.session
        (session.environment["TOKEN"], session.environment["KEY"]) = ("hunter2", "swordfish")
        try stage.write(
            """
            [{name: a, command: "echo <$TOKEN>; \(RStage.wait)", secrets: [TOKEN]},
             {name: b, command: "echo $TOKEN $KEY", secrets: [KEY, TOKEN], needs: [a]}]
            """)
        try session.replace("echo <$TOKEN>", "echo '<'$TOKEN", in: "run.yaml")
        let run = try session.background("run")
        try stage.arrived()
        // Numbers of processes, and what their tasks are called, may be anything: the values are not.
        let found = try session.shell("grep -rlE 'hunter2|swordfish' .saturn results ~ $TMPDIR /tmp/Rtmp* 2>/dev/null")
        #expect(found.out.isEmpty, "\(found.out)")
        stage.release()
        let end = try run.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(try session.read("results/a/log") == "<***\n")
        #expect(try session.read("results/b/log") == "*** ***\n")
    }

    /// 100 MB of each, byte for byte, and odd names.
    @Test func resultsAndLog() throws {
        let stage = try RStage(
            tasks: """
                [{name: "lr 0.5 (é) $(id)", command: "head -c 100000000 /dev/urandom | tee \\"$RESULTS_DIR/d é\\"; sha256sum < \\"$RESULTS_DIR/d é\\" > $RESULTS_DIR/sum"}]
                """)
        let run = try stage.session.saturn("run", env: ["LC_ALL": "C"])
        #expect(run.status == 0, "\(run.out)\(run.err)")
        let sums = try stage.session.shell(
            "cd results/lr*; cat results/sum; sha256sum < log; cat results/d* | sha256sum")
        #expect(Set(sums.out.split(separator: "\n")).count == 1 && sums.out.split(separator: "\n").count == 3)
        #expect(try stage.session.names(".saturn/bridges/stage") == ["bridge.log"])
    }

    /// The worker that sees it takes nothing more, whenever it looks.
    @Test(arguments: ["plan: multisession, workers: 2", "plan: multicore, workers: 2", "plan: cluster, workers: 2"])
    func theForemanDiesWithALongQueue(_ plan: String) throws {
        let stage = try RStage(plan: plan)
        try stage.write("[{name: t, command: \"echo t >> $RAN; echo $$ > $HERE; sleep 0.7\", sweep: {repeats: 10}}]")
        let run = try stage.session.background("run")
        try stage.arrived()
        kill(try stage.foreman(), SIGKILL)
        try stage.arrived(9)
        let end = try run.ended()
        #expect(end.status == 1, "\(end.out)\(end.err)")
        let counts = try #require(end.out.firstMatch(of: /stage: (\d+) succeeded, (\d+) failed/))
        #expect(Int(counts.output.1).map { $0 >= 8 } ?? false, "no more than what ran is lost: \(end.out)")
        #expect(try stage.ran().count == 10)
        while try !stage.left().isEmpty { poll(nil, 0, 50) }
    }

    /// Nothing of it stays, though it was not there yet.
    @Test func saturnIsKilledWhileItStarts() throws {
        let stage = try RStage(tasks: "[{name: a, command: \"echo a >> $RAN\"}]")
        let run = try stage.session.background("run")
        while !stage.session.exists(".saturn/bridges/stage/r/bridge") { poll(nil, 0, 5) }
        run.signal(SIGKILL)
        try run.ended()
        while try !stage.left().isEmpty { poll(nil, 0, 50) }
        let again = try stage.session.saturn("run")
        #expect(again.status == 0, "\(again.err)")
        #expect(try stage.ran() == ["a"])
    }

    /// A C locale translates nothing.
    @Test func aFolderOfAnotherAlphabet() throws {
        let stage = try RStage(tasks: "[{name: é, command: \"pwd; echo ü\"}]")
        try stage.session.shell("mkdir 'é ü'; mv run.yaml 'é ü'")
        let run = try stage.session.saturn("run", in: "é ü", env: ["LC_ALL": "C"])
        #expect(run.status == 0, "\(run.out)\(run.err)")
        #expect(try stage.session.read("é ü/results/é/log") == "\(stage.session.folder)/é ü\nü\n")
    }

    /// What R gives its sessions is theirs, and what started saturn is the tasks'.
    @Test func whatTasksGet() throws {
        let stage = try RStage(
            tasks: """
                [{name: a, command: "env", env: {CAFE: "déjà vu", EMPTY: "", PATH: "/usr/bin:/bin"}},
                 {name: b, command: "Rscript -e 'cat(class(lm), sd(1:3))'"}]
                """)
        stage.session.environment["OUTER"] = "seen"
        let run = try stage.session.saturn("run", env: ["LC_ALL": "C"])
        #expect(run.status == 0, "\(run.out)\(run.err)")
        let lines = try stage.session.read("results/a/log").split(separator: "\n")
        #expect(Set(lines).isSuperset(of: ["OUTER=seen", "CAFE=déjà vu", "EMPTY=", "PATH=/usr/bin:/bin"]), "\(lines)")
        #expect(!lines.contains { $0.hasPrefix("R_") || $0.hasPrefix("LD_") || $0.hasPrefix("SATURN_R_") }, "\(lines)")
        #expect(try stage.session.read("results/b/log") == "function 1")
    }
}

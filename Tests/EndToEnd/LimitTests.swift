import Glibc
import Testing

/// Row 23 of faults.md: more than the system gives. Tasks wait or fail with the cause, and nothing is lost.
@Suite(.ownThread) struct LimitTests {
    private func makeSession(_ count: Int, _ work: String = "true") throws -> Session {
        let session = try Session()
        let tasks = (0..<count).map {
            "  - {name: t\($0), command: '\(work); echo $SATURN_TASK > $RESULTS_DIR/x; echo done'}\n"
        }
        try session.write("run.yaml", "name: limit\ndefaults: {code: none}\ntasks:\n\(tasks.joined())")
        return session
    }

    private func expectWhole(_ session: Session, _ count: Int) throws {
        let next = try session.saturn("run")
        #expect(next.status == 0, "\(next.out)\(next.err)")
        for task in 0..<count { #expect(try session.read("results/limit/t\(task)/results/x") == "t\(task)\n") }
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }

    @Test func tooLongACommand() throws {
        let session = try makeSession(1)
        let words = String(repeating: "x", count: 200_000)
        try session.append("run.yaml", "  - {name: large, command: [echo, \(words)]}\n")
        let run = try session.saturn("run")
        #expect(run.status == 1)
        #expect(run.out.hasPrefix("limit: 1 succeeded, 1 failed (T)\nfailed: large (cannot execute "), "\(run.out)")
        #expect(run.out.contains("its arguments and environment are too large)\n"), "\(run.out)")
        #expect(try session.read("results/limit/large/error") == "126")
    }

    /// With descriptors for a few of a hundred tasks that may run at once.
    @Test(arguments: [16, 24, 32, 64]) func tooFewDescriptors(_ limit: Int) throws {
        let session = try makeSession(100)
        let run = try session.background(shell: "ulimit -n \(limit); exec \"$0\" run -j 100").ended()
        #expect([0, 1, 3].contains(run.status), "\(run.out)\(run.err)")
        if run.status != 0 {
            // SQLite has its own words for it.
            let words = ["Too many open files", "unable to open database file"]
            #expect(words.contains { (run.out + run.err).contains($0) }, "\(run.out)\(run.err)")
        }
        for task in 0..<100 where session.exists("results/limit/t\(task)/status") {
            guard try session.read("results/limit/t\(task)/status") == "success" else { continue }
            #expect(try session.read("results/limit/t\(task)/log") == "done\n")
        }
        try expectWhole(session, 100)
    }

    private static let noThread = """
        saturn: error: cannot start a thread: Resource temporarily unavailable
          hint: see ulimit -u, or end other programs

        """

    /// With processes, and threads, for a few of them. No limit holds for root: another user runs it.
    @Test(
        .enabled(
            if: geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0 && access("/usr/bin/prlimit", X_OK) == 0,
            "SKIPPED: only root with setpriv and prlimit can run saturn as a user who has no other processes"),
        arguments: [1, 2, 4, 5, 6, 8, 12])
    func tooFewProcesses(_ limit: Int) throws {
        let session = try makeSession(60, "i=0; while test $i -lt 20000; do i=$((i+1)); done")
        let user = 61_000 + limit
        let prepared = try session.shell("cp '\(Session.binary())' ../saturn && chown -R \(user) ..")
        #expect(prepared.status == 0, "\(prepared.err)")
        let run = try session.background(
            shell: "exec prlimit --nproc=\(limit):\(limit) setpriv --reuid \(user) --clear-groups ../saturn run -j 60"
        ).ended()
        // It waits for a process to end; without threads for itself it says so, and waits for nothing.
        #expect(run.status == (limit < 8 ? 3 : 0), "\(run.status): \(run.out)\(run.err)")
        if run.status == 3 { #expect(run.err.hasSuffix(Self.noThread), "\(run.err)") }
        try expectWhole(session, 60)
    }

    /// What has nothing to do needs no thread; what has says that there is none.
    @Test(
        .enabled(
            if: geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0 && access("/usr/bin/prlimit", X_OK) == 0,
            "SKIPPED: only root with setpriv and prlimit can run saturn as a user who has no other processes"))
    func noThreadAtAll() throws {
        let session = try makeSession(3)
        let user = 61_100
        let prepared = try session.shell("cp '\(Session.binary())' ../saturn && chown -R \(user) ..")
        #expect(prepared.status == 0, "\(prepared.err)")
        func saturn(_ arguments: String, limit: String = "1:1") throws -> Transcript {
            try session.background(
                shell: "exec prlimit --nproc=\(limit) setpriv --reuid \(user) --clear-groups ../saturn \(arguments)"
            ).ended()
        }
        #expect(try saturn("run", limit: "1000:1000").status == 0)
        for arguments in ["run", "plan", "run -n"] {
            let short = try saturn(arguments)
            #expect(short.status == 0, "\(arguments): \(short.err)")
            #expect(short.out.contains("up to date"), "\(arguments): \(short.out)")
        }
        try session.write("run.yaml", session.read("run.yaml") + "# changed\n")
        for arguments in ["run", "plan", "run -n", "status", "list", "why t0"] {
            let long = try saturn(arguments)
            #expect(long.status == 3, "\(arguments): \(long.out)")
            #expect(long.err == Self.noThread, "\(arguments): \(long.err)")
        }
    }
}

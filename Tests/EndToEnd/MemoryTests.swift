import Glibc
import SaturnTesting
import Testing

/// Tasks that take more memory than they may, beside ones that fail otherwise.
@Suite(.ownThread) struct MemoryTests {
    private static let tasks = """
        name: bounds
        executor: {class_spec: Multiprocessing, jobs: 2}
        defaults: {code: none, retries: {exit: 1, oom: 2, timeout: 0}}
        tasks:
          - {name: grows, command: 'echo grows >> $RAN; python3 -c "$TAKE" 150 0', resources: {memory: [50MB, 100MB, 300MB]}}
          - {name: large, command: 'echo large >> $RAN; python3 -c "$TAKE" 150 60', resources: {memory: 100MB}}
          - {name: parts, command: 'echo parts >> $RAN; for i in 1 2; do python3 -c "$TAKE" 60 60 & done; wait',
             resources: {memory: 100MB}}
          - {name: flees, command: 'echo flees >> $RAN; (setsid nohup python3 -c "$TAKE" 150 60 > /dev/null 2>&1 &); sleep 60',
             resources: {memory: 100MB}}
          - {name: hides, command: 'echo hides >> $RAN; python3 -c "$TAKE" 150 0 || true', resources: {memory: 100MB}}
          - {name: exits, command: 'echo exits >> $RAN; exit 3', resources: {memory: 100MB}}
          - {name: slow, command: 'echo slow >> $RAN; sleep 60', timeout: 0.5s, resources: {memory: 100MB}}
          - {name: dies, command: 'echo dies >> $RAN; kill -11 $$', resources: {memory: 100MB}}

        """
    private static let take = """
        import os, sys, time
        kept = bytearray(int(sys.argv[1]) * 1000000)
        kept[::4096] = b"x" * len(kept[::4096])
        time.sleep(max(float(sys.argv[2]), float(os.environ.get("LINGER", "0"))))
        """

    private func session() throws -> Session {
        let session = try Session()
        try session.write("ran", "")
        session.environment["RAN"] = session.path("ran")
        session.environment["TAKE"] = Self.take
        try session.write("run.yaml", Self.tasks)
        return session
    }

    private func check(_ run: Transcript, _ session: Session) throws {
        #expect(run.status == 1)
        for words in [
            "grows failed (out of memory: its limit is 50 MB); attempt 2 follows\n",
            "grows failed (out of memory: its limit is 100 MB); attempt 3 follows\n",
            "exits failed (exit code 3); attempt 2 follows\n",
        ] {
            #expect(run.err.contains(words), "\(run.err)")
        }
        for words in [
            "1 succeeded, 7 failed", "failed: large (out of memory: its limit is 100 MB)\n",
            "failed: exits (exit code 3)\n", "failed: slow (timed out after 0.5 s)\n", "failed: dies (signal 11",
        ] {
            #expect(run.out.contains(words), "\(run.out)")
        }
        let ran = Dictionary(grouping: try session.read("ran").split(separator: "\n")) { String($0) }.mapValues(\.count)
        #expect(ran == ["grows": 3, "large": 3, "parts": 3, "flees": 3, "hides": 3, "exits": 2, "slow": 1, "dies": 1])
        #expect(try session.read("results/bounds/large/error") == "137")
        #expect(try session.read("results/bounds/large/events").contains("- type: oom\n"))
        #expect(try session.attemptsThatRun() == [])
    }

    /// With control groups where this user may make any.
    @Test func oomExitTimeoutAndSignalAreToldApart() throws {
        let session = try session()
        try check(session.saturn("run"), session)
        let left = try session.shell("find /sys/fs/cgroup -maxdepth 6 -type d -name 'saturn-*-*-*'").out
        #expect(left == "", "control groups of saturns that are no more")
    }

    /// Where there are none: by looking.
    @Test(.enabled(if: SmallDisk.isPossible, SmallDisk.reasonToSkip)) func withoutControlGroups() throws {
        let session = try session()
        let binary = try Session.binary()
        let line = "unshare -m sh -c 'umount -l -R /sys/fs/cgroup && exec \"$0\" run' '\(binary)'"
        // One that only looks may look too late for what is taken at once and given back.
        session.environment["LINGER"] = "1"
        try check(session.shell(line), session)
    }

    /// As most machines have them. What a saturn that was killed has left is removed.
    @Test(.enabled(if: UserModeLinux.isPossible, UserModeLinux.reasonToSkip)) func unifiedControlGroups() throws {
        let session = try session()
        try session.write("take.py", Self.take)
        try session.write(
            "long.yaml", "tasks: [{name: a, code: none, command: sleep 100, resources: {memory: 50MB}}]\n")
        let (saturn, work) = (try Session.binary(), session.path(""))
        let said = try UserModeLinux.run(
            """
            echo +memory > /sys/fs/cgroup/cgroup.subtree_control
            mkdir -p /sys/fs/cgroup/user/session
            echo +memory > /sys/fs/cgroup/user/cgroup.subtree_control
            echo $$ > /sys/fs/cgroup/user/session/cgroup.procs
            cp '\(work)'/*.yaml .
            export RAN='\(session.path("ran"))' TAKE="$(cat '\(work)/take.py')"
            '\(saturn)' run --only grows --only hides > '\(work)/out' 2> '\(work)/err'
            echo "left: $(ls -d /sys/fs/cgroup/user/saturn-* 2>/dev/null)"
            '\(saturn)' run long.yaml > /dev/null 2>&1 &
            until grep -q . /sys/fs/cgroup/user/saturn-*/cgroup.procs 2> /dev/null; do sleep 0.1; done
            echo "bounds: $(cat /sys/fs/cgroup/user/saturn-*/memory.max /sys/fs/cgroup/user/saturn-*/memory.swap.max)"
            kill -9 $!
            wait
            sed -i 's/sleep 100/true/' long.yaml
            '\(saturn)' run long.yaml > /dev/null 2>&1
            echo "again: $? $(ls -d /sys/fs/cgroup/user/saturn-* 2>/dev/null)"
            """, in: session)
        #expect(said.contains("left: \n") && said.contains("bounds: 49999872\n0\n"), "\(said)")
        #expect(said.contains("again: 0 \n"), "\(said)")
        let (out, err) = (try session.read("out"), try session.read("err"))
        #expect(
            out.contains("1 succeeded, 1 failed") && out.contains("hides (out of memory: its limit is 100 MB)"),
            "\(out)")
        #expect(err.contains("grows failed (out of memory: its limit is 50 MB); attempt 2 follows\n"), "\(err)")
        let ran = try session.read("ran").split(separator: "\n").map(String.init)
        #expect(ran.count { $0 == "grows" } == 3 && ran.count { $0 == "hides" } == 3)
    }
}

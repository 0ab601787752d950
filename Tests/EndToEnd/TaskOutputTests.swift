import Glibc
import Testing

/// Rows 8, 9 and 10 of faults.md: whatever a task writes, and to whomever it leaves its output.
@Suite(.ownThread) struct TaskOutputTests {
    /// Not UTF-8, a NUL, colours, a carriage return, a bell.
    private static let bytes: [UInt8] =
        [UInt8(ascii: "a"), 0xFF, 0, UInt8(ascii: "b")] + Array("\u{1B}[31mred\u{1B}[0m\r\n\u{7}end\n".utf8)

    private func makeSession() throws -> Session {
        let session = try Session()
        try session.write("bytes", bytes: Self.bytes)
        try session.write("run.yaml", "name: raw\ntasks:\n  - name: a\n    command: cat bytes; exit 1\n")
        return session
    }

    @Test func isKeptByteForByte() throws {
        let session = try makeSession()
        let run = try session.saturn("run")
        #expect(run.status == 1)
        #expect(try session.bytes("results/raw/a/log") == Self.bytes)
        #expect(try session.saturn("logs", "a").rawOut == Self.bytes)
        // What saturn says itself is safe to look at.
        #expect(run.err.contains("  | a\u{FFFD}\\x00b\\x1b[31mred\\x1b[0m\n  | \\x07end\n"), "\(run.err)")
    }

    @Test func isEscapedOnATerminal() throws {
        let session = try makeSession()
        try session.saturn("run")
        let terminal = try Terminal()
        let logs = try session.saturn("logs", "a", env: ["TERM": "xterm"], stdout: terminal.device)
        #expect(logs.status == 0)
        #expect(try terminal.text() == "a\u{FFFD}\\x00b\\x1b[31mred\\x1b[0m\\x0d\r\n\\x07end\r\n")
    }

    @Test func mayBeLongAndWithoutALine() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: long
            tasks:
              - name: a
                command: head -c 200000000 /dev/zero | tr '\\000' x; exit 1

            """)
        let (run, peakMemory) = try session.measured("run")
        #expect(run.status == 1)
        #expect(try session.shell("wc -c < results/long/a/log").out == "200000000\n")
        #expect(peakMemory < 60_000_000)
        #expect(run.rawErr.count < 20_000, "the end of the log is shown, not all of it")

        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(null) }
        let (logs, logsPeakMemory) = try session.measured("logs", "a", stdout: null)
        #expect(logs.status == 0)
        #expect(logsPeakMemory < 60_000_000)
    }

    /// A task is over when its command is; what it left behind is ended, and keeps nobody waiting.
    @Test func mayBeClosedOrLeftToOthers() throws {
        let session = try Session()
        let never = try Meeting(session.space.path("never"))
        session.environment["NEVER"] = never.path
        try session.write(
            "run.yaml",
            """
            name: left
            tasks:
              - name: closes
                command: exec >&- 2>&- <&-; echo over > $RESULTS_DIR/x
              - name: keeps
                command: (read line < $NEVER) & echo $! > $RESULTS_DIR/pid; echo bye
              - name: ignores
                command: (trap '' HUP INT TERM; read line < $NEVER) & echo $! > $RESULTS_DIR/pid

            """)
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(try session.read("results/left/closes/results/x") == "over\n")
        #expect(try session.read("results/left/keeps/log") == "bye\n")
        for task in ["keeps", "ignores"] {
            #expect(try session.read("results/left/\(task)/status") == "success")
            let pid = try #require(pid_t(session.read("results/left/\(task)/results/pid").dropLast()))
            #expect(kill(pid, 0) == -1 && errno == ESRCH, "process \(pid) of \(task) is still there")
        }
    }

    /// Ended before `status` is there, so that whoever sees the status sees files that nobody writes to any more.
    @Test func isEndedBeforeTheStatus() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: order
            tasks:
              - name: writer
                command: (while :; do echo more >> $RESULTS_DIR/x; done) & while ! test -s $RESULTS_DIR/x; do :; done
              - name: reader
                needs: [writer]
                command: cp $SATURN_NEEDS_WRITER/x a; cp $SATURN_NEEDS_WRITER/x b; cmp a b

            """)
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out == "order: 2 succeeded (T)\nresults: ~/results/order\n")
    }
}

import Glibc
import Testing

/// Row 30 of faults.md: callers without a home, without a terminal, or that do not listen.
@Suite(.ownThread) struct OddCallerTests {
    private func makeSession() throws -> Session {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: odd
            defaults: {code: none}
            tasks:
              - {name: a, command: echo a}
              - {name: b, command: echo b; exit 4}

            """)
        return session
    }

    private static let summary = """
        odd: 1 succeeded, 1 failed (T)
        failed: b (exit code 4)
        results: ~/results/odd

        """

    @Test(arguments: ["/dev/null/nowhere", ""]) func noHome(_ home: String) throws {
        let session = try makeSession()
        let run = try session.saturn("run", env: ["HOME": home])
        #expect(run.status == 1)
        #expect(run.out == Self.summary)
        #expect(try session.saturn("plan", env: ["HOME": home]).status == 0)
        #expect(try session.saturn("status", env: ["HOME": home]).status == 0)
    }

    /// stderr is a pipe here, so plain lines are expected; with a terminal and without its kind, too.
    @Test(arguments: [["TERM": ""], ["TERM": "dumb"], ["TERM": "xterm", "NO_COLOR": "1"]])
    func noEscapes(_ env: [String: String]) throws {
        let session = try makeSession()
        let terminal = try Terminal()
        let run = try session.saturn("run", env: env, stdout: terminal.device)
        #expect(run.status == 1)
        let shown = try terminal.text()
        #expect(shown.contains("failed: b (exit code 4)\r\n"), "\(shown)")
        #expect(!shown.contains("\u{1B}"))
        #expect(!run.err.contains("\u{1B}"))
    }

    @Test func coloursOnATerminal() throws {
        let session = try makeSession()
        let terminal = try Terminal()
        try session.saturn("run", env: ["TERM": "xterm", "NO_COLOR": ""], stdout: terminal.device)
        #expect(try terminal.text().contains("\u{1B}[31mfailed\u{1B}[0m: b"))
    }

    /// Descriptors that are closed must not come back as a ledger or a log that messages are written into.
    @Test(arguments: [">&-", "2>&-", "<&-", "<&- >&- 2>&-"]) func closedDescriptors(_ how: String) throws {
        let session = try makeSession()
        let run = try session.shell("saturn run --force \(how)")
        #expect(run.status == 1)
        #expect(run.out == (how.contains(">&-") && !how.hasPrefix("2") ? "" : Self.summary))
        #expect(try session.read("results/odd/a/log") == "a\n")
        #expect(try session.read("results/odd/b/log") == "b\n")
        #expect(try session.saturn("plan").out.contains("reuse    1  up to date (a)\n"))
        #expect(try session.shell("saturn plan \(how)").status == 0)
    }

    /// `head` that has seen enough is no reason for a word, nor for stopping what runs.
    @Test func nobodyReads() throws {
        let session = try makeSession()
        let closed = try session.shell("{ saturn run 2>&1; echo $? > code; } | true")
        #expect(closed.out == "" && closed.err == "")
        #expect(try session.read("code") == "1\n")
        #expect(try session.read("results/odd/a/status") == "success")

        try session.write(
            "run.yaml",
            "name: much\ntasks: [{name: a, code: none, command: head -c 5000000 /dev/zero | tr '\\000' '\\n'}]\n")
        try session.saturn("run")
        let head = try session.shell("{ saturn logs a; echo $? > code; } | head -1")
        #expect(head.out == "\n" && head.err == "" && head.status == 0)
        #expect(try session.read("code") == "0\n")
        let plan = try session.shell("saturn plan --json | head -1")
        #expect(plan.out == "{\n" && plan.err == "")
    }

    /// A document that could not be written whole is no success.
    @Test func fullDisk() throws {
        let session = try makeSession()
        let plan = try session.shell("saturn plan --json > /dev/full")
        #expect(plan.status == 3)
        #expect(plan.err == "saturn: error: cannot write to stdout: No space left on device\n")
    }
}

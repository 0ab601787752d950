import Testing

/// What a task sees.
@Suite(.ownThread) struct TaskEnvironmentTests {
    @Test func variables() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: seen
            defaults: {code: none, env: {SHARED: "yes", OWN: no}}
            tasks:
              - {name: zero, command: env, env: {OWN: 0.10, EMPTY: ""}, workdir: sub}
              - {name: one, command: env, needs: [zero]}

            """)
        session.makeFolder("sub")
        let caller = [
            "INHERITED": "from the caller", "SATURN_TASK": "outer", "SATURN_LEFTOVER": "outer", "RESULTS_DIR": "outer",
        ]
        let run = try session.saturn("run", "--name", "named", env: caller)
        #expect(run.status == 0, "\(run.err)")

        let zero = try variables(session, "zero")
        let folder = session.path("results/named")
        let expected = [
            "RESULTS_DIR": "\(folder)/zero/results", "SATURN_RESULTS_DIR": "\(folder)/zero/results",
            "SATURN_RUN": "named", "SATURN_TASK": "zero", "SATURN_TASK_INDEX": "0", "SATURN_ATTEMPT": "1",
            "INHERITED": "from the caller", "SHARED": "yes", "OWN": "0.10", "EMPTY": "", "PWD": session.path("sub"),
        ]
        for (name, value) in expected { #expect(zero[name] == value, "\(name)") }
        #expect(zero["SATURN_ATTEMPT_ID"]?.count == 36)
        #expect(try session.read("results/named/zero/events").contains(zero["SATURN_ATTEMPT_ID"] ?? "none"))
        let seed = try #require(zero["SATURN_SEED"].flatMap { Int($0) })
        #expect((0..<1 << 31).contains(seed))
        #expect(zero["SATURN_LEFTOVER"] == nil, "of an enclosing saturn nothing is inherited")
        #expect(zero["SATURN_NEEDS"] == nil)

        let one = try variables(session, "one")
        #expect(one["SATURN_TASK_INDEX"] == "1")
        #expect(one["OWN"] == "no")
        #expect(one["SATURN_NEEDS_ZERO"] == "\(folder)/zero/results")
        let table = try #require(one["SATURN_NEEDS"])
        #expect(!session.exists(table), "it is there only while the task runs")
    }

    private func variables(_ session: Session, _ task: String) throws -> [String: String] {
        let lines = try session.read("results/named/\(task)/log").split(separator: "\n")
        return Dictionary(
            lines.compactMap { line in
                line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
            }, uniquingKeysWith: { _, last in last })
    }

    @Test func noInputNoTerminalNoDescriptors() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: bare
            defaults: {code: none}
            tasks:
              - {name: stdin, command: cat; test ! -t 0}
              - {name: open, command: ls /proc/self/fd}
              - {name: signals, command: "grep -E '^Sig(Blk|Ign)' /proc/self/status"}

            """)
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(try session.read("results/bare/stdin/log") == "")
        #expect(try session.read("results/bare/open/log") == "0\n1\n2\n3\n", "3 is the folder that ls reads")
        // Without the two that glibc keeps for its threads.
        for line in try session.read("results/bare/signals/log").split(separator: "\n") {
            let set = try #require(line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) })
            #expect(set & 0x7FFF_FFFF == 0, "\(line)")
        }
    }

    /// A line that fails fails the task; `shell` chooses who reads the lines.
    @Test func shells() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: shells
            defaults: {code: none}
            tasks:
              - name: lines
                command: |
                  false
                  echo not reached
              - {name: lenient, shell: [/bin/sh, -c], command: "false; echo reached"}
              - {name: list, command: [printf, '%s|', $HOME, "a  b", '*']}
              - {name: builtin, command: cd /}
              - {name: quotes, command: 'printf "%s|" "$(echo a b)" ''$HOME'''}

            """)
        let run = try session.saturn("run")
        #expect(run.status == 1)
        #expect(run.out.hasPrefix("shells: 4 succeeded, 1 failed (T)\nfailed: lines (exit code 1)\n"), "\(run.out)")
        #expect(try session.read("results/shells/lines/log") == "")
        #expect(try session.read("results/shells/lenient/log") == "reached\n")
        #expect(try session.read("results/shells/list/log") == "$HOME|a  b|*|")
        #expect(try session.read("results/shells/quotes/log") == "a b|$HOME|")
    }
}

import Testing

/// Row 24 of faults.md: a command that cannot be executed fails its own task, with the code a shell would give.
@Suite(.ownThread) struct CannotStartTests {
    @Test func onlyThatTaskFails() throws {
        let session = try Session()
        try session.write("data", "no program\n")
        try session.write("script", "echo from a script without its first line\n", executable: true)
        try session.write(
            "run.yaml",
            """
            name: start
            executor: {class_spec: MultiprocessingExecutor, jobs: 1}
            tasks:
              - {name: shell, command: echo hi, shell: [/nowhere/sh, -c]}
              - {name: missing, command: no-such-program --fast}
              - {name: missing-in-shell, command: "true; no-such-program"}
              - {name: not-executable, command: [./data]}
              - {name: folder, command: [/]}
              - {name: killed, command: kill -9 $$}
              - {name: script, command: [./script]}
              - {name: fine, command: echo fine}

            """)
        let run = try session.saturn("run")
        #expect(run.status == 1)
        #expect(
            run.out == """
                start: 2 succeeded, 6 failed (T)
                failed: shell (cannot execute '/nowhere/sh': command not found)
                failed: missing (cannot execute 'no-such-program': command not found)
                failed: missing-in-shell (exit code 127)
                failed: not-executable (cannot execute './data': Permission denied)
                failed: folder (cannot execute '/': Permission denied)
                failed: killed (signal 9)
                results: ~/results/start

                """)
        let codes = [
            "shell": "127", "missing": "127", "missing-in-shell": "127", "not-executable": "126", "folder": "126",
            "killed": "137",
        ]
        for (task, code) in codes {
            #expect(try session.read("results/start/\(task)/error") == code, "\(task)")
            #expect(try session.read("results/start/\(task)/status") == "failure", "\(task)")
        }
        #expect(
            try session.read("results/start/missing/log")
                == "saturn: cannot execute 'no-such-program': command not found\n")
        #expect(try session.read("results/start/script/log") == "from a script without its first line\n")
        #expect(try session.read("results/start/fine/log") == "fine\n")
    }

    @Test func aWorkdirThatGoesAway() throws {
        let session = try Session()
        session.makeFolder("place")
        try session.write(
            "run.yaml",
            """
            name: start
            tasks:
              - {name: first, command: rmdir place}
              - {name: second, command: pwd, workdir: place, needs: [first]}

            """)
        let run = try session.saturn("run")
        #expect(run.status == 1)
        #expect(run.out.contains("failed: second (cannot enter ~/place: No such file or directory)\n"), "\(run.out)")
    }

    /// Row 23: more than the system hands to a program.
    @Test func tooLargeAnEnvironment() throws {
        let session = try Session()
        let value = String(repeating: "x", count: 200_000)
        try session.write(
            "run.yaml",
            """
            name: start
            defaults: {code: none}
            tasks:
              - {name: large, command: echo hi, env: {A: \(value)}}
              - {name: fine, command: echo fine}

            """)
        let run = try session.saturn("run")
        #expect(run.status == 1)
        #expect(run.out.hasPrefix("start: 1 succeeded, 1 failed (T)\nfailed: large (cannot execute "), "\(run.out)")
        #expect(run.out.contains("its arguments and environment are too large)\n"), "\(run.out)")
        #expect(try session.read("results/start/large/error") == "126")
    }
}

import Testing

/// Rows 1 to 4, 6 and 7 of faults.md: what is wrong with a run file is told before any task, all of it, with its place.
@Suite(.ownThread) struct BadRunFileTests {
    /// A file and what is said about it.
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var file: [UInt8]
        var err: String

        init(_ name: String, _ file: String, _ err: String) {
            testDescription = name
            self.file = Array(file.utf8)
            self.err = err
        }

        init(_ name: String, bytes: [UInt8], _ err: String) {
            testDescription = name
            file = bytes
            self.err = err
        }
    }

    static let cases = unreadable + wrongKeys + names + needs + limits

    /// Row 1.
    private static let unreadable = [
        Case(
            "empty", "",
            """
            run.yaml:1:1: error: the file is empty
              1 |\u{20}
                | ^

            """),
        Case(
            "only a comment", "# nothing\n",
            """
            run.yaml:1:1: error: the file is empty
              1 | # nothing
                | ^

            """),
        Case(
            "malformed", "tasks:\n  - name: a\n\tcommand: x\n",
            """
            run.yaml:3:1: error: found a tab character that violates indentation, in a plain scalar that begins at line 2
              3 |  command: x
                | ^

            """),
        Case(
            "two documents", "tasks: [{command: a}]\n---\ntasks: [{command: b}]\n",
            """
            run.yaml:2:1: error: a second document begins here; a file holds one document
              2 | ---
                | ^~~

            """),
        Case(
            "invalid UTF-8", bytes: Array("name: x\ntasks: [{command: \"".utf8) + [0xFF] + Array("\"}]\n".utf8),
            """
            run.yaml:2:20: error: the text is not valid UTF-8; save the file as UTF-8
              2 | tasks: [{command: "\u{FFFD}"}]
                |                    ^

            """),
    ]

    /// Row 3.
    private static let wrongKeys = [
        Case(
            "several errors",
            """
            name: []
            tasks:
              - name: a
                comand: echo
                command: one
                command: two
                retries: many
              - name: b
                command: {a: b}
                needs: [c]
            executer: x

            """,
            """
            run.yaml:1:7: error: expected a string, found a list
              1 | name: []
                |       ^~
            run.yaml:4:5: error: unknown key 'comand'; did you mean 'command'?
              4 |     comand: echo
                |     ^~~~~~
            run.yaml:6:5: error: duplicate key 'command'; the first is at line 5
              6 |     command: two
                |     ^~~~~~~
            run.yaml:7:14: error: expected a whole number from 0 to 1000, found 'many'
              7 |     retries: many
                |              ^~~~
            run.yaml:9:14: error: expected a command, as a string or a list of strings, found a mapping
              9 |     command: {a: b}
                |              ^~~~~~
            run.yaml:10:13: error: task 'b' needs 'c', which is not a task; did you mean 'a'?
              10 |     needs: [c]
                 |             ^
            run.yaml:11:1: error: unknown key 'executer'; did you mean 'executor'?
              11 | executer: x
                 | ^~~~~~~~

            """)
    ]

    /// Row 4.
    private static let names = [
        Case(
            "names",
            """
            tasks:
              - {name: same, command: x}
              - {name: same, command: x}
              - {name: Same, command: x}
              - {name: ../x, command: x}
              - {name: /etc, command: x}
              - {name: "", command: x}
              - {name: "a\\tb", command: x}

            """,
            """
            run.yaml:3:12: error: duplicate task name 'same'; the first is at line 2
              3 |   - {name: same, command: x}
                |            ^~~~
            run.yaml:4:12: error: the task's name 'Same' differs only in case from 'same' at line 2
              4 |   - {name: Same, command: x}
                |            ^~~~
            run.yaml:5:12: error: the task's name '../x' contains '/'
              5 |   - {name: ../x, command: x}
                |            ^~~~
            run.yaml:6:12: error: the task's name '/etc' contains '/'
              6 |   - {name: /etc, command: x}
                |            ^~~~
            run.yaml:7:12: error: the task's name '' is empty
              7 |   - {name: "", command: x}
                |            ^~
            run.yaml:8:12: error: the task's name 'a\\u{9}b' contains a control character
              8 |   - {name: "a\\tb", command: x}
                |            ^~~~~~

            """),
        Case(
            "a long name", "tasks:\n- command: x\n  name: \(String(repeating: "é", count: 101))\n",
            """
            run.yaml:3:9: error: the task's name '\(String(repeating: "é", count: 60))…' is longer than 200 bytes
              3 |   name: \(String(repeating: "é", count: 101))
                |         ^\(String(repeating: "~", count: 100))

            """),
    ]

    /// Row 6.
    private static let needs = [
        Case(
            "cycles",
            """
            tasks:
              - {name: first, command: x, needs: [last]}
              - {name: second, command: x, needs: [first]}
              - {name: last, command: x, needs: [second]}
              - {name: own, command: x, needs: [own]}
              - {name: other, command: x, needs: [frist]}

            """,
            """
            run.yaml:2:39: error: the needs form a cycle: first → last → second → first
              2 |   - {name: first, command: x, needs: [last]}
                |                                       ^~~~
            run.yaml:5:37: error: the needs form a cycle: own → own
              5 |   - {name: own, command: x, needs: [own]}
                |                                     ^~~
            run.yaml:6:39: error: task 'other' needs 'frist', which is not a task; did you mean 'first'?
              6 |   - {name: other, command: x, needs: [frist]}
                |                                       ^~~~~

            """)
    ]

    /// Row 7.
    private static let limits = [
        Case(
            "timeouts",
            """
            tasks:
              - {name: a, command: x, timeout: -5s}
              - {name: b, command: x, timeout: 0}
              - {name: c, command: x, timeout: 99999999d}

            """,
            """
            run.yaml:2:36: error: expected a duration, found '-5s'; write it as 90s, 5m, 2h or 1d
              2 |   - {name: a, command: x, timeout: -5s}
                |                                    ^~~
            run.yaml:3:36: error: a duration is more than 0 and at most 3650 days, not '0'
              3 |   - {name: b, command: x, timeout: 0}
                |                                    ^
            run.yaml:4:36: error: a duration is more than 0 and at most 3650 days, not '99999999d'
              4 |   - {name: c, command: x, timeout: 99999999d}
                |                                    ^~~~~~~~~

            """)
    ]

    @Test(arguments: cases) func isRefused(_ bad: Case) throws {
        let session = try Session()
        try session.write("run.yaml", bytes: bad.file)
        let before = try session.listing()
        for command in ["plan", "run"] {
            let transcript = try session.saturn(command)
            #expect(transcript.status == 2)
            #expect(transcript.out == "")
            #expect(transcript.err == bad.err)
        }
        let changed = difference(before, try session.listing())
        #expect(changed == [], "nothing is made, and no task runs")
    }

    /// Row 7: what the machine does not have would be waited for without end.
    @Test func moreThanTheMachineHas() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            executor: {class_spec: Multiprocessing, gpus: 2, limits: {license: 1}}
            tasks:
            - {name: a, command: x, resources: {cpus: 100000, memory: [1MB, 900TB], gpus: 3, licences: 2}}
            - {name: b, command: x, resources: {gpus: 1.5, license: 2}}
            - {name: c, command: x, env: {CUDA_VISIBLE_DEVICES: "1"}, resources: {gpus: 1}}

            """)
        let run = try session.saturn("run")
        #expect(run.status == 2)
        for words in [
            "run.yaml:3:43: error: task 'a' asks for 100000 cpus; this machine has ",
            "run.yaml:3:65: error: task 'a' asks for 900 TB of memory; this machine has ",
            "run.yaml:3:79: error: task 'a' asks for 3 gpus; this machine has 2; 'gpus' of the executor says",
            "run.yaml:3:92: error: task 'a' asks for 'licences', which this executor does not have; did you mean 'license'?",
            "run.yaml:4:43: error: task 'b' asks for 1.5 gpus; several GPUs, or a part of one, but not both\n",
            "run.yaml:4:57: error: task 'b' asks for 2 of 'license'; the limit is 1\n",
            "run.yaml:5:77: error: task 'c' asks for 1 gpu, and sets CUDA_VISIBLE_DEVICES itself; leave that to saturn\n",
        ] {
            #expect(run.err.contains(words), "\(run.err)")
        }
        #expect(!session.exists("results"))
    }

    /// GPUs that nobody has told of, and no program that could tell.
    @Test func gpusOfWhichNothingIsKnown() throws {
        let session = try Session()
        try session.write("run.yaml", "tasks:\n- {name: a, command: x, resources: {gpus: 1}}\n")
        let run = try session.saturn("plan", env: ["PATH": "/nowhere"])
        #expect(run.status == 2)
        #expect(
            run.err.contains("task 'a' asks for 1 gpu; this machine has none; nvidia-smi names none; "), "\(run.err)")
        #expect(run.err.contains("say how many: executor: {class_spec: Multiprocessing, gpus: 8}"), "\(run.err)")
    }

    @Test func limitsThatAreNone() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            "executor: {class_spec: Multiprocessing, limits: {license: 0, gpus: 2}}\ntasks: [{command: x}]\n")
        let run = try session.saturn("plan")
        #expect(run.status == 2)
        #expect(run.err.contains("run.yaml:1:59: error: the limit 'license' is a number greater than 0"), "\(run.err)")
        #expect(run.err.contains("'gpus' is no limit of the user's own"), "\(run.err)")
    }

    /// Row 1: what editors of other systems write is no fault.
    @Test func byteOrderMarkAndCarriageReturns() throws {
        let session = try Session()
        try session.write(
            "run.yaml", "\u{FEFF}name: bom\r\ntasks:\r\n  - name: a\r\n    command: echo one\r\n")
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out == "bom: 1 succeeded (T)\nresults: ~/results/bom\n")
        #expect(try session.read("results/bom/a/log") == "one\n")
    }

    /// Row 2: refused at once, and without the memory it asks for.
    @Test(arguments: ["aliases", "depth"]) func bomb(_ kind: String) throws {
        let session = try Session()
        var file = "tasks: " + String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000) + "\n"
        var place = "run.yaml:1:107: error: values are nested more than 100 deep"
        if kind == "aliases" {
            // Nine to the power of twelve values.
            file = "x0: &x0 [a, a, a, a, a, a, a, a, a]\n"
            for level in 1...11 {
                let alias = "*x\(level - 1)"
                file += "x\(level): &x\(level) [\(Array(repeating: alias, count: 9).joined(separator: ", "))]\n"
            }
            file += "tasks: [{command: a}]\n"
            place = ": error: the aliases up to here expand to too many values"
        }
        try session.write("run.yaml", file)
        let (run, peakMemory) = try session.measured("run")
        #expect(run.status == 2)
        #expect(run.err.contains(place), "\(run.err.prefix(300))")
        #expect(peakMemory < 100_000_000)
    }
}

import Testing

/// Sweeps with the real binary: what is planned, what a task sees, what is refused.
@Suite(.ownThread) struct SweepTests {
    private func makeSession(_ tasks: String) throws -> Session {
        let session = try Session()
        try session.write("run.yaml", "name: sweep\ndefaults: {code: none}\ntasks:\n\(tasks)")
        return session
    }

    @Test func planAndRun() throws {
        let session = try makeSession(
            """
              - name: "lr-{lr}-s{seed}"
                command: echo {lr} '{seed}' "$SATURN_PARAM_LR" $SATURN_PARAM_SEED $SATURN_PARAM_REPEAT "$PLACE"
                env: {PLACE: "at {lr}"}
                sweep:
                  grid: {lr: [0.10, a b], seed: {range: [1, 2]}}
                  exclude: [{lr: a b, seed: 2}]
                  repeats: 1

            """)
        let plan = try session.saturn("plan")
        #expect(plan.status == 0, "\(plan.err)")
        #expect(
            plan.out == """
                sweep: 3 tasks
                  run      3  new (lr-0.10-s1, lr-0.10-s2, lr-a b-s1)

                """)
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out == "sweep: 3 succeeded (T)\nresults: ~/results/sweep\n")
        #expect(try session.read("results/sweep/lr-0.10-s2/log") == "0.10 2 0.10 2 0 at 0.10\n")
        #expect(try session.read("results/sweep/lr-a b-s1/log") == "a b 1 a b 1 0 at a b\n")
    }

    /// Under other names it is the same, and one line of the plan.
    @Test func aRenamedSweep() throws {
        let session = try makeSession(
            "  - {name: 'a-{seed}', command: 'echo {seed}', sweep: {grid: {seed: {range: [1, 5]}}}}\n")
        #expect(try session.saturn("run").status == 0)
        try session.replace("a-{seed}", "b-{seed}", in: "run.yaml")
        let plan = try session.saturn("plan")
        #expect(
            plan.out == """
                sweep: 5 tasks
                  restore  5  from the folder of another task (b-1, b-2, b-3 and 2 more)

                """)
        #expect(try PlanJSON(session.saturn("plan", "--json")).tasks[4].reason == "from the folder of a-5")
        #expect(try session.saturn("run").out == "sweep: 5 restored (T)\nresults: ~/results/sweep\n")
    }

    /// Values from a file count task by task: one more row is one more task, also when git tracks the file.
    @Test func aFileOfValues() throws {
        let session = try Session()
        try session.write(
            "deep/run.yaml",
            """
            name: sweep
            tasks:
              - command: echo {lr} {note}
                sweep: {zip: {file: params.csv}}

            """)
        try session.write("deep/params.csv", "lr,note\n0.1,\"say \"\"hi\"\"\"\n0.2,it's\n")
        try session.write(".gitignore", "results\n")
        try session.makeRepository()
        let run = try session.saturn("run", "deep/run.yaml")
        #expect(run.status == 0, "\(run.err)")
        #expect(try session.read("deep/results/sweep/lr=0.1-note=say \"hi\"/log") == "0.1 say \"hi\"\n")
        #expect(try session.read("deep/results/sweep/lr=0.2-note=it's/log") == "0.2 it's\n")
        try session.append("deep/params.csv", "0.3,\n")
        let plan = try session.saturn("plan", "deep/run.yaml")
        #expect(
            plan.out == """
                sweep: 3 tasks
                  run      1  new (lr=0.3-note=)
                  reuse    2  up to date (lr=0.1-note=say "hi", lr=0.2-note=it's)

                """)
        try session.append("deep/params.csv", "0.4\n")
        let wrong = try session.saturn("plan", "deep/run.yaml")
        #expect(wrong.status == 2)
        #expect(
            wrong.err == """
                params.csv:5:1: error: this row has 1 value, and the header 2
                  5 | 0.4
                    | ^

                """)
        try session.remove("deep/params.csv")
        let missing = try session.saturn("plan", "deep/run.yaml")
        #expect(missing.status == 2)
        #expect(
            missing.err == """
                deep/run.yaml:4:25: error: cannot read params.csv: No such file or directory; the path is relative to the run file
                  4 |     sweep: {zip: {file: params.csv}}
                    |                         ^~~~~~~~~~

                """)
    }

    @Test func whatIsWrongIsTold() throws {
        let session = try makeSession(
            """
              - name: "lr-{lr}"
                command: python train.py --lr {lrr}; awk '{print $1}' ${HOME}
                sweep: {grid: {lr: [0.1, 0.2]}}
              - command: x {a} {b}
                sweep: {zip: {a: [1, 2], b: [1, 2, 3]}}
              - command: x {a}
                sweep: {grid: {a: []}}
              - command: x {a}
                sweep: {grid: {a: [1, 2]}, exclude: [{a: 3}]}
              - {name: last, command: x, needs: [lr-0.1, a=1]}

            """)
        for command in ["plan", "run"] {
            let transcript = try session.saturn(command)
            #expect(transcript.status == 2)
            #expect(transcript.out == "")
            #expect(
                transcript.err == """
                    run.yaml:5:35: error: unknown parameter 'lrr'; did you mean 'lr'?
                      5 |     command: python train.py --lr {lrr}; awk '{print $1}' ${HOME}
                        |                                   ^~~~~
                    run.yaml:8:33: error: 'b' has 3 values, and 'a', with which it goes in step, has 2; give all parameters of 'zip' as many values
                      8 |     sweep: {zip: {a: [1, 2], b: [1, 2, 3]}}
                        |                                 ^~~~~~~~~
                    run.yaml:10:23: error: empty grid: 'a' has no values
                      10 |     sweep: {grid: {a: []}}
                         |                       ^~
                    run.yaml:12:46: error: 'a' has no value '3'; its values are 1, 2
                      12 |     sweep: {grid: {a: [1, 2]}, exclude: [{a: 3}]}
                         |                                              ^

                    """)
        }
        #expect(!session.exists("results"))
    }

    /// What is wrong with every task of a sweep is told of a few.
    @Test func oneMistakeInManyTasks() throws {
        let session = try makeSession(
            "  - {command: x, sweep: {grid: {a: {range: [1, 1000]}}}, inputs: ['{a}.csv', run.yaml]}\n")
        let plan = try session.saturn("plan")
        #expect(plan.status == 2)
        let excerpt = """
              4 |   - {command: x, sweep: {grid: {a: {range: [1, 1000]}}}, inputs: ['{a}.csv', run.yaml]}
                |                                                                   ^~~~~~~~~

            """
        let errors = (1...3).map { number in
            "run.yaml:4:67: error: the input '\(number).csv' does not exist in ~\n\(excerpt)"
        }
        #expect(plan.err == errors.joined() + "run.yaml:4:67: note: and 997 more like this\n\(excerpt)")
    }

    /// Nothing of it is made: the memory is that of any small run.
    @Test func aBillionTasks() throws {
        let session = try makeSession(
            "  - {command: x, sweep: {grid: {a: {range: [1, 1000000]}, b: {range: [1, 1000]}}}}\n")
        let (plan, peakMemory) = try session.measured("plan")
        #expect(plan.status == 2)
        #expect(
            plan.err == """
                run.yaml:4:18: error: the sweep has 1,000,000,000 tasks, more than 'max_tasks', 1,000,000; take fewer values, or set 'max_tasks' at the top of the run file
                  4 |   - {command: x, sweep: {grid: {a: {range: [1, 1000000]}, b: {range: [1, 1000]}}}}
                    |                  ^~~~~

                """)
        #expect(peakMemory < 100_000_000)
    }

    /// As many as a run may have: how many they are is the first thing that is said.
    @Test func aMillionTasks() throws {
        let session = try makeSession(
            """
              - name: "train-{a}-{b}"
                command: python3 train.py --alpha {a} --beta {b}
                env: {ALPHA: "{a}"}
                inputs: data.csv
                sweep: {grid: {a: {range: [1, 1000]}, b: {range: [1, 1000]}}}

            """)
        try session.write("data.csv", "1\n")
        let (plan, peakMemory) = try session.measured("plan")
        #expect(plan.status == 0, "\(plan.err)")
        #expect(plan.err == "sweep: 1000000 tasks; planning them\n")
        #expect(
            plan.out.hasPrefix(
                "sweep: 1000000 tasks\n  run      1000000  new (train-1-1, train-1-2, train-1-3 and 999997 more)\n"))
        #expect(peakMemory < 1_500_000_000)
    }

    /// The shell reads back what the value is, wherever it stands.
    @Test(arguments: [
        "a b", "it's", "say \"hi\"", "$HOME `x` \\ \\\\", "$(echo no)", "", "*", "~", "# no", "a\nb", "{v}",
    ])
    func aShellReadsTheValue(_ value: String) throws {
        let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        let session = try makeSession(
            """
              - name: x
                command: |
                  # don't {v}
                  for word in {v} "{v}" '{v}' "$(printf %s_ {v} "{v}")"; do printf '[%s]' "$word"; done
                  cat << END; printf %s {v}
                  it's "{v}"
                  END
                sweep: {grid: {v: ["\(escaped)"]}}

            """)
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        let words = "[\(value)][\(value)][\(value)][\(value)_\(value)_]"
        #expect(try session.read("results/sweep/x/log") == "\(words)it's \"\(value)\"\n\(value)")
    }
}

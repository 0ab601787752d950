import SaturnCore
import Testing

/// What a sweep gives: the combinations, their order, their names.
@Suite struct SweepTests {
    private func assignments(_ reading: Reading) -> [String] {
        reading.spec.tasks.map { $0.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ") }
    }

    /// The combinations of one entry with this sweep.
    private func combinations(_ sweep: String, files: [String: String] = [:]) -> [String] {
        let reading = Reading("tasks:\n- command: x\n  sweep: \(sweep)\n", files: files)
        #expect(reading.problems == [])
        return assignments(reading)
    }

    @Test func theExample() {
        let reading = Reading(
            """
            tasks:
              - name: "lr-{lr}-s{seed}"
                command: python train.py --lr {lr} --seed {seed}
                sweep:
                  grid: {lr: [0.1, 0.01], seed: {range: [1, 2]}}
                  zip: {model: [a, b], width: [64, 128]}
                  exclude: [{lr: 0.1, seed: 2}, {seed: 1, width: 128}]
                  include: [{lr: 1.0, seed: 1, model: a, width: 64}]
                  repeats: 2
              - last
            """)
        #expect(reading.problems == [])
        #expect(
            assignments(reading).filter { $0.hasSuffix("repeat=0") } == [
                "lr=0.1 seed=1 model=a width=64 repeat=0",
                "lr=0.01 seed=1 model=a width=64 repeat=0",
                "lr=0.01 seed=2 model=a width=64 repeat=0", "lr=0.01 seed=2 model=b width=128 repeat=0",
                "lr=1.0 seed=1 model=a width=64 repeat=0",
            ])
        let tasks = reading.spec.tasks
        #expect(tasks.map(\.index) == Array(0...10))
        #expect(
            tasks.prefix(2).map(\.name) == [
                "lr-0.1-s1-model=a-width=64-repeat=0", "lr-0.1-s1-model=a-width=64-repeat=1",
            ])
        #expect(tasks[2].command.text == "python train.py --lr 0.01 --seed 1")
        #expect(tasks[10].name == "10")
        #expect(tasks[10].parameters == [])
        #expect(tasks[0].mark == SourceMark(line: 2, column: 11, length: 17))
    }

    @Test func theLastParameterOfTheGridIsTheFastest() {
        #expect(
            combinations("{grid: {a: [1, 2], b: [x, y], c: 0.10}}") == [
                "a=1 b=x c=0.10", "a=1 b=y c=0.10", "a=2 b=x c=0.10", "a=2 b=y c=0.10",
            ])
        #expect(
            combinations("{zip: {a: [1, 2], b: [x, x]}, grid: {c: [no, yes]}, repeats: 1}") == [
                "c=no a=1 b=x repeat=0", "c=no a=2 b=x repeat=0", "c=yes a=1 b=x repeat=0", "c=yes a=2 b=x repeat=0",
            ])
    }

    @Test func withoutAGrid() {
        #expect(combinations("{repeats: 3}") == ["repeat=0", "repeat=1", "repeat=2"])
        #expect(
            combinations("{include: [{a: 1, b: x}, {b: y, a: 2}], repeats: 1}") == [
                "a=1 b=x repeat=0", "a=2 b=y repeat=0",
            ])
        #expect(combinations("{include: {a: 1, b: ''}}") == ["a=1 b="])
        // What is excluded can be included again.
        #expect(combinations("{grid: {a: [1, 2]}, exclude: {a: 1}, include: {a: 1}}") == ["a=2", "a=1"])
    }

    @Test(arguments: [
        ("[1, 5]", "1 2 3 4 5"), ("[0, 1, 0.25]", "0 0.25 0.5 0.75 1"),
        ("[0.1, 0.5, 0.1]", "0.1 0.2 0.3 0.4 0.5"), ("[0, 1, 0.3]", "0 0.3 0.6 0.9"), ("[5, 1, -2]", "5 3 1"),
        ("[-0.2, 0.15, 0.1]", "-0.2 -0.1 0.0 0.1"), ("[7, 7]", "7"), ("[1e3, 3e3, 1e3]", "1000 2000 3000"),
        ("[0, 2e-3, 1e-3]", "0 0.001 0.002"), ("[1.00, 2]", "1.00 2.00"), ("[.5, 1.5]", "0.5 1.5"),
        ("[9223372036854775806, 9223372036854775807]", "9223372036854775806 9223372036854775807"),
    ]) func ranges(_ range: String, _ values: String) {
        #expect(combinations("{grid: {v: {range: \(range)}}}") == values.split(separator: " ").map { "v=\($0)" })
    }

    @Test(arguments: [
        ("linspace: [0, 1, 5]", "0 0.25 0.5 0.75 1"), ("linspace: [-0.1, 0.2, 4]", "-0.1 0 0.1 0.2"),
        ("linspace: [0, 1, 4]", "0 0.333333333333 0.666666666667 1"), ("linspace: [3, 1, 3]", "3 2 1"),
        ("linspace: [0, 1e9, 3]", "0 500000000 1000000000"), ("linspace: [1.0, 2.50, 2]", "1 2.5"),
        ("logspace: [0.0001, 0.1, 4]", "0.0001 0.001 0.01 0.1"), ("logspace: [1, 1000000, 3]", "1 1000 1000000"),
        ("logspace: [100, 1, 3]", "100 10 1"), ("logspace: [1, 2, 3]", "1 1.41421356237 2"),
        ("logspace: [1e-12, 1e20, 3]", "1e-12 10000 1e20"), ("logspace: [1e-7, 1e15, 2]", "0.0000001 1e15"),
    ]) func spaces(_ space: String, _ values: String) {
        #expect(combinations("{grid: {v: {\(space)}}}") == values.split(separator: " ").map { "v=\($0)" })
    }

    @Test func scalarsKeepTheirText() {
        #expect(
            combinations("{grid: {v: [0.10, no, 1e-3, 'a b', \"\", 007, true]}}")
                == ["v=0.10", "v=no", "v=1e-3", "v=a b", "v=", "v=007", "v=true"])
    }

    @Test func fromDefaults() {
        let reading = Reading(
            """
            defaults:
              command: run {seed}
              env: {SEED: "{seed}", SAME: yes}
              inputs: "in/{seed}.csv"
              workdir: "w{seed}"
              needs: [prepare]
              sweep: {grid: {seed: [1, 2]}}
            tasks:
              - name: own
                sweep: {include: [{seed: 7}]}
              - {name: "prepare", sweep: {grid: {seed: 5}}, needs: []}
              - name: "t{seed}"
            """)
        #expect(reading.problems == [])
        let tasks = reading.spec.tasks
        #expect(tasks.map(\.name) == ["own", "prepare", "t1", "t2"])
        #expect(tasks.map(\.command.text) == ["run 7", "run 5", "run 1", "run 2"])
        #expect(tasks[3].env == [Variable("SAME", "yes"), Variable("SEED", "2")])
        #expect(tasks[3].inputs == [Marked("in/2.csv", at: SourceMark(line: 4, column: 11, length: 15))])
        #expect(tasks[3].workdir == "w2")
        #expect(tasks[3].needs.map(\.value) == ["prepare"])
    }

    @Test func aTaskFileAndSettings() {
        let reading = Reading(
            "tasks: [x]", tasks: "- {name: 't', command: '{a}', sweep: {grid: {a: [1, 2]}}}\n- y\n",
            set: ["tasks.t.sweep.grid.a=[3]", "tasks.t.sweep.repeats=2"])
        #expect(reading.problems == [])
        #expect(reading.spec.tasks.map(\.name) == ["0", "t-repeat=0", "t-repeat=1", "3"])
        #expect(reading.spec.tasks.map(\.command.text) == ["x", "3", "3", "y"])
    }

    /// What no parameter occurs in is not copied for each task.
    @Test func whatIsConstantIsShared() {
        let reading = Reading(
            "tasks:\n- command: x\n  env: {A: a, B: '${a}'}\n  inputs: [i]\n  sweep: {grid: {a: [1, 2]}}\n")
        #expect(reading.problems == [])
        func address(_ task: Int) -> [UnsafeRawPointer?] {
            let spec = reading.spec.tasks[task]
            return [
                spec.env.withUnsafeBytes { $0.baseAddress }, spec.inputs.withUnsafeBytes { $0.baseAddress },
            ]
        }
        #expect(address(0) == address(1))
    }
}

/// The names of a sweep's tasks.
@Suite struct SweepNameTests {
    private func names(_ name: String?, _ sweep: String) -> [String] {
        let line = name.map { "  name: \"\($0)\"\n" } ?? ""
        let reading = Reading("tasks:\n- command: x\n\(line)  sweep: \(sweep)\n")
        #expect(reading.problems == [])
        return reading.spec.tasks.map(\.name)
    }

    @Test func missingParametersAreAppended() {
        let sweep = "{grid: {lr: [0.1, 0.2], same: [1], seed: [1, 2]}}"
        #expect(
            names("train", sweep) == [
                "train-lr=0.1-seed=1", "train-lr=0.1-seed=2", "train-lr=0.2-seed=1", "train-lr=0.2-seed=2",
            ])
        #expect(names("{seed}-x", sweep).first == "1-x-lr=0.1")
        #expect(names("{same}{lr:raw}/{seed}".replacing("/", with: "_"), sweep).first == "10.1_1")
        #expect(names(nil, sweep).first == "lr=0.1-seed=1")
        #expect(names("a", "{repeats: 2}") == ["a-repeat=0", "a-repeat=1"])
        #expect(names(nil, "{repeats: 2}") == ["repeat=0", "repeat=1"])
    }

    @Test func ofASingleTask() {
        #expect(names("a", "{grid: {lr: 0.1}}") == ["a"])
        #expect(names(nil, "{grid: {lr: 0.1, seed: 2}}") == ["lr=0.1-seed=2"])
        #expect(names(nil, "{repeats: 1}") == ["repeat=0"])
    }

    @Test func aParameterVariesThroughIncludeToo() {
        #expect(
            names("a", "{grid: {n: [1]}, include: [{n: 2}]}") == ["a-n=1", "a-n=2"])
        #expect(names("a", "{zip: {n: [1, 2], m: [3, 3]}}") == ["a-n=1", "a-n=2"])
    }

    @Test func whatNamesCannotHold() {
        #expect(
            names("f-{f}", #"{grid: {f: [data/a.csv, "b\tc", "é ü", "\x7f"]}}"#) == [
                "f-data_a.csv", "f-b_c", "f-é ü", "f-_",
            ])
        #expect(names("f-{f:raw}", "{grid: {f: a/b}}") == ["f-a_b"])
    }

    @Test(arguments: [
        Refused(
            "{name: 'x-{a}', command: x, sweep: {grid: {a: [a/b, a_b, a/b_]}}}",
            "1:16: duplicate task name 'x-a_b', of a=a/b and a=a_b"),
        Refused(
            "{name: '{a}{b}', command: x, sweep: {grid: {a: [1, 11], b: [1, 11], c: [x]}}}",
            "1:16: duplicate task name '111', of a=1 b=11 and a=11 b=1"),
        Refused(
            "{name: 'x{m}', command: x, sweep: {grid: {m: [a, A]}}}",
            "1:16: the task names 'xa' and 'xA', of m=a and m=A, differ only in case"),
        Refused(
            "{command: x, sweep: {repeats: 2}}, {command: x, sweep: {repeats: 2}}",
            "1:44: duplicate task name 'repeat=0'; the first is at line 1"),
        Refused(
            "x, {name: '{a}', command: x, sweep: {grid: {a: [0, 1]}}}",
            "1:19: the name '0' is the position of the task without a name at line 1"),
        Refused(
            "{name: 'x{a}', command: x, sweep: {grid: {a: [1, 2]}}}, {name: X2, command: x}",
            "1:72: the task's name 'X2' differs only in case from 'x2' at line 1"),
        Refused(
            "{name: '{a}', command: x, sweep: {grid: {a: [., '', ..]}}}",
            "1:16: the task's name '.', of a=., is reserved"),
        Refused(
            "{name: '{a}', command: x, sweep: {grid: {a: [ok, '', ..]}}}",
            "1:16: the task's name '', of a=, is empty"),
        Refused(
            "{name: 'a/{a}', command: x, sweep: {grid: {a: [1, 2]}}}",
            "1:16: the task's name 'a/1', of a=1, contains '/'"),
        Refused(
            "{name: [a], command: x, sweep: {grid: {a: [1, 2]}}}", "1:16: expected a string, found a list"),
    ]) func refused(_ tasks: Refused) {
        #expect(Reading("tasks: [\(tasks.yaml)]").problems == tasks.problems)
    }

    @Test func tooLong() {
        let long = String(repeating: "y", count: 201)
        let reading = Reading("tasks: [{name: '{a}', command: x, sweep: {grid: {a: [\(long), \(long)z]}}}]")
        #expect(reading.problems.count == 1)
        #expect(reading.problems.first?.hasSuffix("is longer than 200 bytes") == true, "\(reading.problems)")
    }
}

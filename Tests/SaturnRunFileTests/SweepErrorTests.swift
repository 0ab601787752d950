import SaturnCore
import Testing

/// What is wrong with a sweep, and where.
@Suite struct SweepErrorTests {
    @Test(arguments: [
        Refused("", "3:11: expected a mapping with 'grid', 'zip', 'include' or 'repeats', found nothing"),
        Refused(" [1]", "3:12: expected a mapping with 'grid', 'zip', 'include' or 'repeats', found a list"),
        Refused(" {}", "3:12: the sweep is empty; give it a 'grid', 'zip', 'include' or 'repeats'"),
        Refused(" {gird: {a: [1]}}", "3:13: unknown key 'gird'; did you mean 'grid'?"),
        Refused(" {repeat: 3}", "3:13: unknown key 'repeat'; did you mean 'repeats'?"),
        Refused(" {lr: [1]}", "3:13: unknown key 'lr'; parameters go under 'grid' or 'zip'"),
        Refused(" {grid: {}}", "3:19: empty grid: it has no parameters"),
        Refused(" {grid: {a: []}}", "3:23: empty grid: 'a' has no values"),
        Refused(" {zip: {a: []}}", "3:22: empty zip: 'a' has no values"),
        Refused(" {grid: [a]}", "3:19: expected a mapping of parameters and their values, found a list"),
        Refused(
            " {grid: {a: ~}}",
            "3:23: expected a list of values, or one of range, linspace, logspace and file, found nothing; "
                + "write \"\" for an empty value"),
        Refused(
            " {grid: {a: [1, ~, [2], {b: 3}]}}",
            "3:27: expected a value, found nothing; write \"\" for an empty value",
            "3:30: expected a value, found a list", "3:35: expected a value, found a mapping"),
        Refused(" {grid: {a: [\"x\\0\"]}}", "3:24: the text contains a NUL character"),
        Refused(" {grid: {a: [1, 2, 1]}}", "3:30: duplicate value '1' of 'a'"),
        Refused(
            " {zip: {a: [1, 2], b: [1, 2, 3]}}",
            "3:33: 'b' has 3 values, and 'a', with which it goes in step, has 2; "
                + "give all parameters of 'zip' as many values"),
        Refused(
            " {zip: {a: [1, 2], b: x}}",
            "3:33: 'b' has 1 value, and 'a', with which it goes in step, has 2; "
                + "give all parameters of 'zip' as many values"),
        Refused(
            " {zip: {a: [1, 2, 1], b: [x, x, x]}}",
            "3:22: duplicate values of 'a' and 'b' in step: their 1. and 3. are the same"),
        Refused(
            " {grid: {1a: [1], 'a b': [1], '': [1], -a: [1]}}",
            "3:20: '1a' is not a parameter's name; use letters, digits, '_' and '-', and begin with a letter or '_'",
            "3:29: 'a b' is not a parameter's name; use letters, digits, '_' and '-', and begin with a letter or '_'",
            "3:41: '' is not a parameter's name; use letters, digits, '_' and '-', and begin with a letter or '_'",
            "3:50: '-a' is not a parameter's name; use letters, digits, '_' and '-', and begin with a letter or '_'"),
        Refused(
            " {grid: {a: [1]}, zip: {a: [2]}}", "3:35: duplicate parameter 'a'; the first is at line 3"),
        Refused(
            " {grid: {a-b: [1], a_b: [2]}}",
            "3:30: 'a-b' and 'a_b' would both be SATURN_PARAM_A_B; rename one of them"),
        Refused(
            " {grid: {lr: [1], LR: [2]}}", "3:29: 'lr' and 'LR' would both be SATURN_PARAM_LR; rename one of them"),
        Refused(
            " {grid: {repeat: [1]}, repeats: 2}",
            "3:20: 'repeat' is the parameter that 'repeats' makes; choose another name"),
        Refused(" {repeats: 0}", "3:22: expected a whole number from 1 to 1,000,000, found '0'"),
        Refused(" {repeats: 1000001}", "3:22: expected a whole number from 1 to 1,000,000, found '1000001'"),
    ]) func shape(_ sweep: Refused) {
        let reading = Reading(task: "sweep:\(sweep.yaml)")
        #expect(reading.problems == sweep.problems)
        #expect(reading.spec.tasks.isEmpty)
    }

    @Test(arguments: [
        Refused("{rnage: [1, 2]}", "3:24: unknown key 'rnage'; did you mean 'range'?"),
        Refused(
            "{a: 1, b: 2}", "3:23: expected one of range, linspace, logspace and file, found a mapping"),
        Refused("{range: 5}", "3:31: expected [start, stop] or [start, stop, step], found '5'"),
        Refused("{range: [5]}", "3:31: expected [start, stop] or [start, stop, step], found a list of 1"),
        Refused("{range: [a, .inf]}", "3:32: expected a number, found 'a'", "3:35: expected a number, found '.inf'"),
        Refused("{range: [1, 0x10]}", "3:35: expected a number, found '0x10'"),
        Refused("{range: [1, 2, 0]}", "3:38: the step of a range cannot be 0"),
        Refused("{range: [1, 2, 0.00]}", "3:38: the step of a range cannot be 0"),
        Refused("{range: [5, 1]}", "3:31: a step of 1 does not lead from 5 to 1; write [5, 1, -1]"),
        Refused("{range: [1, 2, -.5]}", "3:31: a step of -0.5 does not lead from 1 to 2; write [1, 2, 0.5]"),
        Refused("{range: [1, 1e30]}", "3:35: this number has more digits than saturn counts with"),
        Refused("{range: [1e18, 2e18, 0.001]}", "3:31: these numbers have more digits than saturn counts with"),
        Refused(
            "{range: [-9223372036854775807, 1, -1]}", "3:31: these numbers have more digits than saturn counts with"),
        Refused(
            "{linspace: [0, 1, 1]}",
            "3:41: the count is a whole number of at least 2, since both ends are included, not '1'"),
        Refused(
            "{linspace: [0, 1, 2.5]}",
            "3:41: the count is a whole number of at least 2, since both ends are included, not '2.5'"),
        Refused("{linspace: [0, 1]}", "3:34: expected [start, stop, count], found a list of 2"),
        Refused(
            "{linspace: [1, 1, 3]}",
            "3:23: duplicate value '1' of 'a'; take a smaller count: values are rounded to twelve digits"),
        Refused(
            "{logspace: [-4, 1, 4]}",
            "3:35: logspace goes from value to value, both more than 0, not '-4'; "
                + "write the values themselves and not their exponents, as in [0.001, 0.1, 3]"),
        Refused(
            "{logspace: [1, 0, 4]}",
            "3:38: logspace goes from value to value, both more than 0, not '0'; "
                + "write the values themselves and not their exponents, as in [0.001, 0.1, 3]"),
    ]) func values(_ values: Refused) {
        #expect(Reading(task: "sweep: {grid: {a: \(values.yaml)}}").problems == values.problems)
    }

    @Test(arguments: [
        Refused("exclude: [{lr: 0.3}]", "5:22: 'lr' has no value '0.3'; did you mean '0.1'?"),
        Refused("exclude: [{lr: big}]", "5:22: 'lr' has no value 'big'; its values are 0.1, 0.01"),
        Refused("exclude: [{lrr: 1}]", "5:18: unknown parameter 'lrr'; did you mean 'lr'?"),
        Refused(
            "exclude: [{zebra: 1}, {lr: []}]", "5:34: expected a value, found a list"),
        Refused("exclude: [{zebra: 1}]", "5:18: unknown parameter 'zebra'; the parameters are lr, m, w"),
        Refused("exclude: [{m: a, w: 2}]", "5:17: this matches no combination of the sweep"),
        Refused("exclude: [{repeat: 1}]", "5:18: unknown parameter 'repeat'; every combination has all its repeats"),
        Refused(
            "exclude: [{}, a]", "5:17: this mapping is empty",
            "5:21: expected a mapping of parameters and values, found 'a'"),
        Refused("exclude: a", "5:16: expected a list of mappings, found 'a'"),
        Refused("exclude: [{lr: 0.1}, {lr: 0.01}]", "5:17: the sweep is empty: 'exclude' leaves nothing of it"),
        Refused(
            "include: [{lr: 1, m: a}]",
            "5:17: 'w' is missing; an entry of 'include' gives every parameter a value"),
        Refused(
            "include: [{lr: 1, m: a, w: 1, x: 1}]", "5:37: unknown parameter 'x'; the parameters are lr, m, w"),
        Refused(
            "include: [{lr: 0.1, m: a, w: 1}]", "5:17: duplicate combination: it is in the sweep without 'include'"),
        Refused(
            "include: [{lr: 1, m: a, w: 1}, {w: 1, lr: 1, m: a}]",
            "5:38: duplicate combination; the first is at line 5"),
    ]) func excludeAndInclude(_ section: Refused) {
        let reading = Reading(
            """
            tasks:
              - command: x
                sweep:
                  grid: {lr: [0.1, 0.01]}
                  \(section.yaml)
                  zip: {m: [a, b], w: [1, 2]}
                  repeats: 2
            """)
        #expect(reading.problems == section.problems)
    }

    @Test func includeAloneAndExcludeAlone() {
        #expect(
            Reading(task: "sweep: {include: [{a: 1}, {b: 1}]}").problems == [
                "3:32: unknown parameter 'b'; the parameters are a"
            ])
        #expect(
            Reading(task: "sweep: {repeats: 2, exclude: [{a: 1}]}").problems == [
                "3:35: 'exclude' takes from 'grid' and 'zip', and there is neither"
            ])
        #expect(
            Reading(task: "sweep: {include: [{a b: 1}]}").problems == [
                "3:24: 'a b' is not a parameter's name; use letters, digits, '_' and '-', and begin with a letter or '_'"
            ])
    }

    /// Nothing of it is made: there would be no memory for it.
    @Test(arguments: [
        Refused(
            "{grid: {a: {range: [1, 1000000000]}}}",
            "3:5: the sweep has 1,000,000,000 tasks, more than 'max_tasks', 1,000,000; "
                + "take fewer values, or set 'max_tasks' at the top of the run file"),
        Refused(
            "{grid: {a: {linspace: [0, 1, 1000]}, b: {range: [1, 1000]}}, repeats: 1000}",
            "3:5: the sweep has 1,000,000,000 tasks, more than 'max_tasks', 1,000,000; "
                + "take fewer values, or set 'max_tasks' at the top of the run file"),
        Refused(
            "{grid: {a: {range: [1, 9e18]}, b: {logspace: [1, 9, 9000000000]}}}",
            "3:5: the sweep has more than 9,223,372,036,854,775,807 tasks; take fewer values"),
        Refused(
            "{grid: {a: {range: [1, 1000000]}}, include: [{a: 0}], exclude: [{a: 1}, {a: 2}]}",
            "3:5: the sweep has 1,000,001 tasks, more than 'max_tasks', 1,000,000; "
                + "take fewer values, or set 'max_tasks' at the top of the run file"),
    ]) func tooMany(_ sweep: Refused) {
        #expect(Reading(task: "sweep: \(sweep.yaml)").problems == sweep.problems)
    }

    @Test func tooManyTogether() {
        let reading = Reading(
            """
            max_tasks: 10
            tasks:
              - {name: a, command: x, sweep: {repeats: 5}}
              - {name: b, command: x, sweep: {repeats: 6}}
              - {name: c, command: x, sweep: {repeats: 4}}
              - {name: d, command: x}
              - {name: e, command: x}
              - {name: f, command: x, needs: [b-repeat=0]}
            """)
        #expect(
            reading.problems == [
                "4:27: with this sweep there are 11 tasks, more than 'max_tasks', 10; "
                    + "take fewer values, or set 'max_tasks' at the top of the run file"
            ])
        let plain = Reading("max_tasks: 6\ntasks:\n- {name: a, command: x, sweep: {repeats: 5}}\n- x\n- y\n- z\n")
        #expect(plain.problems == ["5:3: there are more tasks than 'max_tasks', 6"])
    }

    /// The others' needs cannot be judged, and the rest is.
    @Test func theRestIsStillChecked() {
        let reading = Reading(
            """
            defaults: {sweep: {grid: {a: []}}}
            tasks:
              - {name: a, command: x, retries: many}
              - {name: b, comand: x}
              - {name: c, command: x, sweep: {grid: {a: [1]}}, needs: [a]}
            """)
        #expect(
            reading.problems == [
                "1:30: empty grid: 'a' has no values", "3:36: expected a whole number from 0 to 1000, found 'many'",
                "4:12: this task has no 'command'", "4:15: unknown key 'comand'; did you mean 'command'?",
            ])
        #expect(reading.spec.tasks.map(\.needs) == [[]])
    }
}

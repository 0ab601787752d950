import SaturnCore
import SaturnTesting
import Testing

/// Parameters in braces.
@Suite struct TemplateTests {
    /// The command of the only task, whose parameter `v` has this value and `n` is 3.
    private func filled(_ command: String, _ value: String) -> String {
        func yaml(_ text: String) -> String {
            let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return "\"" + escaped.replacing("\n", with: "\\n") + "\""
        }
        let reading = Reading(
            "tasks:\n- {name: x, command: \(yaml(command)), sweep: {grid: {v: \(yaml(value)), n: 3}}}\n")
        #expect(reading.problems.filter { !$0.contains("a value cannot be quoted inside") } == [])
        return reading.task.command.text
    }

    @Test(arguments: [
        ("echo `basename {v}`", "backticks"), ("echo \"`x \"{v}\"`\"", "backticks"), ("echo ${X:-{v}}", "${…}"),
        ("echo \"${X:-{v}}\"", "${…}"), ("echo `x $(y {v})`", "backticks"),
    ]) func whereAValueCannotBeQuoted(_ command: String, place: String) {
        func reading(_ command: String) -> Reading {
            Reading("tasks:\n- {name: x, command: '\(command)', sweep: {grid: {v: [a, b]}}}\n")
        }
        let problems = reading(command).problems
        #expect(problems.count == 1, "once, and not for every task")
        #expect(problems.first?.contains("a value cannot be quoted inside \(place)") == true)
        #expect(reading(command.replacing("{v}", with: "{v:raw}")).problems == [])
    }

    @Test(arguments: ["echo \"${X:-$(y {v})}\"", "echo ${X} {v}", "echo \"${X}\" {v}", "echo `x` {v}"])
    func behindOneItCan(_ command: String) {
        #expect(filled(command, "a b") == command.replacing("{v}", with: "'a b'"))
        #expect(Reading("tasks:\n- {name: x, command: '\(command)', sweep: {grid: {v: a}}}\n").problems == [])
    }

    @Test(arguments: [
        ("echo {v}", "0.1", "echo 0.1"), ("echo {v}", "a b", "echo 'a b'"), ("echo x{v}y", "a b", "echo x'a b'y"),
        ("echo {v}", "it's", "echo 'it'\\''s'"), ("echo {v}", "", "echo ''"), ("echo {v}", "$(rm)", "echo '$(rm)'"),
        ("echo {v:raw}", "a b", "echo a b"), ("{v}{n}{v}", "a", "a3a"), ("echo {v}", "{n}", "echo '{n}'"),
        ("echo \"{v}\"", "a b", "echo \"a b\""), ("echo \"{v}\"", "a\"$`\\", "echo \"a\\\"\\$\\`\\\\\""),
        ("echo '{v}'", "a b", "echo 'a b'"), ("echo '{v}'", "it's", "echo 'it'\\''s'"),
        ("echo '\"' {v} '\"'", "a b", "echo '\"' 'a b' '\"'"), ("echo \"it's {v}\"", "a b", "echo \"it's a b\""),
        ("echo \\\" {v}", "a b", "echo \\\" 'a b'"), ("echo \"\\\" {v}\"", "a b", "echo \"\\\" a b\""),
        ("echo \"$(basename {v})\"", "a b", "echo \"$(basename 'a b')\""),
        ("echo \"$(basename \"{v}\") {v}\"", "a b", "echo \"$(basename \"a b\") a b\""),
        ("(cd {v}; x) \"{v}\"", "a b", "(cd 'a b'; x) \"a b\""),
        ("echo # don't\necho {v}", "a b", "echo # don't\necho 'a b'"),
        ("echo a#'b {v}'", "a b", "echo a#'b a b'"), ("echo # {v}\nx", "a\nb/", "echo # a_b_\nx"),
        ("echo $# '{v}' ${#x} {v}", "a b", "echo $# 'a b' ${#x} 'a b'"),
        ("cat <<EOF\ndon't {v}\nEOF\necho {v}", "$a b", "cat <<EOF\ndon't \\$a b\nEOF\necho '$a b'"),
        ("cat <<'EOF'\n\"{v}\nEOF\necho {v}", "$a b", "cat <<'EOF'\n\"$a b\nEOF\necho '$a b'"),
        ("cat <<-X; echo {v}\n\t{v}\n\tX\n{v}", "a b", "cat <<-X; echo 'a b'\n\ta b\n\tX\n'a b'"),
        ("cat <<A <<B\n{v}\nA\n{v}\nB\n{v}", "a b", "cat <<A <<B\na b\nA\na b\nB\n'a b'"),
        ("cat <<E\n$(echo {v})\nE", "a b", "cat <<E\n$(echo 'a b')\nE"),
        ("cat <<<{v} '\n'", "a b", "cat <<<'a b' '\n'"),
        ("echo $((1<<{n})) '\n'{v}", "a b", "echo $((1<<3)) '\n''a b'"),
        ("((x = 1 << 2)); echo {v}\n{v}", "a b", "((x = 1 << 2)); echo 'a b'\n'a b'"),
    ]) func inAShell(_ command: String, _ value: String, _ expected: String) {
        #expect(filled(command, value) == expected)
    }

    @Test(arguments: [
        "awk '{print $1}'", "awk '{print}'", "echo ${v} ${HOME} ${v:raw} ${v:-1}", "echo {a,b} {1..3} {} {{}} { v }",
        "find . -exec cat {} +", "f() { x; }; f", "echo \\{v}", "echo {v:>10} {v.x} {v", "echo {x} {V1}", "{",
        "echo {é}", "a{", "a{v:raw",
    ]) func staysAsItIs(_ command: String) {
        #expect(filled(command, "1") == command)
    }

    /// Quotes that are never closed, and worse.
    @Test func anyTextIsRead() {
        let seed = SeededGenerator.chosenSeed
        var random = SeededGenerator(seed: seed)
        let parts = [
            "{v}", "{v}", "{", "}", "$", "(", ")", "((", "'", "\"", "\\", "`", "#", " ", "\n", "<<", "<<-", "E", "\t",
            "é", ";",
        ]
        for _ in 0..<1000 {
            let count = Int.random(in: 0...20, using: &random)
            let command = "x" + (0..<count).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
            let filled = filled(command, "7").replacing("{v}", with: "7")
            #expect(filled == command.replacing("{v}", with: "7"), "SATURN_TEST_SEED=\(seed) \(command)")
        }
    }

    @Test func inAListAndElsewhere() {
        let reading = Reading(
            """
            tasks:
              - command: [echo, "{v}", "a {v} ${v}", "{v:raw}"]
                env: {A: "<{v}>", B: "${v}", C: plain}
                inputs: ["in/{v}", all]
                needs: ["x{v}"]
                workdir: "w/{v}"
                sweep: {grid: {v: "a b*"}}
              - {name: "xa b*", command: x}
            """)
        #expect(reading.problems == [])
        let task = reading.task
        #expect(task.command == .direct(["echo", "a b*", "a a b* ${v}", "a b*"]))
        #expect(task.env == [Variable("A", "<a b*>"), Variable("B", "${v}"), Variable("C", "plain")])
        #expect(task.inputs.map(\.value) == ["in/a b*", "all"])
        #expect(task.needs == [Marked("xa b*", at: SourceMark(line: 5, column: 13, length: 6))])
        #expect(task.workdir == "w/a b*")
    }

    /// Without a sweep there are no templates.
    @Test func withoutASweep() {
        let reading = Reading(task: "name: 'a-{b}'", "env: {A: '{b}'}")
        #expect(reading.problems == [])
        #expect(reading.task.name == "a-{b}")
    }

    @Test(arguments: [
        Refused("command: train --lr {lrr}", "3:25: unknown parameter 'lrr'; did you mean 'lr'?"),
        Refused(
            "command: train --lr {LR} {lrr:raw} {LR}", "3:25: unknown parameter 'LR'; did you mean 'lr'?",
            "3:30: unknown parameter 'lrr'; did you mean 'lr'?"),
        Refused("command: 'é{sed}'", "3:16: unknown parameter 'sed'; did you mean 'seed'?"),
        Refused("command: {}", "3:14: expected a command, as a string or a list of strings, found a mapping"),
        Refused("command: x {zebra:raw}", "3:16: unknown parameter 'zebra'; the parameters are lr, seed, n"),
        Refused("command: x {N}", "3:16: unknown parameter 'N'; did you mean 'n'?"),
        Refused("command: x {repeat}", "3:16: unknown parameter 'repeat'; add 'repeats' to the sweep"),
        Refused("command: [a, 'x {sede}']", "3:21: unknown parameter 'sede'; did you mean 'seed'?"),
        Refused("command: 'it''s {sede}'", "3:14: unknown parameter 'sede'; did you mean 'seed'?"),
        Refused("command: |\n        a\n        {sede}\n", "3:14: unknown parameter 'sede'; did you mean 'seed'?"),
        Refused("command: x\n    name: 'a-{zebra}'", "4:14: unknown parameter 'zebra'; the parameters are lr, seed, n"),
        Refused(
            "command: x\n    env: {A: '{zebra}', B: \"x{lrr}\"}",
            "4:15: unknown parameter 'zebra'; the parameters are lr, seed, n",
            "4:30: unknown parameter 'lrr'; did you mean 'lr'?"),
        Refused(
            "command: x\n    inputs: '{z}'\n    needs: ['{z}']\n    workdir: '{z}'",
            "4:14: unknown parameter 'z'; the parameters are lr, seed, n",
            "5:14: unknown parameter 'z'; the parameters are lr, seed, n",
            "6:15: unknown parameter 'z'; the parameters are lr, seed, n"),
        Refused("command: ['{e}', a]", "2:5: the program's name is empty, of lr=1 seed=1 n=1 e="),
        Refused("command: x\n    inputs: [a, '{e}']", "4:17: the input is empty, of lr=1 seed=1 n=1 e="),
        Refused("command: x\n    needs: '{e}'", "4:12: the need is empty, of lr=1 seed=1 n=1 e="),
        Refused("command: x\n    workdir: '{e}'", "2:5: the workdir is empty, of lr=1 seed=1 n=1 e="),
    ]) func refused(_ entry: Refused) {
        let hasEmpty = entry.problems[0].contains("e=")
        let yaml =
            "tasks:\n  - sweep: {grid: {lr: [1, 2], seed: [1, 2], n: [1, 2]\(hasEmpty ? ", e: ''" : "")}}\n    "
            + "\(entry.yaml)\n"
        #expect(Reading(yaml).problems == entry.problems)
    }

    /// Once for the file, and not for every task and entry.
    @Test func ofDefaultsOnce() {
        let reading = Reading(
            """
            defaults: {env: {A: "{sed}"}}
            tasks:
              - {name: a, command: x, sweep: {grid: {seed: [1, 2]}}}
              - {name: b, command: x, sweep: {grid: {seed: [1, 2]}}}
              - {name: c, command: x}
            """)
        #expect(reading.problems == ["1:22: unknown parameter 'sed'; did you mean 'seed'?"])
    }
}

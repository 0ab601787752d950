import SaturnCore
import Testing

/// Texts that are no YAML, or more of it than a run file may have.
@Suite struct SyntaxTests {
    @Test(arguments: [
        Refused("", "1:1: the file is empty"),
        Refused("# nothing\n", "1:1: the file is empty"),
        Refused("---\n", "2:1: expected a mapping with 'tasks', found nothing"),
        Refused("hello", "1:1: expected a mapping with 'tasks', found 'hello'"),
        Refused("- a\n", "1:1: expected a mapping with 'tasks', found a list; put the list under 'tasks'"),
        Refused("tasks: [x]\n---\na: 1\n", "2:1: a second document begins here; a file holds one document"),
        Refused(
            "name: a: b\n", "1:8: mapping values are not allowed here; put a text that contains ': ' in quotes"),
        Refused("name: \"a\ntasks: [x]\n", "1:7: this quote is never closed"),
        Refused("name: x\ntasks:\n\t- x\n", "3:1: a tab cannot indent a line; use spaces"),
        Refused("name: @x\n", "1:7: a value cannot begin with '@'; put it in quotes"),
        Refused("é: ü\nname: @x\n", "2:7: a value cannot begin with '@'; put it in quotes"),
        Refused(
            "tasks:\n  - a\n - b\n",
            "3:2: expected a key, in a block mapping that begins at line 1; check that the lines are indented alike"),
        Refused("tasks: [a,\n", "2:1: expected a value"),
        Refused("name: x\ntasks\n", "2:1: expected ': ' after this key"),
        Refused("name: *a\ntasks: [x]\n", "1:7: unknown alias '*a'; an anchor '&a' has to come before it"),
        Refused("name: &base a\ntasks: [*bsae]\n", "2:9: unknown alias '*bsae'; did you mean '*base'?"),
        Refused("tasks: [&a {command: x, env: *a}]\n", "1:30: the alias '*a' stands inside its own anchor"),
        Refused("name: !date x\ntasks: [x]\n", "1:7: the tag '!date' is not supported; leave it out"),
        Refused("name: !!int 5\ntasks: [x]\n", "1:7: the tag '!!int' is not supported; leave it out"),
        Refused("tasks: !!seq [x]\n", "1:8: the tag '!!seq' is not supported; leave it out"),
        Refused("name: a\ntasks: [x]\nname: b\n", "3:1: duplicate key 'name'; the first is at line 1"),
        Refused("? [a]\n: b\ntasks: [x]\n", "1:3: a key has to be a string"),
        Refused("tasks: [{<<: 5, command: x}]\n", "1:14: '<<' merges a mapping or a list of mappings"),
    ])
    func refused(_ text: Refused) {
        #expect(Reading(text.yaml).problems == text.problems)
    }

    @Test(
        arguments: [
            ([0x61, 0x0A, 0x62, 0xFF], "2:2: the text is not valid UTF-8; save the file as UTF-8"),
            ([0xC3, 0xA9, 0xC3, 0x28], "1:2: the text is not valid UTF-8; save the file as UTF-8"),
            (
                [0xEF, 0xBB, 0xBF, 0x61, 0x0D, 0x0A, 0x62, 0x80],
                "2:2: the text is not valid UTF-8; save the file as UTF-8"
            ),
            ([0x61, 0x0D, 0x62, 0x01], "2:2: the control character U+0001 is not allowed"),
            ([0x61, 0xE2, 0x80, 0xA8, 0x1B], "2:1: the control character U+001B is not allowed"),
            ([0x61, 0x62, 0x00], "1:3: the control character U+0000 is not allowed"),
            ([0xFF, 0xFE, 0x61, 0x00], "1:1: the text is UTF-16; save the file as UTF-8"),
            ([0xFE, 0xFF, 0x00, 0x61], "1:1: the text is UTF-16; save the file as UTF-8"),
            ([0x61, 0x00, 0x62, 0x00], "1:1: the text is UTF-16; save the file as UTF-8"),
            ([0xE2, 0x82], "1:1: the text is not valid UTF-8; save the file as UTF-8"),
        ] as [([UInt8], String)])
    func notText(_ bytes: [UInt8], _ problem: String) {
        #expect(Reading(bytes: bytes).problems == [problem])
    }

    @Test(arguments: ["\u{FEFF}name: x\ntasks: [y]\n", "name: x\r\ntasks: [y]\r\n", "---\nname: x\ntasks: [y]\n...\n"])
    func accepted(_ text: String) {
        let reading = Reading(text)
        #expect(reading.problems == [])
        #expect(reading.spec.name?.value == "x")
        #expect(reading.spec.name?.mark.column == 7)
        #expect(reading.spec.tasks.map(\.command.text) == ["y"])
    }

    @Test(arguments: [101, 10_000, 1_000_000])
    func nesting(_ depth: Int) {
        let problem = "values are nested more than 100 deep"
        #expect(Reading(String(repeating: "[", count: depth)).problems == ["1:101: \(problem)"])
        #expect(Reading(String(repeating: "- ", count: depth)).problems == ["1:201: \(problem)"])
        #expect(Reading(String(repeating: "{a: ", count: depth)).problems == ["1:401: \(problem)"])
    }

    @Test func nestingThroughAliases() {
        var text = "x0: &a0 [x]\n"
        for level in 1...200 { text += "x\(level): &a\(level) [*a\(level - 1)]\n" }
        // `a98` is 99 lists, in one more list in the mapping.
        #expect(Reading(text).problems == ["100:12: values are nested more than 100 deep"])
    }

    @Test func aliasBomb() {
        var text = "x0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let row = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "x\(level): &a\(level) [\(row)]\n"
        }
        #expect(Reading(text).problems == ["6:45: the aliases up to here expand to too many values"])
    }

    @Test func manyAliasesOfALargeFileAreFine() {
        let env = (0..<30).map { "V\($0): x" }.joined(separator: ", ")
        var text = "defaults: {env: &e {\(env)}}\ntasks:\n"
        for index in 0..<20_000 { text += "- {name: t\(index), command: x, env: *e}\n" }
        let reading = Reading(text)
        #expect(reading.problems == [])
        #expect(reading.spec.tasks.count == 20_000)
        #expect(reading.task.env.count == 30)
    }

    @Test func mergeKeys() {
        let reading = Reading(
            """
            defaults:
              env: &base {A: base, B: base}
            tasks:
              - command: x
                env: {<<: [{B: first, C: first}, {C: second, D: second}], A: own}
              - command: y
                env:
                  <<: *base
                  "<<a": plain
            """)
        #expect(reading.problems == ["9:7: '<<a' is not a variable's name; use letters, digits and '_'"])
        let variables = reading.spec.tasks.map { task in task.env.map { "\($0.name)=\($0.value)" } }
        #expect(variables == [["A=own", "B=first", "C=first", "D=second"], ["A=base", "B=base"]])
    }

    @Test func quotedMergeKeyIsAKey() {
        let reading = Reading("tasks: [{command: x, resources: {'<<': 2}}]")
        #expect(reading.problems == [])
        #expect(reading.task.resources?.others.map(\.name) == ["<<"])
    }

    @Test func anchorsShareValues() {
        let reading = Reading("tasks:\n- &t {command: x, retries: 2}\n- *t\n- {<<: *t, retries: 3}\n")
        #expect(reading.problems == [])
        #expect(reading.spec.tasks.map(\.retries) == [2, 2, 3])
        #expect(reading.spec.tasks.map(\.name) == ["0", "1", "2"])
    }

    @Test func marksCoverTheKeyAndTheScalar() {
        let marks = Reading("nmae: x\ntasks:\n- {command: x, retries: 'many'}\n").result.problems.map(\.mark)
        #expect(marks == [SourceMark(line: 1, column: 1, length: 4), SourceMark(line: 3, column: 25, length: 6)])
    }
}

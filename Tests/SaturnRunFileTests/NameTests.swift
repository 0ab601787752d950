import SaturnCore
import Testing

/// Names of tasks and of the run.
@Suite struct NameTests {
    @Test(arguments: [
        Refused("a/b", "2:9: the task's name 'a/b' contains '/'"),
        Refused("../x", "2:9: the task's name '../x' contains '/'"),
        Refused("/x", "2:9: the task's name '/x' contains '/'"),
        Refused("''", "2:9: the task's name '' is empty"),
        Refused("'..'", "2:9: the task's name '..' is reserved"),
        Refused(".Saturn", "2:9: the task's name '.Saturn' is reserved"),
        Refused("\"a\\nb\"", "2:9: the task's name 'a\\nb' contains a control character"),
        Refused("\"a\\eb\"", "2:9: the task's name 'a\\u{1b}b' contains a control character"),
        Refused(
            String(repeating: "x", count: 201),
            "2:9: the task's name '\(String(repeating: "x", count: 60))…' is longer than 200 bytes"),
        Refused("", "2:8: expected a string, found nothing"),
        Refused("[a]", "2:9: expected a string, found a list"),
    ])
    func refused(_ name: Refused) {
        let line = name.yaml.isEmpty ? "name:" : "name: \(name.yaml)"
        let reading = Reading("tasks:\n- \(line)\n  command: x\n- y\n")
        #expect(reading.problems == name.problems)
        #expect(reading.spec.tasks.map(\.name) == ["1"])
    }

    @Test(arguments: ["a b", "$(rm -rf x)", "-rf", "*?[a]", "it's", "0.10", "no", "ü", "lr=0.5"])
    func accepted(_ name: String) {
        let quoted = name.replacing("'", with: "''")
        let reading = Reading("name: '\(quoted)'\ntasks: [{name: '\(quoted)', command: x}]")
        #expect(reading.problems == [])
        #expect(reading.spec.name?.value == name)
        #expect(reading.task.name == name)
    }

    @Test func numbersKeepTheirText() {
        #expect(Reading("tasks: [{name: 0.10, command: x}]").task.name == "0.10")
    }

    @Test func duplicates() {
        let reading = Reading(
            """
            tasks:
              - {name: a, command: x}
              - {name: B, command: x}
              - {name: a, command: x}
              - {name: b, command: x}
              - {name: "6", command: x}
              - {name: c, command: x}
              - x
              - {name: "9", command: x}
              - {name: "7", command: x}
              - x
            """)
        #expect(
            reading.problems == [
                "4:12: duplicate task name 'a'; the first is at line 2",
                "5:12: the task's name 'b' differs only in case from 'B' at line 3",
                "8:5: the position of this task without a name, '6', is a task's name at line 6; give it a name",
                "11:5: the position of this task without a name, '9', is a task's name at line 9; give it a name",
            ])
        #expect(reading.spec.tasks.map(\.name) == ["a", "B", "6", "c", "9", "7"])
        #expect(reading.spec.tasks.map(\.index) == [0, 1, 4, 5, 7, 8])
    }

    @Test func aNameThatIsAnEarlierPosition() {
        let reading = Reading("tasks:\n- x\n- {name: '0', command: y}\n")
        #expect(reading.problems == ["3:10: the name '0' is the position of the task without a name at line 2"])
    }

    @Test func duplicatesAcrossFiles() {
        let reading = Reading("tasks: [{name: a, command: x}]", tasks: "- {name: a, command: y}\n")
        #expect(reading.problems == ["#1 1:10: duplicate task name 'a'; the first is at line 1 of run.yaml"])
    }

    @Test(arguments: [
        Refused("name: a/b\n", "1:7: the run's name 'a/b' contains '/'"),
        Refused("name:\n", "1:6: expected a string, found nothing"),
        Refused("name: [a]\n", "1:7: expected a string, found a list"),
    ])
    func runNames(_ name: Refused) {
        #expect(Reading(name.yaml + "tasks: [x]\n").problems == name.problems)
    }
}

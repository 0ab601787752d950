import SaturnCore
import Testing

/// `--set KEY=VALUE`.
@Suite struct OverrideTests {
    static let file = """
        name: old
        tasks:
          - {name: lr-0.5, command: x, env: {LR: 1}}
          - {name: lr-0, command: x}
          - {name: "lr=2", command: x}
          - y
        executor: {class_spec: Multiprocessing, jobs: 1}
        """

    private func reading(_ overrides: String...) -> Reading { Reading(Self.file, set: overrides) }

    @Test func replacesAndAdds() {
        let reading = reading(
            "name=new", "executor.jobs=4", "executor.grace=5s", "defaults.timeout=5m", "results.directory=/x",
            "defaults.inputs=[a, b]", "defaults.env.EMPTY=")
        let spec = reading.spec
        #expect(reading.problems == [])
        #expect(spec.name == Marked("new", at: SourceMark(source: 1, line: 1, column: 6, length: 3)))
        #expect(spec.executor.settings.mapValues(\.text) == ["jobs": "4", "grace": "5s"])
        #expect(spec.results.name == "LocalDir")
        #expect(spec.results.settings["directory"]?.text == "/x")
        #expect(spec.tasks.map(\.timeout) == [300, 300, 300, 300])
        #expect(spec.tasks[3].inputs.map(\.value) == ["a", "b"])
        #expect(spec.tasks[0].env == [Variable("EMPTY", ""), Variable("LR", "1")])
    }

    @Test func tasksByNameAndPosition() {
        let reading = reading(
            "tasks.lr-0.5.env.LR=3", "tasks.lr-0.retries=2", "tasks.lr=2.priority=7", "tasks.3.env.A=b=c")
        #expect(reading.problems == [])
        #expect(reading.spec.tasks.map { $0.env.map { "\($0.name)=\($0.value)" } } == [["LR=3"], [], [], ["A=b=c"]])
        #expect(reading.spec.tasks.map(\.retries) == [0, 2, 0, 0])
        #expect(reading.spec.tasks.map(\.priority) == [0, 0, 7, 0])
        #expect(reading.spec.tasks[3].command.text == "y")
    }

    @Test func wholeTaskAndTasksOfTheSecondFile() {
        let reading = Reading(
            "tasks: [x]", tasks: "tasks:\n- {name: z, command: z}\n", set: ["tasks.0=ls", "tasks.z.retries=1"])
        #expect(reading.problems == [])
        #expect(reading.spec.tasks.map(\.command.text) == ["ls", "z"])
        #expect(reading.spec.tasks.map(\.retries) == [0, 1])
        #expect(Reading("name: a", tasks: "- x\n", set: ["tasks.0.retries=1"]).spec.tasks.map(\.retries) == [1])
        #expect(Reading("name: a", set: ["tasks=[x, y]"]).spec.tasks.map(\.name) == ["0", "1"])
    }

    @Test func aShorthandTakesSettings() {
        let dask = Reading("tasks: [x]\nexecutor: Dask\n", set: ["executor.shared=true"])
        #expect(dask.problems == [])
        #expect(dask.spec.executor.name == "Dask")
        let none = Reading("tasks: [x]\n", set: ["executor.jobs=4", "executor.grace=1s"])
        #expect(none.problems == [])
        #expect(none.spec.executor.settings.mapValues(\.text) == ["jobs": "4", "grace": "1s"])
    }

    @Test func anAliasedValueChangesOnlyHere() {
        let reading = Reading(
            "tasks:\n- {name: a, command: x, env: &e {A: 1}}\n- {name: b, command: x, env: *e}\n",
            set: ["tasks.a.env.A=2"])
        #expect(reading.problems == [])
        #expect(reading.spec.tasks.flatMap(\.env).map(\.value) == ["2", "1"])
    }

    @Test(arguments: [
        Refused("executor", "#1 1:1: expected KEY=VALUE, found 'executor'"),
        Refused("", "#1 1:1: expected KEY=VALUE, found ''"),
        Refused("=x", "#1 1:1: expected a key here; write KEY=VALUE, with dots between nested keys"),
        Refused("executor..jobs=1", "#1 1:10: expected a key here; write KEY=VALUE, with dots between nested keys"),
        Refused("tasks.3.=x", "#1 1:9: expected a key here; write KEY=VALUE, with dots between nested keys"),
        Refused("name.x=1", "#1 1:6: there is no key 'x' in 'name', which is 'old'"),
        Refused("executor.jobs.x=1", "#1 1:15: there is no key 'x' in 'executor.jobs', which is '1'"),
        Refused("tasks.lr-1.retries=1", "#1 1:7: there is no task 'lr-1'; did you mean 'lr-0'?"),
        Refused("tasks.9.retries=1", "#1 1:7: there is no task '9'"),
        Refused("nmae=x", "#1 1:1: unknown key 'nmae'; did you mean 'name'?"),
        Refused("executor.job=x", "#1 1:10: unknown key 'job'; did you mean 'jobs'?"),
        Refused("executor.jobs=many", "#1 1:15: expected a whole number of at least 1, found 'many'"),
        Refused("name=[a", "#1 1:8: expected ',' or ']'"),
        Refused("name=# x", "#1 1:6: there is no value here; put it in quotes"),
        Refused("é.ü=@x", "#1 1:1: unknown key 'é'", "#1 1:5: a value cannot begin with '@'; put it in quotes"),
        Refused("defaults.timeout=~", "#1 1:18: expected a duration, found nothing; write it as 90s, 5m, 2h or 1d"),
    ])
    func refused(_ override: Refused) {
        #expect(reading(override.yaml).problems == override.problems)
    }

    @Test func aFileThatCannotBeReadIsTheOnlyProblem() {
        #expect(Reading("", set: ["tasks.a.retries=1"]).problems == ["1:1: the file is empty"])
        let second = Reading("tasks: [x]", tasks: "", set: ["tasks.a.retries=1"])
        #expect(second.problems == ["#1 1:1: the file is empty"])
    }

    @Test func aPathOfManyKeys() {
        let path = [String](repeating: "a", count: 60_000).joined(separator: ".")
        #expect(reading("\(path)=1").problems == ["#1 1:1: the path is too long"])
    }
}

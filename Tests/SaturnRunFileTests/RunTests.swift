import SaturnCore
import Testing

/// The top level: defaults, executor and results, the second file.
@Suite struct RunTests {
    static let seed = """
        name: lr-sweep
        tasks:
          - name: lr-0.5
            command: python train.py --lr 0.5
          - name: lr-0.6
            command: python train.py --lr 0.6
          - name: lr-0.7
            command: python train.py --lr 0.7
          - name: lr-0.8
            command: python train.py --lr 0.8
        executor:
          class_spec: DaskExecutor
          scheduler_address: "tcp://127.0.0.1:8886"
        results:
          class_spec: LocalDir
          directory: /tmp/results
        """

    @Test func theExampleOfTheUser() {
        let reading = Reading(Self.seed)
        let spec = reading.spec
        #expect(reading.problems == [])
        #expect(spec.name == Marked("lr-sweep", at: SourceMark(line: 1, column: 7, length: 8)))
        #expect(spec.tasks.map(\.name) == ["lr-0.5", "lr-0.6", "lr-0.7", "lr-0.8"])
        #expect(spec.tasks[3].command == .shell("python train.py --lr 0.8", shell: ["/bin/sh", "-ec"]))
        #expect(spec.executor.name == "Dask")
        #expect(spec.executor.mark == SourceMark(line: 12, column: 15, length: 12))
        #expect(spec.executor.settings.mapValues(\.text) == ["scheduler_address": "tcp://127.0.0.1:8886"])
        #expect(spec.results.name == "LocalDir")
        #expect(spec.results.settings.mapValues(\.text) == ["directory": "/tmp/results"])
    }

    @Test func everythingElseHasADefault() {
        let spec = Reading("tasks: [x]").spec
        #expect(spec.name == nil)
        #expect(spec.executor == ComponentSpec(name: "Multiprocessing"))
        #expect(spec.results == ComponentSpec(name: "LocalDir"))
        #expect(spec.fileSyncs == [])
        #expect(spec.tasks[0].code == .commit)
    }

    @Test(arguments: [
        Refused("name: x\n", "1:1: there are no tasks; list them under 'tasks'"),
        Refused(
            "task: [x]\n", "1:1: unknown key 'task'; did you mean 'tasks'?",
            "1:1: there are no tasks; list them under 'tasks'"),
        Refused("tasks: [x]\nenv: {A: 1}\n", "2:1: unknown key 'env'; it belongs to a task, or under 'defaults'"),
        Refused("tasks: [x]\nexecutor:\n", "2:10: expected a mapping with 'class_spec', found nothing"),
        Refused(
            "tasks: [x]\nexecutor: {jobs: 3}\n",
            "2:11: 'executor' has no 'class_spec'; it is one of Multiprocessing, Dask, Bare"),
        Refused(
            "tasks: [x]\nexecutor: {class_spce: Dask}\n", "2:12: unknown key 'class_spce'; did you mean 'class_spec'?"),
        Refused(
            "tasks: [x]\nexecutor: {class_spec: DaskExecuter}\n",
            "2:24: unknown executor 'DaskExecuter'; did you mean 'DaskExecutor'?"),
        Refused(
            "tasks: [x]\nexecutor: Slurm\n",
            "2:11: unknown executor 'Slurm'; it is one of Multiprocessing, Dask, Bare"),
        Refused("tasks: [x]\nresults: {class_spec: [S3]}\n", "2:23: expected a string, found a list"),
        Refused("tasks: [x]\nresults: Tape\n", "2:10: unknown results store 'Tape'; it is one of LocalDir, S3"),
        Refused(
            "tasks: [x]\nexecutor: {class_spec: Dask, schedular_address: x}\n",
            "2:30: unknown key 'schedular_address'; did you mean 'scheduler_address'?"),
        Refused(
            "tasks: [x]\nresults: {class_spec: S3, zone: x}\n",
            "2:27: unknown key 'zone'; the settings of S3 are bucket, log_chunk"),
        Refused(
            "tasks: [x]\nexecutor: {class_spec: Bare, zone: x}\n", "2:30: unknown key 'zone'; Bare has no settings"),
        Refused(
            "tasks: [x]\nexecutor: {class_spec: Multiprocessing, jobs: 0, grace: soon}\n",
            "2:47: expected a whole number of at least 1, found '0'",
            "2:57: expected a duration, found 'soon'; write it as 90s, 5m, 2h or 1d"),
        Refused(
            "tasks: [x]\nexecutor: {class_spec: Dask, shared: yes, modules: {a: b}, scheduler_address: [a]}\n",
            "2:38: expected true or false, found 'yes'; write 'true'",
            "2:52: expected a list of strings, found a mapping", "2:79: expected a string, found a list"),
        Refused("tasks: [x, y]\nmax_tasks: 1\n", "1:12: there are more tasks than 'max_tasks', 1"),
        Refused(
            "tasks: [x]\nmax_tasks: 0\n", "2:12: expected a whole number from 1 to 2,147,483,647, found '0'"),
        Refused("tasks: [x]\nfile_syncs: lib\n", "2:13: expected a list of 'src' and 'dest', found 'lib'"),
        Refused(
            "tasks: [x]\nfile_syncs: [{src: a, dst: b}, c]\n",
            "2:14: 'dest' is missing", "2:23: unknown key 'dst'; did you mean 'dest'?",
            "2:32: expected a mapping with 'src' and 'dest', found 'c'"),
        Refused("tasks: [x]\ndefaults: [a]\n", "2:11: expected a mapping, found a list"),
        Refused("tasks: [x]\ndefaults: {name: a}\n", "2:12: unknown key 'name'; every task has a name of its own"),
        Refused(
            "tasks: [x]\ndefaults: {sweep: {}}\n",
            "2:19: the sweep is empty; give it a 'grid', 'zip', 'include' or 'repeats'"),
        Refused("tasks: [x]\ndefaults: {retry: 1}\n", "2:12: unknown key 'retry'"),
    ])
    func refused(_ text: Refused) {
        #expect(Reading(text.yaml).problems == text.problems)
    }

    @Test func allProblemsAtOnceInTheirOrder() {
        let reading = Reading(
            """
            nmae: x
            tasks:
              - name: a
                comand: x
              - {name: a, command: y, timeout: never}
              - {name: b, command: y, env: {A: 1, A: 2}}
            executor: Dsk
            """, tasks: "- {command: }\n", set: ["defaults.retries=many"])
        #expect(
            reading.problems == [
                "1:1: unknown key 'nmae'; did you mean 'name'?",
                "3:11: this task has no 'command'",
                "4:5: unknown key 'comand'; did you mean 'command'?",
                "5:12: duplicate task name 'a'; the first is at line 3",
                "5:36: expected a duration, found 'never'; write it as 90s, 5m, 2h or 1d",
                "6:39: duplicate key 'A'; the first is at line 6",
                "7:11: unknown executor 'Dsk'; did you mean 'Dask'?",
                "#1 1:13: expected a command, as a string or a list of strings, found nothing",
                "#2 1:18: expected a whole number from 0 to 1000, found 'many'",
            ])
        #expect(reading.spec.tasks.map(\.name) == ["a", "b", "3"])
        #expect(reading.result.sources.map(\.path) == ["run.yaml", "tasks.yaml", "--set"])
    }

    @Test func settingsKeepTheirText() {
        let settings = Reading(
            "tasks: [x]\nexecutor: {class_spec: DaskBackend, shared: true, modules: a, options: {n: 0.10, l: [no, ~]}}"
        ).spec.executor.settings
        #expect(settings["shared"]?.text == "true")
        guard case .list(let modules)? = settings["modules"]?.value,
            case .map(let options)? = settings["options"]?.value,
            case .list(let list)? = options["l"]?.value
        else {
            Issue.record("\(settings)")
            return
        }
        #expect(modules.map(\.text) == ["a"])
        #expect(options["n"] == Setting(.scalar("0.10"), at: SourceMark(line: 2, column: 76, length: 4)))
        #expect(list.map(\.text) == ["no", "~"])
    }

    @Test func fileSyncs() {
        let spec = Reading("tasks: [x]\nfile_syncs:\n  - {src: lib, dest: /opt/lib}\n").spec
        let source = Marked("lib", at: SourceMark(line: 3, column: 11, length: 3))
        let destination = Marked("/opt/lib", at: SourceMark(line: 3, column: 22, length: 8))
        #expect(spec.fileSyncs == [FileSync(source: source, destination: destination)])
    }

    @Test func defaultsCombine() {
        let reading = Reading(
            """
            defaults:
              command: echo default
              shell: [bash, -c]
              env: {A: default, B: default}
              needs: prep
              inputs: [a, b]
              timeout: 5m
              retries: 2
              resources: {cpus: 1, memory: 1GiB, disk: 1, net: 1}
            tasks:
              - name: bare
              - name: own
                command: [echo]
                env: {B: own, C: own}
                needs: []
                inputs: c
                timeout: 90
                retries: 0
                resources: {cpus: 4, net: 2}
            """)
        #expect(reading.problems == [])
        let (bare, own) = (reading.spec.tasks[0], reading.spec.tasks[1])
        #expect(bare.command == .shell("echo default", shell: ["bash", "-c"]))
        #expect(bare.env == [Variable("A", "default"), Variable("B", "default")])
        #expect(bare.needs.map(\.value) == ["prep"])
        #expect((bare.timeout, bare.retries) == (300, 2))
        #expect(own.command == .direct(["echo"]))
        #expect(own.env == [Variable("A", "default"), Variable("B", "own"), Variable("C", "own")])
        #expect(own.needs == [])
        #expect(own.inputs.map(\.value) == ["c"])
        #expect((own.timeout, own.retries) == (90, 0))
        #expect(own.resources?.cpus?.value == 4)
        #expect(own.resources?.memory.map(\.value) == [1 << 30])
        #expect(own.resources?.others.map { "\($0.name) \($0.amount.value)" } == ["disk 1.0", "net 2.0"])
    }

    @Test func defaultShellFalseWantsLists() {
        let reading = Reading("defaults: {shell: false}\ntasks:\n- [x]\n- {command: [x]}\n- ls -l\n")
        #expect(
            reading.problems == [
                "3:3: expected a task, found a list",
                "5:3: a command without a shell has to be a list; write [program, argument]",
            ])
    }

    @Test func tasksInASecondFile() {
        let list = Reading("defaults: {retries: 1}\ntasks: [x]", tasks: "- y\n- {name: z, command: z}\n")
        #expect(list.problems == [])
        #expect(list.spec.tasks.map(\.name) == ["0", "1", "z"])
        #expect(list.spec.tasks.map(\.retries) == [1, 1, 1])
        #expect(list.spec.tasks.map(\.mark.source) == [0, 1, 1])

        let mapping = Reading(
            "defaults: {retries: 1, priority: 1}\ntasks: [x]", tasks: "defaults: {retries: 2}\ntasks: [y]\n")
        #expect(mapping.problems == [])
        #expect(mapping.spec.tasks.map(\.retries) == [1, 2])
        #expect(mapping.spec.tasks.map(\.priority) == [1, 1])

        #expect(Reading("name: x", tasks: "[y]").problems == [])
    }

    @Test(arguments: [
        Refused("", "#1 1:1: the file is empty"),
        Refused("x", "#1 1:1: expected a list of tasks, or a mapping with 'tasks', found 'x'"),
        Refused(
            "tasks: [y]\nname: x\ntsks: 1\n", "#1 2:1: unknown key 'name'; it belongs in the run file",
            "#1 3:1: unknown key 'tsks'; did you mean 'tasks'?"),
        Refused("- [\n", "#1 2:1: expected a value"),
    ])
    func refusedSecondFiles(_ file: Refused) {
        #expect(Reading("tasks: [x]", tasks: file.yaml).problems == file.problems)
    }
}

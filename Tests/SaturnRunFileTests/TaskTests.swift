import SaturnCore
import Testing

/// The fields of a task.
@Suite struct TaskTests {
    @Test(arguments: [
        Refused("comand: x", "3:5: unknown key 'comand'; did you mean 'command'?"),
        Refused("executor: Dask", "3:5: unknown key 'executor'; it belongs at the top level of the run file"),
        Refused("zebra: 1", "3:5: unknown key 'zebra'"),
        Refused(
            "code: comit",
            "3:11: expected commit, commit-id, none or a list of paths, found 'comit'; did you mean 'commit'?"),
        Refused("code: lib", "3:11: expected commit, commit-id, none or a list of paths, found 'lib'; write [lib]"),
        Refused("code: {a: b}", "3:11: expected commit, commit-id, none or a list of paths, found a mapping"),
        Refused("code: []", "3:11: the list is empty; write 'none' if no code counts"),
        Refused(
            "code: [lib, '', [a], ~]", "3:17: expected a path, found an empty one",
            "3:21: expected a path, found a list", "3:26: expected a path, found nothing"),
        Refused("code: [lib, '!']", "3:17: expected a path behind '!'"),
        Refused("snapshot: yes", "3:15: expected true or false, found 'yes'; write 'true'"),
        Refused("snapshot: Off", "3:15: expected true or false, found 'Off'; write 'false'"),
        Refused("snapshot: 1", "3:15: expected true or false, found '1'"),
        Refused("shell: bash", "3:12: expected a list of strings, or false, found 'bash'; write [bash, -c]"),
        Refused(
            "shell: true", "3:12: expected a list of strings, or false, found 'true'; leave it out for /bin/sh -ec"),
        Refused("shell: []", "3:12: the list is empty"),
        Refused("shell: [bash, ~]", "3:19: expected a string, found nothing"),
        Refused("shell: false", "2:14: a command without a shell has to be a list; write [program, argument]"),
        Refused("env: [A]", "3:10: expected a mapping of variables, found a list"),
        Refused("env: {A: }", "3:14: expected a string, found nothing; write \"\" for an empty value"),
        Refused("env: {A: ~}", "3:14: expected a string, found nothing; write \"\" for an empty value"),
        Refused("env: {A: [1]}", "3:14: expected a string, found a list"),
        Refused("env: {A: \"x\\0y\"}", "3:14: the text contains a NUL character"),
        Refused("env: {1A: x}", "3:11: '1A' is not a variable's name; use letters, digits and '_'"),
        Refused("env: {a-b: x}", "3:11: 'a-b' is not a variable's name; use letters, digits and '_'"),
        Refused("env: {SATURN_RUN: x}", "3:11: the variable 'SATURN_RUN' is saturn's own"),
        Refused("env: {RESULTS_DIR: x}", "3:11: the variable 'RESULTS_DIR' is saturn's own"),
        Refused("pass_env: {A: 1}", "3:15: expected a list of strings, found a mapping"),
        Refused("secrets: [A B]", "3:15: 'A B' is not a variable's name; use letters, digits and '_'"),
        Refused("inputs: {a: 1}", "3:13: expected a list of strings, found a mapping"),
        Refused("inputs: [a, '']", "3:17: expected a string, found an empty one"),
        Refused("workdir:", "3:13: expected a string, found nothing"),
        Refused("needs: [a, b, a]", "3:19: 'a' is listed twice"),
        Refused("retries: -1", "3:14: expected a whole number from 0 to 1000, found '-1'"),
        Refused("retries: 1001", "3:14: expected a whole number from 0 to 1000, found '1001'"),
        Refused("retries: 1.5", "3:14: expected a whole number from 0 to 1000, found '1.5'"),
        Refused("retries: {exit: -1}", "3:21: expected a whole number from 0 to 1000, found '-1'"),
        Refused(
            "retries: {crash: 1}", "3:15: unknown key 'crash'; the causes are exit, oom, timeout, signal, lost"),
        Refused("retries: {exits: 1}", "3:15: unknown key 'exits'; did you mean 'exit'?"),
        Refused("retries: [1]", "3:14: expected a whole number from 0 to 1000, or a mapping of causes, found a list"),
        Refused("retry_delay: soon", "3:18: expected a duration, found 'soon'; write it as 90s, 5m, 2h or 1d"),
        Refused("resources: {memory: []}", "3:25: the list is empty; leave 'memory' out for any amount"),
        Refused(
            "resources: {memory: [1GB, lots]}",
            "3:31: expected a size greater than 0, found 'lots'; write it as 512MiB or 4GB"),
        Refused(
            "retries:", "3:13: expected a whole number from 0 to 1000, or a mapping of causes, found nothing"),
        Refused("priority: high", "3:15: expected a whole number, found 'high'"),
        Refused("timeout: -5m", "3:14: expected a duration, found '-5m'; write it as 90s, 5m, 2h or 1d"),
        Refused("timeout: 0", "3:14: a duration is more than 0 and at most 3650 days, not '0'"),
        Refused("timeout: 3651d", "3:14: a duration is more than 0 and at most 3650 days, not '3651d'"),
        Refused("timeout: .inf", "3:14: expected a duration, found '.inf'; write it as 90s, 5m, 2h or 1d"),
        Refused("timeout: [5m]", "3:14: expected a duration, found a list; write it as 90s, 5m, 2h or 1d"),
        Refused("resources: 4", "3:16: expected a mapping of resources, found '4'"),
        Refused("resources: {cpus: 0}", "3:23: expected a number greater than 0, found '0'"),
        Refused("resources: {gpus: inf}", "3:23: expected a number of at least 0, found 'inf'"),
        Refused("resources: {cpus: 1e999}", "3:23: expected a number greater than 0, found '1e999'"),
        Refused("resources: {cpu: 4}", "3:17: unknown key 'cpu'; did you mean 'cpus'?"),
        Refused(
            "resources: {memory: lots}", "3:25: expected a size greater than 0, found 'lots'; write it as 512MiB or 4GB"
        ),
        Refused(
            "resources: {memory: 0GB}", "3:25: expected a size greater than 0, found '0GB'; write it as 512MiB or 4GB"),
        Refused("resources: {licence: many}", "3:26: expected a number of at least 0, found 'many'"),
    ])
    func refused(_ field: Refused) {
        let reading = Reading(task: field.yaml)
        #expect(reading.problems == field.problems)
        #expect(reading.spec.tasks.map(\.name) == ["0"], "the task keeps its place")
    }

    @Test(arguments: [
        Refused("[{name: a}]", "1:16: this task has no 'command'"),
        Refused("[{}]", "1:9: this task has no 'command'"),
        Refused("[{command: }]", "1:19: expected a command, as a string or a list of strings, found nothing"),
        Refused("[{command: {a: b}}]", "1:19: expected a command, as a string or a list of strings, found a mapping"),
        Refused("[{command: ''}]", "1:19: the command is empty"),
        Refused("[{command: \" \\n\"}]", "1:19: the command is empty"),
        Refused("[{command: []}]", "1:19: the list is empty"),
        Refused("[{command: ['', a]}]", "1:20: the program's name is empty"),
        Refused("[{command: [a, [b]]}]", "1:23: expected a string, found a list"),
        Refused("[{command: \"a\\0\"}]", "1:19: the text contains a NUL character"),
        Refused(
            "[{command: [a], shell: [sh, -c]}]",
            "1:19: a command that is a list runs without a shell; leave 'shell' out, or write the command as one string"
        ),
        Refused("[~]", "1:9: expected a task, found nothing"),
        Refused("[[a]]", "1:9: expected a task, found a list"),
        Refused("[]", "1:8: the list of tasks is empty"),
        Refused("{a: b}", "1:8: expected a list of tasks, found a mapping"),
        Refused("", "1:7: expected a list of tasks, found nothing"),
        Refused("train.py", "1:8: expected a list of tasks, found 'train.py'"),
    ])
    func refusedLists(_ tasks: Refused) {
        #expect(Reading("tasks: \(tasks.yaml)".replacingTrailingSpace).problems == tasks.problems)
    }

    @Test func everyField() {
        let reading = Reading(
            """
            tasks:
              - name: all
                command: python train.py
                shell: [bash, -euo, pipefail, -c]
                env: {LR: 0.10, DEBUG: no, EMPTY: "", N: 5}
                pass_env: [HOME, CUDA_VISIBLE_DEVICES, HOME]
                secrets: TOKEN
                workdir: sub
                inputs: data/*.csv
                code: commit-id
                needs: [prepare, "fetch it"]
                snapshot: false
                retries: 3
                timeout: 1.5h
                resources: {cpus: 2, gpus: 0.5, memory: 4GB, licence: 1, GPU: 2}
                priority: -7
            """)
        #expect(reading.problems == [])
        let task = reading.task
        #expect(task.name == "all")
        #expect(task.mark == SourceMark(line: 2, column: 11, length: 3))
        #expect(task.command == .shell("python train.py", shell: ["bash", "-euo", "pipefail", "-c"]))
        #expect(
            task.env == [Variable("DEBUG", "no"), Variable("EMPTY", ""), Variable("LR", "0.10"), Variable("N", "5")])
        #expect(task.passEnv == ["HOME", "CUDA_VISIBLE_DEVICES"])
        #expect(task.secrets == ["TOKEN"])
        #expect(task.workdir == "sub")
        #expect(task.inputs == [Marked("data/*.csv", at: SourceMark(line: 9, column: 13, length: 10))])
        #expect(task.code == .commitID)
        #expect(task.needs.map(\.value) == ["prepare", "fetch it"])
        #expect((task.retries, task.timeout, task.priority) == (3, 5400, -7))
        #expect(task.resources?.cpus?.value == 2)
        #expect(task.resources?.gpus?.value == 0.5)
        #expect(task.resources?.memory.map(\.value) == [4_000_000_000])
        #expect(task.resources?.others.map(\.name) == ["GPU", "licence"])
    }

    @Test func commands() {
        let reading = Reading(
            """
            tasks:
              - python train.py
              - command: [python, train.py, "", 0.10]
              - {command: [ls], shell: false}
              - command: |
                  set -x
                  true
              - no
              - 0.10
            """)
        #expect(reading.problems == [])
        let shell = Command.defaultShell
        #expect(
            reading.spec.tasks.map(\.command) == [
                .shell("python train.py", shell: shell), .direct(["python", "train.py", "", "0.10"]), .direct(["ls"]),
                .shell("set -x\ntrue\n", shell: shell), .shell("no", shell: shell), .shell("0.10", shell: shell),
            ])
        #expect(reading.spec.tasks.map(\.name) == ["0", "1", "2", "3", "4", "5"])
        #expect(reading.spec.tasks.map(\.index) == [0, 1, 2, 3, 4, 5])
    }

    @Test(arguments: [("commit", CodePolicy.commit), ("commit-id", .commitID), ("none", .none)])
    func code(_ word: String, _ policy: CodePolicy) {
        let reading = Reading("defaults: {code: commit-id}\ntasks: [{command: x, code: \(word)}, x]")
        #expect(reading.problems == [])
        #expect(reading.spec.tasks.map(\.code) == [policy, .commitID])
    }

    @Test func codeOfSomePaths() {
        let reading = Reading("defaults: {code: [lib, '!lib/notes']}\ntasks: [x, {command: x, code: ['!docs']}]")
        #expect(reading.problems == [])
        let codes = reading.spec.tasks.map { task in
            if case .paths(let paths) = task.code { paths.map(\.value) } else { ["none"] }
        }
        #expect(codes == [["lib", "!lib/notes"], ["!docs"]])
    }

    @Test func snapshots() {
        let reading = Reading("defaults: {snapshot: true}\ntasks: [x, {command: x, snapshot: false}]")
        #expect(reading.problems == [])
        #expect(reading.spec.tasks.map(\.snapshot) == [true, false])
        #expect(Reading("tasks: [x]").task.snapshot == false)
    }

    @Test func nothingIsAnEmptyCollection() {
        let reading = Reading(task: "env:", "needs:", "inputs: ~", "resources:", "pass_env: null", "secrets: []")
        #expect(reading.problems == [])
        #expect(reading.task.resources == Resources())
    }

    @Test func aTaggedScalarIsAString() {
        let reading = Reading(task: "env: {A: !!str , B: ! null}")
        #expect(reading.problems == [])
        #expect(reading.task.env == [Variable("A", ""), Variable("B", "null")])
    }
}

extension String {
    /// Without the space that a missing value leaves, so that the mark of nothing is right behind the colon.
    fileprivate var replacingTrailingSpace: String { hasSuffix(" ") ? String(dropLast()) : self }

    @Test func whatIsShownIsNoSecret() {
        let reading = Reading(
            """
            defaults: {secrets: [TOKEN]}
            tasks:
              - {name: a, command: x, pass_env: [TOKEN]}
              - {name: b, command: x, env: {TOKEN: x}}
              - {name: c, command: x, pass_env: [OTHER]}
            """)
        #expect(
            reading.problems == [
                "3:12: 'TOKEN' cannot be both in 'secrets' and in 'pass_env'; a secret is never stored, and does not count in the key",
                "4:12: 'TOKEN' cannot be both in 'secrets' and in 'env'; a secret is never stored, and does not count in the key",
            ])
    }

    @Test func retriesByCauseAndMemoryByAttempt() throws {
        let reading = Reading(
            """
            defaults: {retry_delay: 5s, resources: {memory: 1GB}}
            tasks:
              - {name: a, command: x, retries: {exit: 1, oom: 2, lost: 0}, resources: {memory: [2GB, 4GB]}}
              - {name: b, command: x, retries: 3, retry_delay: 1m}
            """)
        #expect(reading.problems == [])
        let (first, second) = (reading.spec.tasks[0], reading.spec.tasks[1])
        #expect(first.retries == Retries(byCause: [.exit: 1, .oom: 2, .lost: 0], delay: 5))
        #expect(first.resources?.memory.map(\.value) == [2_000_000_000, 4_000_000_000])
        #expect(second.retries == Retries(3, delay: 60))
        #expect(second.resources?.memory.map(\.value) == [1_000_000_000])
    }
}

import Testing

/// Row 11 of faults.md: a secret is nowhere but in the task.
@Suite(.ownThread) struct SecretTests {
    private static let value = "s3cret-value"

    @Test func isNowhereButInTheTask() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: quiet
            defaults: {code: none, secrets: [TOKEN]}
            tasks:
              - {name: whole, command: "echo token $TOKEN here; test ${#TOKEN} -eq 12"}
              - {name: split, command: "printf s3cr; printf 'et-'; printf value; printf ' end'"}
              - {name: streams, command: "printf s3cr; printf value >&2; echo $TOKEN >&2; exit 2"}
              - {name: part, command: "printf 'ends s3cret-val'"}

            """)
        let run = try session.saturn("run", env: ["TOKEN": Self.value])
        #expect(run.status == 1)
        #expect(try session.read("results/quiet/whole/log") == "token *** here\n")
        #expect(try session.read("results/quiet/split/log") == "*** end")
        #expect(try session.read("results/quiet/part/log") == "ends s3cret-val")
        #expect(run.err.contains("***\n"))
        #expect(!run.err.contains(Self.value) && !run.out.contains(Self.value))
        let found = try session.shell("grep -r -l -a -F -e \(Self.value) . ; true")
        #expect(found.out == "")
    }

    @Test func doesNotCountAndMustBeSet() throws {
        let session = try Session()
        try session.write(
            "run.yaml", "name: quiet\ntasks: [{name: a, code: none, secrets: [TOKEN], command: echo hi}]\n")
        let unset = try session.saturn("run")
        #expect(unset.status == 2)
        #expect(unset.err.contains("error: task 'a': the secret 'TOKEN' is not set in the environment\n"))
        #expect(try session.saturn("run", env: ["TOKEN": Self.value]).status == 0)
        #expect(try session.saturn("plan", "--exit-code", env: ["TOKEN": "another"]).status == 0)
    }
}

import Glibc
import Testing

/// Saturn is killed when a task has succeeded, and before it has looked whether code and inputs are still what they were.
@Suite(.ownThread) struct UncheckedTests {
    /// A task that reads a tracked file and an input, and changes what `EDIT` names while it runs.
    private func makeSession() throws -> Session {
        let session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try session.write("lib.txt", "old\n")
        try session.write("data.txt", "old\n")
        try session.write(
            "run.yaml",
            """
            name: late
            tasks:
              - name: a
                inputs: data.txt
                command: |
                  echo a >> $RAN
                  cat lib.txt data.txt > $RESULTS_DIR/x
                  if [ -n "${EDIT:-}" ]; then echo new > $EDIT; fi
              - {name: b, needs: [a], command: "cat $SATURN_NEEDS_A/x"}

            """)
        try session.write(".gitignore", "data.txt\nresults\n")
        try session.makeRepository()
        return session
    }

    private func ran(_ session: Session) throws -> Int { try session.read(session.space.path("ran")).utf8.count / 2 }

    private func die(_ session: Session, editing file: String?) throws {
        // What was written a moment before the task began counts as changed; here it is time itself that is awaited.
        usleep(100_000)
        let run = try session.debugBuild("run", env: ["EDIT": file ?? "", "SATURN_TEST_DIE_AT": "publish.end"])
        #expect(run.status == 137)
        #expect(try session.read("results/late/a/status") == "success")
    }

    @Test func whatDidNotChangeIsReused() throws {
        let session = try makeSession()
        try die(session, editing: nil)
        #expect(try session.saturn("run").status == 0)
        #expect(try ran(session) == 1)
    }

    /// The file is put back, and the key is what it was: and yet the result may be of what was there in between.
    @Test(arguments: ["lib.txt", "data.txt"]) func whatChangedAndWasPutBackIsRunAgain(_ file: String) throws {
        let session = try makeSession()
        try die(session, editing: file)
        try session.write(file, "old\n")
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.tasks[0].action == "run")
        #expect(plan.tasks[0].reason == "code or an input changed while it ran")
        #expect(try session.saturn("run").status == 0)
        #expect(try ran(session) == 2)
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }

    /// Another key now; and when the edit is undone, the result of the time of the kill does not come back.
    @Test func whatChangedDoesNotComeBackFromTheAttic() throws {
        let session = try makeSession()
        try die(session, editing: "lib.txt")
        #expect(try session.saturn("run").status == 0)
        #expect(try ran(session) == 2)
        try session.write("lib.txt", "old\n")
        try session.remove(".saturn/ledger.sqlite")
        #expect(try session.saturn("run").status == 0)
        #expect(try ran(session) == 3)
        #expect(try session.read("results/late/a/results/x") == "old\nold\n")
    }

    /// The command alone is edited after the kill: what ran is good under its own key.
    @Test func anEditOfTheCommandAloneLosesNothing() throws {
        let session = try makeSession()
        try die(session, editing: nil)
        try session.replace("echo a >>", "echo  a >>", in: "run.yaml")
        #expect(try session.saturn("run").status == 0)
        #expect(try ran(session) == 2)
        try session.replace("echo  a >>", "echo a >>", in: "run.yaml")
        #expect(try session.saturn("run").status == 0)
        #expect(try ran(session) == 2)
    }
}

import Testing

/// The machine goes down: what had not reached the disk for certain is not believed.
///
/// Only the debug build can play this: `SATURN_TEST_BOOT_ID` says which start of the machine it is, and
/// `SATURN_TEST_DIE_AT` where saturn is killed.
@Suite(.ownThread) struct PowerLossTests {
    private static let (first, second) = ("aaaa-1", "bbbb-2")
    private static let reason = "the machine went down before its files were on the disk"

    private func run(_ stage: Stage, _ boot: String, dyingAt step: String = "") throws -> Transcript {
        try stage.session.debugBuild(
            "run", env: ["SATURN_TEST_BOOT_ID": boot, "SATURN_TEST_DIE_AT": step])
    }

    private func plan(_ stage: Stage, _ boot: String) throws -> PlanJSON {
        try PlanJSON(stage.session.debugBuild("plan --json", env: ["SATURN_TEST_BOOT_ID": boot]))
    }

    /// The second batch is that of the first result; the first one begins the run.
    @Test(arguments: ["publish.end", "publish.status", "commit.begin:2", "sync.synced"])
    func afterAKill(at step: String) throws {
        for boot in [Self.first, Self.second] {
            let stage = try Stage(["a": "echo a > $RESULTS_DIR/x"])
            #expect(try run(stage, Self.first, dyingAt: step).status == 137)
            #expect(try stage.session.read("results/stage/a/status") == "success")
            let plan = try plan(stage, boot)
            let again = try run(stage, boot)
            #expect(again.status == 0, "\(again.err)")
            if boot == Self.first {
                #expect(plan.names("reuse") == ["a"])
                #expect(try stage.ran() == ["a"])
            } else {
                #expect(plan.reasons("run") == [Self.reason])
                #expect(again.err.hasPrefix("stage: 1 to run: \(Self.reason)\n"), "\(again.err)")
                #expect(try stage.ran() == ["a", "a"])
            }
            #expect(try self.plan(stage, Self.second).names("reuse") == ["a"])
        }
    }

    /// Once its file system was synced and that is written down, a result counts, whatever the ledger has heard.
    @Test(arguments: ["sync.noted", "commit.end:2"]) func afterTheSync(at step: String) throws {
        let stage = try Stage(["a": "echo a > $RESULTS_DIR/x"])
        #expect(try run(stage, Self.first, dyingAt: step).status == 137)
        #expect(try plan(stage, Self.second).names("reuse") == ["a"])
        #expect(try run(stage, Self.second).out.hasPrefix("stage: 1 up to date (T)\n"))
        #expect(try stage.ran() == ["a"])
    }

    @Test func aRunThatEnded() throws {
        let stage = try Stage(["a": "true", "b": "exit 3"])
        let session = stage.session
        #expect(try run(stage, Self.first).status == 1)
        #expect(try plan(stage, Self.second).names("reuse") == ["a"])
        // Without the ledger the folder itself vouches for it.
        try session.remove(".saturn/ledger.sqlite")
        let plan = try plan(stage, Self.second)
        #expect(plan.names("reuse") == ["a"])
        #expect(plan.names("run") == ["b"])
        let text = try session.read("results/stage/.saturn/synced-\(Self.first)")
        #expect(text.contains(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00\n$/), "\(text)")
        // And without that nobody does.
        try session.remove("results/stage/.saturn/synced-\(Self.first)")
        #expect(try self.plan(stage, Self.first).names("reuse") == ["a"], "the machine has not gone down")
        let afterwards = try self.plan(stage, Self.second)
        #expect(afterwards.tasks.first?.reason == Self.reason)
        #expect(try run(stage, Self.second).status == 1)
        #expect(try stage.ran() == ["a", "a", "b", "b"])
    }

    /// In the attic, too.
    @Test func supersededResults() throws {
        for isSynced in [true, false] {
            let stage = try Stage(["a": "echo A > $RESULTS_DIR/x"])
            let session = stage.session
            #expect(try run(stage, Self.first).status == 0)
            try session.replace("echo A >", "echo A2 >", in: "run.yaml")
            #expect(try run(stage, Self.first).status == 0)
            try session.replace("echo A2 >", "echo A >", in: "run.yaml")
            try session.remove(".saturn/ledger.sqlite")
            if !isSynced { try session.remove("results/stage/.saturn/synced-\(Self.first)") }
            #expect(try plan(stage, Self.second).names("restore") == (isSynced ? ["a"] : []))
            #expect(try run(stage, Self.second).status == 0)
            #expect(try stage.ran() == (isSynced ? ["a", "a"] : ["a", "a", "a"]))
        }
    }
}

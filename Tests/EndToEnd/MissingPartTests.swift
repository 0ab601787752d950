import Testing

/// A part of a result is deleted by hand: what is left of it is not taken for the whole.
@Suite(.ownThread) struct MissingPartTests {
    /// `a` has gone from version 1 to version 2.
    private func makeStage() throws -> Stage {
        let stage = try Stage(["a": "echo 1 | tee $RESULTS_DIR/x", "b": "echo B"])
        #expect(try stage.session.saturn("run").status == 0)
        try turn(stage, 1, 2)
        #expect(try stage.session.saturn("run").status == 0)
        #expect(try stage.ran() == ["a", "a", "b"])
        return stage
    }

    private func turn(_ stage: Stage, _ old: Int, _ new: Int) throws {
        try stage.session.replace("echo \(old) |", "echo \(new) |", in: "run.yaml")
    }

    /// The result of version `number` is there and whole, after so many executions of `a` in all.
    private func expectResult(_ stage: Stage, _ number: Int, executions: Int) throws {
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(try stage.session.read("results/stage/a/results/x") == "\(number)\n")
        #expect(try stage.ran().filter { $0 == "a" }.count == executions)
        #expect(try stage.session.saturn("plan", "--exit-code").status == 0)
    }

    @Test(arguments: [nil, ".saturn/ledger.sqlite", ".saturn"]) func results(_ lost: String?) throws {
        let stage = try makeStage()
        let session = stage.session
        try session.remove("results/stage/a/results")
        if let lost { try session.remove(lost) }
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.reasons("run") == ["its results were deleted"])
        try expectResult(stage, 2, executions: 3)
    }

    @Test(arguments: [nil, ".saturn/ledger.sqlite", ".saturn"]) func resultsInTheAttic(_ lost: String?) throws {
        let stage = try makeStage()
        try stage.session.remove("results/stage/a/results")
        try turn(stage, 2, 1)
        try expectResult(stage, 1, executions: 2)
        if let lost { try stage.session.remove(lost) }
        try turn(stage, 1, 2)
        try expectResult(stage, 2, executions: 3)
        try turn(stage, 2, 1)
        try expectResult(stage, 1, executions: 3)
    }

    /// A failure is one with or without them.
    @Test func resultsOfAFailure() throws {
        let session = try Session()
        try session.write(
            "run.yaml", "name: f\ntasks: [{name: a, code: none, command: 'touch $RESULTS_DIR/x; exit 3'}]\n")
        #expect(try session.saturn("run").status == 1)
        try session.remove("results/f/a/results")
        #expect(try PlanJSON(session.saturn("plan", "--json")).reasons("run") == ["failed before (exit code 3)"])
    }

    /// Where it stands it is still what it was; it can go nowhere any more.
    @Test func events() throws {
        let stage = try makeStage()
        try stage.session.remove("results/stage/a/events")
        try expectResult(stage, 2, executions: 2)
        try turn(stage, 2, 1)
        try expectResult(stage, 1, executions: 2)
        try turn(stage, 1, 2)
        try expectResult(stage, 2, executions: 3)
    }
}

import Glibc
import Testing

/// The ledger, or all of `.saturn`, is deleted: the results folder still tells what there is.
@Suite(.ownThread) struct StateLossTests {
    private func makeStage() throws -> Stage {
        let stage = try Stage(["a": "echo A | tee $RESULTS_DIR/x", "b": "echo B"])
        #expect(try stage.session.saturn("run").status == 0)
        return stage
    }

    private func turn(_ stage: Stage, _ old: String, _ new: String) throws {
        try stage.session.replace("echo \(old) |", "echo \(new) |", in: "run.yaml")
    }

    @Test(arguments: [".saturn/ledger.sqlite", ".saturn"]) func everythingIsReused(_ lost: String) throws {
        let stage = try makeStage()
        let session = stage.session
        let project = try session.read(".saturn/project")
        try session.remove(lost)
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        let run = try session.saturn("run")
        #expect(run.status == 0)
        #expect(run.out == "stage: 2 up to date (T)\nresults: ~/results/stage\n")
        #expect(
            run.err == """
                saturn: warning: there was no ledger; 2 results found again in ~/results/stage
                stage: 2 up to date

                """)
        #expect(try stage.ran() == ["a", "b"])
        #expect(try session.read(".saturn/project") == project)
        #expect(try session.saturn("collect").status == 0)
    }

    /// Also where something is to run: what stands there is still this project's.
    @Test func aPlanKnowsWhoseTheResultsAre() throws {
        let stage = try makeStage()
        try stage.session.remove(".saturn")
        try turn(stage, "A", "A2")
        let plan = try PlanJSON(stage.session.saturn("plan", "--json"))
        #expect(plan.names("run") == ["a"] && plan.names("reuse") == ["b"])
        #expect(!stage.session.exists(".saturn"))
    }

    @Test(arguments: [".saturn/ledger.sqlite", ".saturn"]) func theAtticIsFound(_ lost: String) throws {
        let stage = try makeStage()
        let session = stage.session
        let inode = try session.inode("results/stage/a/results/x")
        try turn(stage, "A", "A2")
        #expect(try session.saturn("run").status == 0)
        try session.remove(lost)
        try turn(stage, "A2", "A")
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out == "stage: 1 up to date, 1 restored (T)\nresults: ~/results/stage\n")
        #expect(try stage.ran() == ["a", "a", "b"])
        #expect(try session.inode("results/stage/a/results/x") == inode)
        try turn(stage, "A", "A2")
        #expect(try session.saturn("run").out.hasPrefix("stage: 1 up to date, 1 restored (T)\n"))
    }

    /// It does not take the project's own results for another's.
    @Test(arguments: [".saturn/ledger.sqlite", ".saturn"]) func anEditedTaskRuns(_ lost: String) throws {
        let stage = try makeStage()
        let session = stage.session
        try session.remove(lost)
        try turn(stage, "A", "A2")
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out == "stage: 1 succeeded, 1 up to date (T)\nresults: ~/results/stage\n")
        #expect(try stage.ran() == ["a", "a", "b"])
        #expect(try session.read("results/stage/a/results/x") == "A2\n")
        // What it superseded is kept, and known.
        try turn(stage, "A2", "A")
        #expect(try session.saturn("run").out.hasPrefix("stage: 1 up to date, 1 restored (T)\n"))
    }

    /// The results of two runs, one of which is told first.
    @Test func aSecondRunOfTheProject() throws {
        let stage = try makeStage()
        let session = stage.session
        try stage.write([("z", "echo Z | tee $RESULTS_DIR/x")], file: "other.yaml", directory: "results/other")
        #expect(try session.saturn("run", "other.yaml", "--name", "other").status == 0)
        try session.remove(".saturn")
        #expect(try session.saturn("run").out.hasPrefix("stage: 2 up to date (T)\n"))
        try session.replace("echo Z |", "echo ZZ |", in: "other.yaml")
        let other = try session.saturn("run", "other.yaml", "--name", "other")
        #expect(other.status == 0, "\(other.err)")
        #expect(try stage.ran() == ["a", "b", "z", "z"])
    }

    /// A copy of the project that works in the same results folder is another project.
    @Test func aCopyOfTheProjectIsAnother() throws {
        let stage = try Stage()
        let session = stage.session
        let folder = session.path("results")
        try stage.write([("a", "echo A | tee $RESULTS_DIR/x")], file: "one/run.yaml", directory: folder)
        try stage.write([("a", "echo A2 | tee $RESULTS_DIR/x")], file: "two/run.yaml", directory: folder)
        try stage.write([("q", "true")], file: "two/own.yaml")
        #expect(try session.saturn("run", in: "one").status == 0)
        #expect(try session.saturn("run", "own.yaml", "--name", "own", in: "two").status == 0)
        let inode = try session.inode("results/a")
        let run = try session.saturn("run", in: "two")
        #expect(run.status == 4)
        let project = try session.read("one/.saturn/project").dropLast()
        #expect(
            run.err == """
                saturn: error: the folder of task 'a' belongs to another project (\(project))
                  hint: move it away, or choose another results directory

                """)
        #expect(try session.inode("results/a") == inode)
        // Nor does it become the other's by losing its own state.
        try session.remove("two/.saturn")
        #expect(try session.saturn("run", in: "two").status == 4)
        #expect(try session.saturn("run", in: "two").status == 4)
        #expect(try session.inode("results/a") == inode)
        #expect(try session.saturn("plan", "--exit-code", in: "one").status == 0)
        #expect(try stage.ran() == ["a", "q"])
    }

    /// A project that was moved finds what it has.
    @Test func theProjectIsMoved() throws {
        let stage = try Stage()
        let session = stage.session
        try stage.write([("a", "echo A")], file: "old/run.yaml")
        #expect(try session.saturn("run", in: "old").status == 0)
        #expect(try session.shell("mv old new").status == 0)
        let run = try session.saturn("run", in: "new")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out == "stage: 1 up to date (T)\nresults: ~/new/results/stage\n")
        #expect(try stage.ran() == ["a"])
    }
}

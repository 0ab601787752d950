import Foundation
import Glibc
import SaturnTesting
import Testing

/// What was edited while tasks ran on an engine and no saturn was there.
@Suite(
    .ownThread, .enabled(if: TestEngine.missing.isEmpty, Comment(rawValue: TestEngine.missing.joined(separator: "; "))),
    .timeLimit(.minutes(25)))
struct EditWhileAwayTests {
    /// A run whose saturn was killed while its one task waits, in a repository.
    private func interrupted(_ engine: TestEngine) throws -> (stage: EngineStage, pid: pid_t) {
        let stage = try engine.stage()
        try stage.session.write("value.txt", "one\n")
        try stage.write("[{name: a, code: commit, command: \"echo a >> $RAN; cat value.txt; \(EngineStage.wait)\"}]")
        try stage.session.write(".gitignore", "results\n")
        try stage.session.makeRepository()
        // Files count as changed until they are older than the kernel's clock may be behind.
        usleep(100_000)
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        run.signal(SIGKILL)
        try run.ended()
        return (stage, pid)
    }

    @Test(arguments: TestEngine.allCases) func aRunAfterAnEditBeginsAnew(_ engine: TestEngine) throws {
        let (stage, pid) = try interrupted(engine)
        try stage.session.write("value.txt", "two\n")
        let run = try stage.session.background("run")
        let second = try stage.arrived()[0]
        #expect(!isRunning(pid), "the earlier one has ended before")
        #expect(second != pid)
        stage.release()
        #expect(try run.ended().status == 0)
        #expect(try stage.ran() == ["a", "a"])
        #expect(try stage.session.read("results/a/log") == "two\n")
        #expect(try stage.session.saturn("run").out.hasPrefix("stage: 1 up to date"))
        #expect(try stage.left().isEmpty)
    }

    /// What it saw cannot be told: the result is kept, and not taken for one of either.
    @Test(arguments: TestEngine.allCases, ["two\n", "one\n"])
    func aCollectAfterAnEditBringsWhatThereIs(_ engine: TestEngine, _ value: String) throws {
        let (stage, pid) = try interrupted(engine)
        try stage.session.write("value.txt", "two\n")
        try stage.session.write("value.txt", value)
        let collect = try stage.session.background("collect")
        try collect.waitForErrors("was interrupted")
        #expect(isRunning(pid))
        stage.release()
        let end = try collect.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(try stage.session.read("results/a/log") == "one\n")
        #expect(try stage.ran() == ["a"])
        #expect(try stage.session.read("results/a/events").contains("type: changed"))
        #expect(try stage.session.saturn("plan").out.contains("run      1"))
        try stage.session.write("value.txt", "one\n")
        #expect(try stage.session.saturn("plan").out.contains("run      1"))
    }

    /// The file alone: the result is one of the command that was.
    @Test(arguments: TestEngine.allCases) func aCollectAfterAnEditOfTheCommand(_ engine: TestEngine) throws {
        let (stage, _) = try interrupted(engine)
        try stage.session.replace("cat value.txt; ", "", in: "run.yaml")
        let collect = try stage.session.background("collect")
        try collect.waitForErrors("was interrupted")
        stage.release()
        let end = try collect.ended()
        #expect(end.status == 0)
        let plan = try stage.session.saturn("plan").out
        // What changed, only a ledger could tell that had heard of the first one in time.
        #expect(plan.contains("run      1"), "\(plan)\(end.err)")
        try stage.session.replace("echo a >> $RAN; ", "echo a >> $RAN; cat value.txt; ", in: "run.yaml")
        #expect(try stage.session.saturn("run").out.hasPrefix("stage: 1 up to date"))
        #expect(try stage.ran() == ["a"])
    }
}

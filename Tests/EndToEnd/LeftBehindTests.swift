import Foundation
import Glibc
import SaturnTesting
import Testing

/// A run that nobody executes any more is not wanted: what has ended on its engine is kept all the same.
@Suite(
    .ownThread, .enabled(if: TestEngine.missing.isEmpty, Comment(rawValue: TestEngine.missing.joined(separator: "; "))),
    .timeLimit(.minutes(25)))
struct LeftBehindTests {
    private static let work = "echo $SATURN_TASK >> $RAN; \(EngineStage.wait); echo 1 > $RESULTS_DIR/v"
    private static let tasks = """
        [{name: "a{i}", command: "\(work)", sweep: {grid: {i: [1, 2]}}}, {name: b, command: "\(work)", needs: ["a*"]}]
        """

    /// Two tasks run, nobody looks, and one of them ends; which one.
    private static func leave(_ stage: EngineStage, by number: Int32) throws -> String {
        let run = try stage.session.background("run")
        let pids = try stage.arrived(2)
        let names = try pids.map { pid in
            let variables = try stage.session.read("/proc/\(pid)/environ").split(separator: "\0")
            return try #require(variables.first { $0.hasPrefix("SATURN_TASK=") }).dropFirst("SATURN_TASK=".count)
        }
        run.signal(number)
        try run.ended()
        stage.release()
        while true {
            if let index = pids.firstIndex(where: { !isRunning($0) }) { return String(names[index]) }
            poll(nil, 0, 10)
        }
    }

    private static func other(_ task: String) -> String { task == "a1" ? "a2" : "a1" }

    private static func words(_ ended: String) -> String {
        """
        stage: 1 task that had ended is kept; stopped 1 running task (\(other(ended))); 1 not started; nothing is left \
        running

        """
    }

    /// What is left to be done is done, and nothing twice.
    private static func finish(_ stage: EngineStage, after ended: String) throws {
        let run = try stage.session.background("run")
        try stage.arrived()
        stage.release()
        try stage.arrived()
        stage.release()
        let end = try run.ended()
        #expect(end.status == 0 && end.out.hasPrefix("stage: 2 succeeded, 1 up to date"), "\(end.out)\(end.err)")
        #expect(try stage.ran() == ["a1", "a2", other(ended), "b"].sorted())
    }

    @Test(arguments: TestEngine.allCases) func terminate(_ engine: TestEngine) throws {
        let stage = try engine.stage(Self.tasks)
        let ended = try Self.leave(stage, by: SIGKILL)
        let terminate = try stage.session.saturn("terminate")
        #expect(terminate.out == Self.words(ended), "\(terminate.out)\(terminate.err)")
        #expect(terminate.status == 0)
        #expect(try stage.session.read("results/\(ended)/results/v") == "1\n")
        #expect(try stage.session.saturn("status").out.contains("stopped"))
        #expect(try stage.session.saturn("terminate").out == "stage: nothing is running\n")
        try Self.finish(stage, after: ended)
    }

    /// While the saturn in the background has yet to reach the engine, or a moment later.
    @Test(arguments: TestEngine.allCases) func terminateAfterControlC(_ engine: TestEngine) throws {
        let stage = try engine.stage(Self.tasks)
        let ended = try Self.leave(stage, by: SIGINT)
        let terminate = try stage.session.saturn("terminate")
        #expect(terminate.status == 0, "\(terminate.err)")
        #expect(terminate.out.contains("stopped 1 running task (a"), "\(terminate.out)\(terminate.err)")
        #expect(terminate.out.hasSuffix("; 1 not started; nothing is left running\n"), "\(terminate.out)")
        try Self.finish(stage, after: ended)
    }

    /// It still leaves, or the next one has the run by now.
    @Test(arguments: TestEngine.allCases, [0, 100, 300] as [Int32])
    func terminateDuringControlC(_ engine: TestEngine, _ pause: Int32) throws {
        let stage = try engine.stage(Self.tasks)
        let run = try stage.session.background("run")
        let pids = try stage.arrived(2)
        run.signal(SIGINT)
        poll(nil, 0, pause)
        let terminate = try stage.session.saturn("terminate")
        #expect(terminate.status == 0, "\(terminate.out)\(terminate.err)")
        #expect(terminate.out.contains("stopped 2 running tasks (a1, a2)"), "\(terminate.out)\(terminate.err)")
        for pid in pids { #expect(!isRunning(pid)) }
        try run.ended()
        #expect(try stage.left().isEmpty)
        #expect(try stage.ran() == ["a1", "a2"])
    }

    /// What runs comes to its end.
    @Test(arguments: TestEngine.allCases) func drain(_ engine: TestEngine) throws {
        let stage = try engine.stage(Self.tasks)
        _ = try Self.leave(stage, by: SIGKILL)
        let drain = try stage.session.background("terminate", "--drain")
        stage.release()
        let end = try drain.ended()
        #expect(
            end.out
                == "stage: 2 tasks that had ended are kept; drained; 1 not started; nothing is left running\n",
            "\(end.out)\(end.err)")
        #expect(try stage.ran() == ["a1", "a2"])
        let run = try stage.session.background("run")
        try stage.arrived()
        stage.release()
        #expect(try run.ended().out.hasPrefix("stage: 1 succeeded, 2 up to date"))
    }

    /// What waits on the engine is not begun any more, be there a saturn or not. A cluster of Kubernetes has no more than
    /// fits.
    @Test(arguments: TestEngine.withWorkers, [false, true]) func drainMoreThanFits(
        _ engine: TestEngine, _ isKilled: Bool
    )
        throws
    {
        let stage = try engine.stage()
        let task = "{name: t, command: \"\(Self.work)\", sweep: {repeats: 12}}"
        try stage.write("[\(task)]", more: engine.fourAtOnce)
        let run = try stage.session.background("run")
        try stage.arrived()
        if isKilled {
            run.signal(SIGKILL)
            try run.ended()
        }
        let drain = try stage.session.background("terminate", "--drain")
        while try !stage.session.saturn("status").out.contains("skipped") { poll(nil, 0, 50) }
        let count = try stage.ran().count
        #expect(count < 12)
        stage.release(12)
        let end = try drain.ended()
        #expect(
            end.out.hasSuffix("drained; \(12 - count) not started; nothing is left running\n"), "\(end.out)\(end.err)")
        #expect(try stage.ran().count == count)
        #expect(try stage.left().isEmpty)
        #expect(try run.ended().status == (isKilled ? 137 : 143))
    }

    /// Of what had begun and is nowhere any more.
    @Test(arguments: TestEngine.allCases) func whatIsLost(_ engine: TestEngine) throws {
        let stage = try engine.stage(Self.tasks)
        let run = try stage.session.background("run")
        let pids = try stage.arrived(2)
        for task in ["a1", "a2"] {
            while !stage.session.exists("results/\(task)/log") { poll(nil, 0, 10) }
        }
        run.signal(SIGKILL)
        try run.ended()
        try stage.loseTasks(pids)
        for pid in pids { try waitForEnd(of: pid) }
        let terminate = try stage.session.saturn("terminate")
        #expect(
            terminate.out
                == "stage: 2 tasks were lost (a1, a2); stopped 0 running tasks; nothing is left running\n",
            "\(terminate.out)\(terminate.err)")
    }

    /// One waits for the other.
    @Test(arguments: TestEngine.allCases) func terminateTwice(_ engine: TestEngine) throws {
        let stage = try engine.stage(Self.tasks)
        _ = try Self.leave(stage, by: SIGKILL)
        let terminates = try (0..<2).map { _ in try stage.session.background("terminate") }
        for terminate in terminates {
            let end = try terminate.ended()
            #expect(end.status == 0, "\(end.out)\(end.err)")
        }
        #expect(try stage.left().isEmpty)
    }

    /// Where an image is in the key, another executor's result is another one.
    @Test(arguments: TestEngine.withWorkers) func runWithAnotherExecutor(_ engine: TestEngine) throws {
        let stage = try engine.stage(Self.tasks)
        let ended = try Self.leave(stage, by: SIGKILL)
        try stage.setExecutor("class_spec: MultiprocessingExecutor")
        try Self.finish(stage, after: ended)
    }

    /// R's processes end with it.
    @Test(arguments: TestEngine.allCases.filter { $0 != .r }) func theStateIsLost(_ engine: TestEngine) throws {
        let stage = try engine.stage(Self.tasks)
        let ended = try Self.leave(stage, by: SIGKILL)
        try stage.session.remove(".saturn")
        let terminate = try stage.session.saturn("terminate", "run.yaml")
        #expect(terminate.out == Self.words(ended), "\(terminate.out)\(terminate.err)")
        try Self.finish(stage, after: ended)
    }
}

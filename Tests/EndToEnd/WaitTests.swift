import Glibc
import Testing

/// `run --wait`: waits for whoever uses the run or its results folder, and then plans with what that one has left.
@Suite(.ownThread) struct WaitTests {
    @Test func forTheRun() throws {
        let stage = try Stage(["a": Stage.wait])
        let (run, _) = try stage.start(waiting: 1)
        let waiting = try (0..<3).map { _ in try stage.session.background("run", "--wait") }
        for one in waiting { try one.waitForErrors("; waiting\n") }
        stage.release()
        #expect(try run.ended().status == 0)
        for one in waiting {
            let ended = try one.ended()
            #expect(ended.status == 0)
            #expect(ended.out == "stage: 1 up to date (T)\nresults: ~/results/stage\n")
            let said = "run 'stage' is in use by process PID on HOST (saturn run ~/run.yaml); waiting\n"
            // Of three that wait, one may have to wait for another.
            #expect(ended.err.replacing(said, with: "") == "stage: 1 up to date\n", "\(ended.err)")
            #expect(ended.err.hasPrefix(said), "\(ended.err)")
        }
        #expect(try stage.ran() == ["a"])
    }

    @Test func forTheResultsFolder() throws {
        let stage = try Stage()
        try stage.write([("a", Stage.wait)], directory: "results")
        let (run, _) = try stage.start(waiting: 1)
        let waiting = try stage.session.background("run", "--wait", "--name", "other")
        try waiting.waitForErrors("; waiting\n")
        stage.release()
        #expect(try run.ended().status == 0)
        let ended = try waiting.ended()
        #expect(ended.status == 0)
        #expect(ended.out == "other: 1 up to date (T)\nresults: ~/results\n")
        #expect(
            ended.err == """
                the results folder ~/results is in use by process PID on HOST (saturn run ~/run.yaml); waiting
                other: 1 up to date

                """)
        #expect(try stage.ran() == ["a"])
    }

    /// What is wrong with the run file by then is told then.
    @Test func theFileChangesMeanwhile() throws {
        let stage = try Stage(["a": Stage.wait])
        let (run, _) = try stage.start(waiting: 1)
        let waiting = try stage.session.background("run", "--wait")
        try waiting.waitForErrors("; waiting\n")
        try stage.write([("a", "true"), ("b", "true")])
        stage.release()
        #expect(try run.ended().status == 0)
        #expect(try waiting.ended().status == 0)
        #expect(try stage.ran() == ["a", "a", "b"])
    }

    @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
    func stopped(_ signal: Int32, _ status: Int32) throws {
        let stage = try Stage(["a": Stage.wait])
        let (run, _) = try stage.start(waiting: 1)
        let waiting = try stage.session.background("run", "--wait", "--force")
        try waiting.waitForErrors("; waiting\n")
        waiting.signal(signal)
        #expect(try waiting.ended().status == status)
        stage.release()
        #expect(try run.ended().status == 0)
        #expect(try stage.ran() == ["a"])
    }

    /// What no waiting helps against is told at once.
    @Test func aFolderOfAnotherMaker() throws {
        let stage = try Stage(["a": "true"])
        try stage.session.write("results/stage/a/thesis.txt", "all my work")
        let run = try stage.session.saturn("run", "--wait")
        #expect(run.status == 4)
        #expect(run.err.hasPrefix("saturn: error: the folder of task 'a' exists and was not made by saturn\n"))
    }
}

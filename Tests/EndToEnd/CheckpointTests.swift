import Glibc
import Testing

/// `SATURN_CHECKPOINT_DIR`: what an attempt leaves for the next one of the same key.
@Suite(.ownThread) struct CheckpointTests {
    private static let note = "echo $SATURN_CHECKPOINT_DIR >> $SEEN; echo step >> $SATURN_CHECKPOINT_DIR/steps"

    private func makeStage(_ tasks: KeyValuePairs<String, String>) throws -> Stage {
        let stage = try Stage(tasks)
        stage.session.environment["SEEN"] = stage.session.space.path("seen")
        return stage
    }

    /// The folder that each attempt had.
    private func seen(_ stage: Stage) throws -> [String] {
        try stage.session.read(stage.session.space.path("seen")).split(separator: "\n").map(String.init)
    }

    private func left(_ stage: Stage) throws -> [String] {
        try stage.session.names("results/stage/.saturn/checkpoints")
    }

    @Test func survivesARetry() throws {
        let stage = try makeStage(["a": "\(Self.note); test $(wc -l < $SATURN_CHECKPOINT_DIR/steps) -eq 3"])
        try stage.session.append("run.yaml", "    retries: 2\n")
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        let folders = try seen(stage)
        #expect(folders.count == 3 && Set(folders).count == 1)
        #expect(!stage.session.exists(folders[0]), "after success it is gone")
        #expect(try left(stage) == [])
    }

    @Test(arguments: ["failure", "SIGKILL", "terminate", "Ctrl-C"]) func survives(_ what: String) throws {
        let stage = try makeStage([
            "a": "\(Self.note); test $(wc -l < $SATURN_CHECKPOINT_DIR/steps) -eq 2 && exit; \(Stage.wait); exit 3"
        ])
        let session = stage.session
        let (run, _) = try stage.start(waiting: 1)
        switch what {
        case "failure":
            stage.release()
            #expect(try run.ended().status == 1)
        case "SIGKILL": try stage.kill(run)
        case "terminate":
            #expect(try session.saturn("terminate").status == 0)
            #expect(try run.ended().status == 143)
        default:
            run.signal(SIGINT)
            #expect(try run.ended().status == 130)
        }
        let first = try #require(try seen(stage).first)
        #expect(try session.read("\(first)/steps") == "step\n")
        #expect(try session.saturn(what == "SIGKILL" ? "collect" : "run").status == 0)
        #expect(try seen(stage) == [first, first])
        #expect(!session.exists(first))
    }

    /// Another command has nothing to go on from; back at the first one, it is still there.
    @Test func anotherKeyHasAnother() throws {
        let stage = try makeStage(["a": "\(Self.note); exit 3"])
        let session = stage.session
        #expect(try session.saturn("run").status == 1)
        try session.replace("exit 3", "exit 4", in: "run.yaml")
        #expect(try session.saturn("run").status == 1)
        try session.replace("exit 4", "exit 3", in: "run.yaml")
        #expect(try session.saturn("run").status == 1)
        let folders = try seen(stage)
        #expect(folders.count == 3)
        #expect(folders[0] == folders[2])
        #expect(folders[0] != folders[1])
        #expect(try session.read("\(folders[0])/steps") == "step\nstep\n")
        #expect(try session.read("\(folders[1])/steps") == "step\n")
    }

    @Test func equalTasksHaveDifferentOnes() throws {
        let stage = try makeStage([:])
        let line = "command: \"\(Self.note); cat $SATURN_CHECKPOINT_DIR/steps > $RESULTS_DIR/x; exit 3\"\n"
        try stage.session.append("run.yaml", "\n  - name: a\n    \(line)  - name: b\n    \(line)")
        #expect(try stage.session.saturn("run").status == 1)
        #expect(try stage.session.saturn("run").status == 1)
        let folders = try seen(stage)
        #expect(folders.count == 4 && Set(folders).count == 2, "\(folders)")
        for folder in Set(folders) { #expect(try stage.session.read("\(folder)/steps") == "step\nstep\n") }
    }

    /// A task that leaves nothing there leaves no folder.
    @Test func unusedOnesAreGone() throws {
        let stage = try makeStage(["a": "test -d $SATURN_CHECKPOINT_DIR; exit 3"])
        #expect(try stage.session.saturn("run").status == 1)
        #expect(try left(stage) == [])
    }
}

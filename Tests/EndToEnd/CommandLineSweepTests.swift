import Testing

/// `saturn run --sweep … -- command`: without a run file.
@Suite(.ownThread) struct CommandLineSweepTests {
    private static let sweep = ["--sweep", "lr=0.1,0.01", "--sweep", "seed=1..4"]
    private static let command = ["--", "sh", "train.sh", "--lr", "{lr}", "--seed", "{seed}"]

    private func session() throws -> Session {
        let session = try Session()
        try session.write("train.sh", "echo \"$@\" | tee \"$RESULTS_DIR/out\"\n")
        try session.makeRepository()
        return session
    }

    @Test func eightTasks() throws {
        let session = try session()
        let run = try session.saturn(["run"] + Self.sweep + Self.command)
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out == "train: 8 succeeded (T)\nresults: ~/results/train\n")
        #expect(try session.read("results/train/train-lr=0.01-seed=3/results/out") == "--lr 0.01 --seed 3\n")
        // One more value, and what was there is used. The file of before is still that of before.
        let more = try session.saturn(["run", "--sweep", "lr=0.1,0.01,1", "--sweep", "seed=1..4"] + Self.command)
        #expect(more.out.hasPrefix("train: 4 succeeded, 8 up to date (T)\n"), "\(more.out)")
        #expect(!more.err.contains("warning"), "\(more.err)")
        #expect(try session.names(".saturn/sweeps").count == 2)
        // Known like any other run.
        #expect(try session.saturn("status", "--name", "train").out.contains("train-lr=1-seed=4  "))
        #expect(try session.saturn("logs", "train-lr=1-seed=4").out == "--lr 1 --seed 4\n")
        #expect(try session.saturn("collect", "--name", "train").status == 0)
    }

    /// What it stands for is a run file whose results are the same ones.
    @Test func printed() throws {
        let session = try session()
        let before = try session.listing()
        let printed = try session.saturn(["run"] + Self.sweep + ["--print"] + Self.command)
        #expect(printed.status == 0)
        #expect(try session.saturn(["run", "-n"] + Self.sweep + Self.command).out.contains("run      8  new"))
        let changed = difference(before, try session.listing())
        // A draft has come and gone.
        #expect(changed.allSatisfy { $0.hasPrefix(session.space.path("tmp") + ": ") }, "\(changed)")
        try session.saturn(["run"] + Self.sweep + Self.command)
        try session.write("run.yaml", printed.out)
        #expect(try session.saturn("run").out.hasPrefix("train: 8 up to date"))
    }

    @Test func inAFolderBelowAndInTheBackground() throws {
        let session = try session()
        session.makeFolder("a b")
        let run = try session.saturn(
            "run", "-C", "a b", "--detach", "--sweep", "x=p q,r", "--", "echo {x} | tee \"$RESULTS_DIR/x\"")
        #expect(run.status == 0, "\(run.err)")
        #expect(try session.saturn("collect").status == 0)
        #expect(try session.read("a b/results/echo/echo-x=p q/results/x") == "p q\n")
    }

    @Test func twoWaysAtOnce() throws {
        let session = try session()
        #expect(try session.saturn("run", "other.yaml", "--sweep", "a=1", "--", "true").status == 2)
        #expect(try session.saturn("run", "--sweep", "a=1").status == 2)
        #expect(!session.exists(".saturn"))
    }

    /// Where the state is not at a root of git's, the file under it is no project of its own.
    @Test func outsideOfGit() throws {
        let session = try Session()
        try session.write("train.sh", "echo $1\n")
        let sweep = ["run", "--sweep", "a=1,2", "--", "sh", "train.sh", "{a}"]
        #expect(try session.saturn(sweep).status == 0)
        try session.append("train.sh", "# the same\n")
        let why = try session.saturn("why", "train-a=1")
        #expect(why.out.hasPrefix("train-a=1: run\n"), "\(why.out) \(why.err)")
        #expect(try session.saturn("accept", "train*").status == 0)
        #expect(try session.saturn(sweep).out.hasPrefix("train: 2 up to date"))
        #expect(try session.names(".saturn/sweeps").count == 1)
        // One value more or less is no other name.
        let more = try session.saturn("run", "--sweep", "a=3", "--", "sh", "train.sh", "{a}")
        #expect(more.status == 0, "\(more.err)")
        #expect(session.exists("results/train/train-a=1") && session.exists("results/train/train-a=3"))
    }

    @Test func whatIsRefusedIsNotWritten() throws {
        let session = try session()
        for arguments in [
            ["run", "--name", "a/../../../evil", "--sweep", "a=1", "--", "true"],
            ["run", "--sweep", "a=1,1", "--", "true"], ["run", "--print", "--sweep", "a=1,1", "--", "true"],
        ] {
            let run = try session.saturn(arguments)
            #expect(run.status == 2)
            #expect(run.out == "")
        }
        #expect(!session.exists(".saturn"))
    }
}

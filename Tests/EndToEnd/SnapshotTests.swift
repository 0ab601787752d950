import Glibc
import Testing

/// `snapshot: true`: what tasks run from, what kills leave of it, and that gc takes it away.
@Suite(.ownThread) struct SnapshotTests {
    private func makeSession(_ command: String = "python3 train.py") throws -> Session {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: snap
            tasks:
              - {name: a, command: "\(command)", snapshot: true, inputs: [data/x]}

            """)
        try session.write(
            "train.py", "import lib, os\nprint(lib.value, open('data/x').read().strip(), os.path.exists('junk'))\n")
        try session.write("lib.py", "value = 'one'\n")
        try session.write(".gitignore", "data\njunk\n")
        try session.makeRepository()
        try session.write("data/x", "data\n")
        try session.write("junk", "1\n")
        return session
    }

    private func snapshots(_ session: Session) throws -> [String] {
        session.exists(".saturn/snapshots") ? try session.names(".saturn/snapshots") : []
    }

    @Test func tasksRunFromWhatGitTracks() throws {
        let session = try makeSession()
        #expect(try session.saturn("plan").status == 0)
        #expect(!session.exists(".saturn"), "planning writes nothing")
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(try session.read("results/snap/a/log") == "one data False\n")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        #expect(try snapshots(session).count == 1)
        // It does not count in the key.
        try session.replace(", snapshot: true", "", in: "run.yaml")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }

    @Test func anEditWhileATaskRunsIsNotSeen() throws {
        let session = try makeSession("echo here > $HERE; read line < $GO; python3 train.py")
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        (session.environment["HERE"], session.environment["GO"]) = (here.path, go.path)
        let run = try session.background("run")
        #expect(try here.line() == "here")
        try session.write("lib.py", "value = 'two'\n")
        let gc = try session.saturn("gc")
        #expect(gc.out.hasPrefix("nothing to delete\n"), "it is in use")
        go.send()
        let ended = try run.ended()
        #expect(ended.status == 0)
        #expect(!ended.err.contains("warning"), "\(ended.err)")
        #expect(try session.read("results/snap/a/log") == "one data False\n")
        try session.write("lib.py", "value = 'one'\n")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }

    @Test func gcRemovesThem() throws {
        let session = try makeSession()
        #expect(try session.saturn("run").status == 0)
        try session.write("lib.py", "value = 'two'\n")
        #expect(try session.saturn("run").status == 0)
        #expect(try snapshots(session).count == 2)
        let dry = try session.saturn("gc", "-n")
        #expect(dry.out.hasPrefix("would free ") && dry.out.contains(": 2 snapshots of code\n"), "\(dry.out)")
        #expect(try snapshots(session).count == 2)
        let gc = try session.saturn("gc")
        #expect(gc.out.hasPrefix("freed ") && gc.out.contains(": 2 snapshots of code\n"), "\(gc.out)")
        #expect(try snapshots(session) == [])
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        #expect(try session.saturn("gc").out.hasPrefix("nothing to delete\n"))
    }

    /// Nothing under a snapshot's name is ever incomplete, and gc removes what a kill leaves.
    @Test(arguments: ["snapshot.copied", "snapshot.sealed", "snapshot.named"]) func diesMakingIt(_ step: String) throws
    {
        let session = try makeSession()
        let killed = try session.debugBuild("run", env: ["SATURN_TEST_DIE_AT": step])
        #expect(killed.status == 137)
        #expect(try snapshots(session).map { $0.hasPrefix("tmp-") } == [step != "snapshot.named"])
        #expect(try session.saturn("run").status == 0)
        #expect(try session.read("results/snap/a/log") == "one data False\n")
        #expect(try session.saturn("gc").status == 0)
        #expect(try snapshots(session) == [])
    }

    @Test func diesRemovingIt() throws {
        let session = try makeSession()
        #expect(try session.saturn("run").status == 0)
        let killed = try session.debugBuild("gc", env: ["SATURN_TEST_DIE_AT": "snapshot.discarded"])
        #expect(killed.status == 137)
        #expect(try snapshots(session).map { $0.hasPrefix("tmp-") } == [true])
        #expect(try session.saturn("run", "--force").status == 0)
        #expect(try session.read("results/snap/a/log") == "one data False\n")
        #expect(try session.saturn("gc").status == 0)
        #expect(try snapshots(session) == [])
    }

    @Test func mistakesAreShownWhereTheyAre() throws {
        let session = try makeSession()
        try session.git("rm", "--quiet", "--cached", "train.py")
        #expect(
            try session.saturn("plan").err == """
                run.yaml:3:12: error: task 'a': a snapshot holds only what git tracks, and not train.py; git add train.py
                  3 |   - {name: a, command: "python3 train.py", snapshot: true, inputs: [data/x]}
                    |            ^

                """)
    }
}

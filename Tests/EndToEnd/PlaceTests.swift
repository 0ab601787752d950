import Testing

/// Where saturn looks for the run file and for its state, and what it says to wrong usage.
@Suite(.ownThread) struct PlaceTests {
    private static let file = "name: place\ntasks: [{name: a, code: none, command: pwd}]\n"

    @Test func changesFolderFirst() throws {
        let session = try Session()
        try session.write("project/run.yaml", Self.file)
        session.makeFolder("elsewhere")
        let before = try session.saturn("-C", "../project", "run", in: "elsewhere")
        #expect(before.status == 0, "\(before.err)")
        #expect(before.out == "place: 1 succeeded (T)\nresults: ~/project/results/place\n")
        #expect(try session.read("project/results/place/a/log") == session.path("project") + "\n")
        let after = try session.saturn("run", "-C", "../project", in: "elsewhere")
        #expect(after.out == "place: 1 up to date (T)\nresults: ~/project/results/place\n")
        #expect(try session.saturn("status", "-C", "project").out.hasPrefix("place: succeeded, started TIME\n"))
        #expect(try session.names("elsewhere") == [])
        let missing = try session.saturn("-C", "nowhere", "run")
        #expect(missing.status == 2)
        #expect(missing.err == "saturn: error: cannot change to nowhere: No such file or directory\n")
    }

    @Test func stateElsewhere() throws {
        let session = try Session()
        try session.write("run.yaml", Self.file)
        session.makeFolder("states")
        #expect(try session.saturn("run", "--state", "states/one").status == 0)
        #expect(session.exists("states/one/ledger.sqlite"))
        #expect(!session.exists(".saturn"))
        #expect(try session.saturn("list", "--state", "states/one").out == "place  TIME  succeeded    1 succeeded\n")
        let env = ["SATURN_STATE": session.path("states/one")]
        #expect(try session.saturn("plan", "--exit-code", env: env).status == 0)
        #expect(try session.saturn("status", env: env).status == 0)
        let without = try session.saturn("status")
        #expect(without.status == 2)
        #expect(
            without.err == """
                saturn: error: there is no saturn project here or in a folder above
                  hint: go to the run file's folder, or use -C or --state

                """)
    }

    @Test func stateIsPrivateAndOutOfTheWay() throws {
        let session = try Session()
        try session.write("deep/folder/run.yaml", Self.file)
        try session.makeRepository()
        #expect(try session.saturn("run", in: "deep/folder").status == 0)
        #expect(try session.shell("stat -c %a .saturn").out == "700\n")
        #expect(try session.git("status", "--porcelain") == "?? deep/folder/results/", "it ignores itself")
        #expect(try session.saturn("status", in: "deep").status == 0, "found from any folder of the project")
        #expect(!session.exists("deep/folder/.saturn"))
    }

    @Test func noRunFile() throws {
        let session = try Session()
        for command in ["run", "plan"] {
            let transcript = try session.saturn(command)
            #expect(transcript.status == 2)
            #expect(
                transcript.err == """
                    saturn: error: cannot read run.yaml: No such file or directory
                      hint: name a run file: saturn run FILE

                    """)
        }
        #expect(try session.names("") == [])
        session.makeFolder("run.yaml")
        let folder = try session.saturn("run")
        #expect(folder.status == 2)
        #expect(folder.err.hasPrefix("saturn: error: cannot read run.yaml: "), "\(folder.err)")
    }

    @Test(arguments: [
        ["run", "--colour"], ["frobnicate"], ["run", "-j", "0"], ["run", "-j", "many"], ["logs"],
        ["run", "a.yaml", "b.yaml", "c.yaml"], ["run", "--max-failures", "0"],
    ])
    func wrongUsage(_ arguments: [String]) throws {
        let session = try Session()
        try session.write("run.yaml", Self.file)
        let quoted = arguments.joined(separator: " ")
        let transcript = try session.shell("saturn \(quoted)")
        #expect(transcript.status == 2)
        #expect(transcript.out == "")
        #expect(transcript.err.hasPrefix("Error: "), "\(transcript.err)")
        #expect(try session.names("") == ["run.yaml"])
    }

    @Test func help() throws {
        let session = try Session()
        for arguments in ["--help", "run --help", "plan -h", "--version", ""] {
            let transcript = try session.shell("saturn \(arguments)")
            #expect(transcript.status == 0)
            #expect(!transcript.out.isEmpty)
            #expect(transcript.err == "")
        }
    }
}

import Testing

/// A project's folder that was copied, `.saturn` and all: what its ledger tells of is the original's.
@Suite(.ownThread) struct CopiedProjectTests {
    private func makeSession() throws -> Session {
        let session = try Session()
        let file = "name: copied\ndefaults: {code: none}\ntasks: [{name: a, command: echo A > $RESULTS_DIR/x}]\n"
        for text in [file, file.replacing("echo A", with: "echo B")] {
            try session.write("first/run.yaml", text)
            #expect(try session.saturn("run", in: "first").status == 0)
        }
        try session.shell("cp -a first second")
        return session
    }

    @Test(arguments: [["gc", "--name", "copied", "--results"], ["pin", "a"]])
    func theOriginalsResultsAreLeftAlone(_ arguments: [String]) throws {
        let session = try makeSession()
        let before = try session.listing().filter { $0.key.contains("/first/") }
        let refused = try session.shell("saturn \(arguments.joined(separator: " "))", in: "second")
        #expect(refused.status == 4)
        #expect(
            refused.err == """
                saturn: error: ~/first/results/copied belongs to the project in ~/first, of which this one is a copy
                  hint: saturn run makes results of its own here

                """)
        #expect(try difference(before, session.listing().filter { $0.key.contains("/first/") }) == [])
    }

    @Test func gcSaysSoAndGoesOn() throws {
        let session = try makeSession()
        let before = try session.listing().filter { $0.key.contains("/first/") }
        let gc = try session.saturn("gc", "--all", in: "second")
        #expect(gc.status == 0)
        #expect(gc.out == "nothing to delete\n", "\(gc.out)")
        #expect(gc.err.contains("note: ~/first/results/copied belongs to the project in ~/first"))
        #expect(try difference(before, session.listing().filter { $0.key.contains("/first/") }) == [])
        // With a run of its own it has results of its own.
        #expect(try session.saturn("run", in: "second").out.hasPrefix("copied: 1 up to date"))
        #expect(try session.saturn("gc", "--all", in: "second").out.contains("freed "))
        #expect(try difference(before, session.listing().filter { $0.key.contains("/first/") }) == [])
        #expect(try session.saturn("gc", "--all", in: "first").out.contains("freed "))
    }

    /// One that was moved has no original.
    @Test func movedItIsItsOwn() throws {
        let session = try makeSession()
        try session.shell("rm -r second; mv first third")
        #expect(try session.saturn("run", in: "third").out.hasPrefix("copied: 1 up to date"))
        #expect(try session.saturn("gc", "--all", in: "third").out.contains("freed "))
    }
}

import SaturnCore
import Testing

@Suite struct IndexFlagTests {
    @Test func assumedUnchangedCountsAsRecorded() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "b": "2\n"])
        try repository.git("update-index", "--assume-unchanged", "a", "b")
        try repository.write("a", "changed\n")
        try repository.remove("b")
        try repository.expectOracle()
        #expect(try !repository.state().provenance.dirty)
    }

    @Test(arguments: [["--cone", "in"], ["--no-cone", "/in/*"]])
    func aSparseCheckoutLacksNothing(_ pattern: [String]) throws {
        let repository = try TestRepository()
        try repository.commit(["top": "0\n", "in/a": "1\n", "out/b": "2\n", "out/deep/c": "3\n"])
        // Also turns on extensions.worktreeConfig.
        try repository.git(["sparse-checkout", "set"] + pattern)
        try repository.expectOracle()
        #expect(try !repository.state().provenance.dirty)
        try repository.write("in/a", "changed\n")
        try repository.expectOracle(excluding: ["out/deep"])
    }

    @Test func intentToAddTakesTheWorkTree() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        try repository.write("new", "content\n")
        try repository.write("empty", "")
        try repository.write("gone", "content\n")
        try repository.git("add", "-N", "new", "empty", "gone")
        try repository.remove("gone")
        try repository.expectOracle()
        #expect(try repository.open()?.tracks("new") == true)
    }

    @Test func aConflictCountsAsTheWorkTree() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "b": "1\n", "c": "1\n", "d": "1\n"])
        try repository.git("checkout", "-qb", "other")
        try repository.commit(["a": "other\n", "b": "other\n", "new": "other\n"])
        try repository.git("rm", "-q", "c")
        try repository.git("commit", "-qm", "c")
        try repository.git("checkout", "-q", "main")
        try repository.commit(["a": "main\n", "b": "main\n", "c": "main\n", "new": "main\n"])
        try repository.git(["merge", "-q", "other"], accepts: [1])
        try repository.expectOracle()
        try repository.remove("b")
        try repository.write("a", "resolved\n")
        try repository.expectOracle()
        try repository.expectOracle(excluding: ["a", "new"])
        #expect(try repository.open()?.tracks("a") == true)
    }

    @Test func namesThatDifferInCase() throws {
        let repository = try TestRepository()
        try repository.commit(["B": "1\n", "a": "2\n", "Lib/x": "3\n", "lib/y": "4\n", "C": "5\n"])
        try repository.git("config", "core.ignorecase", "true")
        try repository.write("lib/y", "changed\n")
        try repository.expectOracle()
    }

    @Test func theFourthIndexVersion() throws {
        let repository = try TestRepository()
        try repository.commit(["lib/a": "1\n", "lib/ab": "2\n", "lib/abc/d": "3\n"])
        try repository.git("update-index", "--index-version", "4")
        try repository.write("lib/ab", "changed\n")
        try repository.expectOracle()
    }

    @Test func aSplitIndexSaysWhatToDo() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        try repository.git("update-index", "--split-index")
        #expect {
            try repository.state()
        } throws: { error in
            (error as? Failure)?.hint == "git update-index --no-split-index"
        }
    }
}

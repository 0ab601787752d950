import SaturnCore
import Testing

@Suite struct ExcludedTests {
    private func sample() throws -> TestRepository {
        let repository = try TestRepository()
        try repository.commit([
            "a": "1\n", "run.yaml": "2\n", "run": "3\n", "results/x/log": "4\n", "results/y": "5\n",
            "results-old": "6\n", "lib/only/one": "7\n",
        ])
        return repository
    }

    @Test(arguments: [
        ["run.yaml"], ["results"], ["results/x", "run"], ["lib/only/one"], ["lib"], ["unknown", "lib/none", "a/b"],
        ["results", "results/x"], ["run.yaml", "results", ".saturn", "lib/only"],
    ])
    func pathsAreRemovedChangedOrNot(_ excluded: [String]) throws {
        let repository = try sample()
        try repository.expectOracle(excluding: excluded)
        #expect(try !repository.state(excluding: excluded).provenance.dirty)
        let before = try repository.state(excluding: excluded)
        for path in excluded where path.contains("r") { try repository.remove(path) }
        try repository.write("results/new", "8\n")
        try repository.expectOracle(excluding: excluded)
        if excluded.contains("results") { #expect(try repository.state(excluding: excluded) == before) }
        try repository.write("a", "changed\n")
        try repository.git("add", "-A")
        try repository.expectOracle(excluding: excluded)
        #expect(try repository.state(excluding: excluded).provenance.dirty)
    }

    @Test func anUnknownPathChangesNothing() throws {
        let repository = try sample()
        let plain = try repository.state()
        let unknown = ["none", "lib/none/deeper", "../outside", "/absolute", "run/below"]
        #expect(try repository.state(excluding: unknown) == plain)
        try repository.git("rm", "-q", "--cached", "results/y")
        #expect(try repository.state(excluding: ["none"]) == repository.state())
    }

    @Test func spellingsOfOnePath() throws {
        let repository = try sample()
        let wanted = try repository.oracle(excluding: ["results/x"])
        for spelling in ["results/x", "results/x/", "./results//x", "lib/../results/x/."] {
            #expect(try repository.state(excluding: [spelling]) == wanted, "\(spelling)")
        }
    }

    @Test func theRootLeavesNothing() throws {
        let repository = try sample()
        let state = try repository.state(excluding: ["."])
        #expect(state.tree == "4b825dc642cb6eb9a060e54bf8d69288fbee4904" && !state.provenance.dirty)
    }

    /// One is `e` with a combining accent; Swift's strings would call them equal.
    @Test func namesAreBytes() throws {
        let repository = try TestRepository()
        try repository.commit(["\u{E9}": "1\n"])
        try repository.commit(["e\u{301}": "2\n"])
        try repository.expectOracle(excluding: ["\u{E9}"])
        try repository.expectOracle(excluding: ["e\u{301}"])
    }

    @Test func beforeTheFirstCommit() throws {
        let repository = try TestRepository()
        try repository.write("run.yaml", "1\n")
        try repository.git("add", "run.yaml")
        #expect(try !repository.state(excluding: ["run.yaml"]).provenance.dirty)
        try repository.expectOracle(excluding: ["run.yaml"])
    }
}

import SaturnCore
import Testing

@Suite struct SubmoduleTests {
    private func sample() throws -> TestRepository {
        let repository = try TestRepository()
        let source = "\(repository.folder)/source"
        try repository.write("\(source)/s", "1\n")
        try repository.git(["init", "-q", "-b", "main"], in: source)
        try repository.git(["add", "-A"], in: source)
        try repository.git(["commit", "-qm", "1"], in: source)
        try repository.commit(["a": "1\n"])
        try repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", source, "deep/sub")
        try repository.commit()
        return repository
    }

    @Test func aSubmoduleCountsByItsCommit() throws {
        let repository = try sample()
        let clean = try repository.state()
        #expect(try clean == repository.oracle() && !clean.provenance.dirty)
        try repository.write("deep/sub/s", "dirty\n")
        try repository.write("deep/sub/untracked", "dirty\n")
        #expect(try repository.state() == clean)
        try repository.git(["commit", "-qam", "2"], in: repository.path("deep/sub"))
        try repository.expectOracle()
        #expect(try repository.state().provenance.dirty)
        try repository.expectOracle(excluding: ["deep/sub"])
    }

    @Test func oneThatIsNotCheckedOutIsUnchanged() throws {
        let repository = try sample()
        let clean = try repository.state()
        try repository.git("submodule", "--quiet", "deinit", "-f", "deep/sub")
        #expect(try repository.state() == clean)
        try repository.expectOracle()
        try repository.remove("deep/sub")
        try repository.expectOracle()
        try repository.write("deep/sub", "a file\n")
        try repository.expectOracle()
    }

    @Test func aFileBecomesARepository() throws {
        let repository = try sample()
        try repository.remove("a")
        try repository.write("a/x", "1\n")
        try repository.git(["init", "-q"], in: repository.path("a"))
        try repository.expectOracle()
        try repository.git(["add", "x"], in: repository.path("a"))
        try repository.git(["commit", "-qm", "x"], in: repository.path("a"))
        try repository.expectOracle()
    }

    @Test func insideItItIsTheRepository() throws {
        let repository = try sample()
        let inner = try #require(try repository.open("deep/sub"))
        #expect(inner.root == repository.path("deep/sub"))
        #expect(try inner.tracks("s"))
        let tree = try repository.git(["rev-parse", "HEAD^{tree}"], in: inner.root)
        #expect(try inner.state(excluding: []).tree == tree)
    }
}

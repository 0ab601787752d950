import Glibc
import SaturnCore
import Testing

@Suite struct CopyTests {
    private func copy(
        _ repository: TestRepository, _ selection: CodeSelection = CodeSelection(), to name: String = "copy"
    ) throws -> CodeState {
        mkdir("\(repository.folder)/\(name)", 0o755)
        return try #require(try repository.open()).copy(selection, to: "\(repository.folder)/\(name)")
    }

    /// Path, kind, permissions and what links say.
    private func listing(_ repository: TestRepository, _ name: String = "copy") throws -> [String] {
        try Program.run(
            ["find", "\(repository.folder)/\(name)", "-mindepth", "1", "-printf", "%P %y %m %l\\n"],
            environment: TestRepository.environment
        ).split(separator: "\n").map(String.init).sorted()
    }

    private func content(_ repository: TestRepository, _ path: String) throws -> String {
        try Program.run(["cat", "\(repository.folder)/\(path)"], environment: TestRepository.environment)
    }

    @Test func trackedFilesAsTheyAre() throws {
        let repository = try TestRepository()
        try repository.write("run.sh", "1\n")
        chmod(repository.path("run.sh"), 0o755)
        try repository.commit(["a": "1\n", "lib/b": "2\n", "lib/gone": "3\n", "results/x": "4\n"])
        try repository.link("lib/link", to: "b")
        try repository.git("add", "-A")
        try repository.write("lib/b", "edited\n")
        try repository.write("lib/untracked", "5\n")
        try repository.remove("lib/gone")
        let selection = CodeSelection(excluding: ["results"])
        let state = try #require(try repository.open()).state(of: selection)
        #expect(try copy(repository, selection) == state)
        #expect(
            try listing(repository) == [
                "a f 444 ", "lib d 755 ", "lib/b f 444 ", "lib/link l 777 b", "run.sh f 555 ",
            ])
        #expect(try content(repository, "copy/lib/b") == "edited\n")
    }

    @Test func ofASelectionOnly() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "lib/b": "2\n", "lib/c": "3\n"])
        try repository.write("a", "edited\n")
        let selection = CodeSelection(pathspecs: ["lib", "!lib/c"])
        #expect(try copy(repository, selection) == #require(try repository.open()).state(of: selection))
        #expect(try listing(repository) == ["lib d 755 ", "lib/b f 444 "])
    }

    /// What git would make of a file is not what is in it.
    @Test func filtersAreAppliedToTheIdAndNotToTheCopy() throws {
        let repository = try TestRepository()
        try repository.write(".gitattributes", "*.txt text\n*.x filter=upper\n")
        try repository.git("config", "filter.upper.clean", "tr a-z A-Z")
        try repository.write("a.txt", "one\r\ntwo\r\n")
        try repository.write("b.x", "text\n")
        try repository.commit()
        try repository.git("update-index", "--refresh")
        let state = try repository.state()
        #expect(try copy(repository) == state)
        #expect(try content(repository, "copy/a.txt") == "one\r\ntwo\r\n")
        #expect(try content(repository, "copy/b.x") == "text\n")
        try repository.write("a.txt", "three\r\n")
        #expect(try copy(repository, to: "again") == repository.state())
        #expect(try repository.state().tree != state.tree)
    }

    @Test func anEditShows() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        let handle = try #require(try repository.open())
        let before = try handle.state(excluding: [])
        try repository.write("a", "2\n")
        mkdir("\(repository.folder)/copy", 0o755)
        #expect(try handle.copy(CodeSelection(), to: "\(repository.folder)/copy").tree != before.tree)
    }

    @Test func linksThatLeaveTheRepositoryLeadWhereTheyDid() throws {
        let repository = try TestRepository()
        try repository.write("lib/x", "1\n")
        try repository.link("lib/out", to: "../../shared/data")
        try repository.link("lib/in", to: "../lib/x")
        try repository.link("absolute", to: "/dev/null")
        try repository.commit()
        #expect(try copy(repository) == repository.state())
        #expect(
            try listing(repository).filter { $0.contains(" l ") } == [
                "absolute l 777 /dev/null", "lib/in l 777 ../lib/x",
                "lib/out l 777 \(repository.root)/lib/../../shared/data",
            ])
    }

    @Test func filesThatAreNotLookedAt() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "b": "2\n", "c": "3\n"])
        try repository.git("update-index", "--assume-unchanged", "a")
        try repository.write("a", "edited\n")
        try repository.git("update-index", "--skip-worktree", "b")
        try repository.remove("b")
        #expect(try copy(repository) == repository.state())
        #expect(try listing(repository) == ["a f 444 ", "c f 444 "])
        #expect(try content(repository, "copy/a") == "edited\n")
    }

    @Test func submodulesAreCopiedAtTheirCommit() throws {
        let repository = try TestRepository()
        let sub = repository.path("deep/sub")
        try repository.commit(["a": "1\n"])
        try repository.write("deep/sub/s", "1\n")
        try repository.git(["init", "-q", "-b", "main"], in: sub)
        try repository.git(["add", "-A"], in: sub)
        try repository.git(["commit", "-qm", "1"], in: sub)
        try repository.git("-c", "advice.addEmbeddedRepo=false", "add", "deep/sub")
        try repository.commit()
        #expect(try copy(repository) == repository.state())
        #expect(
            try listing(repository) == ["a f 444 ", "deep d 755 ", "deep/sub d 755 ", "deep/sub/s f 444 "])
        try repository.write("deep/sub/s", "2\n")
        #expect(
            throws: Failure(
                .usage, "the submodule deep/sub has uncommitted changes, which a snapshot cannot hold",
                hint: "commit them in \(sub)")
        ) { try copy(repository, to: "again") }
        try repository.git(["commit", "-qam", "2"], in: sub)
        #expect(try copy(repository, to: "third") == repository.state())
    }

    @Test func nothingIsWrittenIntoTheRepository() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "lib/b": "2\n"])
        try repository.write("lib/b", "3\n")
        let before = try Listing(of: repository.root)
        _ = try copy(repository)
        #expect(try Listing(of: repository.root).difference(from: before) == [])
    }
}

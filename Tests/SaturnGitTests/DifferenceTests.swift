import SaturnCore
import Testing

@Suite struct DifferenceTests {
    private func differences(
        _ repository: TestRepository, from old: CodeState, to new: CodeState, in pathspecs: [String]? = nil,
        excluding excluded: [String] = []
    ) throws -> [FileChange]? {
        try #require(try repository.open()).differences(
            from: old.detail, to: new.detail, in: CodeSelection(excluding: excluded, pathspecs: pathspecs))
    }

    @Test func betweenCommitsAndEdits() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "lib/b": "2\n", "lib/c": "3\n", "lib/deep/d": "4\n"])
        let first = try repository.state()
        #expect(try differences(repository, from: first, to: first) == [])
        try repository.write("lib/b", "changed\n")
        try repository.remove("lib/c")
        try repository.write("new", "staged\n")
        try repository.git("add", "new")
        let edited = try repository.state()
        #expect(edited.uncommitted.map(\.path) == ["lib/b", "lib/c", "new"])
        #expect(edited.uncommitted[1].content == nil)
        #expect(edited.uncommitted[2].content == "100644 19d9cc8584ac2c7dcf57d2680375e80f099dc481")
        #expect(
            try differences(repository, from: first, to: edited) == [
                FileChange("lib/b", .changed, isUncommitted: true), FileChange("lib/c", .removed, isUncommitted: true),
                FileChange("new", .added, isUncommitted: true),
            ])
        try repository.commit()
        let committed = try repository.state()
        #expect(
            try differences(repository, from: first, to: committed) == [
                FileChange("lib/b", .changed), FileChange("lib/c", .removed), FileChange("new", .added),
            ])
        #expect(try differences(repository, from: edited, to: committed) == [])
        #expect(
            try differences(repository, from: edited, to: first) == [
                FileChange("lib/b", .changed), FileChange("lib/c", .added), FileChange("new", .removed),
            ])
    }

    @Test func onlyWhatIsSelected() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "lib/b": "2\n", "results/c": "3\n"])
        let first = try repository.state()
        for name in ["a", "lib/b", "results/c"] { try repository.write(name, "changed\n") }
        let second = try repository.state()
        let found = try differences(repository, from: first, to: second, excluding: ["results"])
        #expect(found?.map(\.path) == ["a", "lib/b"])
        #expect(try differences(repository, from: first, to: second, in: ["lib"])?.map(\.path) == ["lib/b"])
    }

    @Test func modesLinksAndFoldersInPlaceOfFiles() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "b": "2\n", "c": "3\n"])
        let first = try repository.state()
        try repository.git("update-index", "--chmod=+x", "a")
        try repository.remove("a")
        try repository.write("a", "1\n")
        _ = try Program.run(["chmod", "+x", repository.path("a")], environment: TestRepository.environment)
        try repository.remove("b")
        try repository.link("b", to: "a")
        try repository.remove("c")
        try repository.write("c/inner", "3\n")
        try repository.git("add", "c/inner")
        let found = try differences(repository, from: first, to: repository.state())
        #expect(
            found?.map { "\($0.path) \($0.kind)" } == ["a changed", "b changed", "c removed", "c/inner added"])
    }

    @Test func beforeTheFirstCommit() throws {
        let repository = try TestRepository()
        try repository.write("a", "1\n")
        try repository.git("add", "a")
        let first = try repository.state()
        #expect(first.detail.commit == nil && first.uncommitted.map(\.path) == ["a"])
        try repository.commit(["b": "2\n"])
        let second = try repository.state()
        #expect(try differences(repository, from: first, to: second) == [FileChange("b", .added)])
        #expect(try differences(repository, from: second, to: first)?.map(\.kind) == [.removed])
    }

    @Test func aCommitThatIsGone() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        try repository.commit(["a": "2\n"])
        let old = try repository.state()
        try repository.git("reset", "-q", "--hard", "HEAD~1")
        let new = try repository.state()
        #expect(try differences(repository, from: old, to: new)?.map(\.path) == ["a"], "it is still stored")
        try repository.git("reflog", "expire", "--expire=now", "--all")
        try repository.git("prune", "--expire=now")
        #expect(try differences(repository, from: old, to: new) == nil)
        #expect(try differences(repository, from: new, to: old) == nil)
        let handle = try #require(try repository.open())
        let nonsense = CodeDetail(commit: "tree-1")
        #expect(try handle.differences(from: nonsense, to: new.detail, in: CodeSelection()) == nil)
    }

    @Test func namesAreBytes() throws {
        let repository = try TestRepository()
        try repository.write("\u{E9}", "1\n")
        try repository.commit(["e\u{301}": "1\n"])
        let first = try repository.state()
        try repository.write("\u{E9}", "2\n")
        try repository.write("e\u{301}", "3\n")
        let second = try repository.state()
        #expect(second.uncommitted.count == 2)
        #expect(try differences(repository, from: first, to: second)?.count == 2)
    }

    /// A user's setting must not hide what changed.
    @Test func submodules() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        let sub = repository.path("sub")
        try repository.write("sub/s", "1\n")
        try repository.git(["init", "-q", "-b", "main"], in: sub)
        try repository.git(["add", "-A"], in: sub)
        try repository.git(["commit", "-qm", "1"], in: sub)
        try repository.git("-c", "advice.addEmbeddedRepo=false", "add", "sub")
        try repository.commit()
        try repository.git("config", "diff.ignoreSubmodules", "all")
        let first = try repository.state()
        try repository.git(["commit", "-q", "--allow-empty", "-m", "2"], in: sub)
        let second = try repository.state()
        #expect(second.uncommitted.map(\.path) == ["sub"])
        #expect(
            try differences(repository, from: first, to: second)
                == [FileChange("sub", .changed, isUncommitted: true)])
        try repository.git("-c", "diff.ignoreSubmodules=none", "commit", "-qam", "x")
        #expect(try differences(repository, from: first, to: repository.state()) == [FileChange("sub", .changed)])
    }

    /// What differs between any two states is what git says of their trees.
    @Test(arguments: [1, 2, UInt64.random(in: 3...UInt64.max)])
    func anyHistoryAgreesWithGit(seed: UInt64) throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "d/x": "2\n", "d/sub/deep": "3\n", "d.txt": "4\n", "e/f": "5\n"])
        var history = RandomHistory(seed: seed, in: repository)
        var states = [try repository.state()]
        var generator = SplitMix64(state: seed)
        for step in 0..<60 {
            _ = try history.step()
            let (state, oracle) = (try repository.state(), try repository.oracle())
            try #require(state == oracle, "seed \(seed), step \(step)")
            let old = try #require(states.randomElement(using: &generator))
            states.append(state)
            let found = try #require(try differences(repository, from: old, to: state))
            let wanted = try repository.changes(from: old.tree, to: state.tree).map { change in
                FileChange(
                    change.path, change.old == nil ? .added : change.new == nil ? .removed : .changed,
                    isUncommitted: state.uncommitted.contains { $0.path.utf8.elementsEqual(change.path.utf8) })
            }
            #expect(found == wanted, "seed \(seed), step \(step)")
        }
    }
}

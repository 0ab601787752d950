import SaturnCore
import Testing

@Suite struct PathspecTests {
    private func sample() throws -> TestRepository {
        let repository = try TestRepository()
        try repository.commit([
            "train.py": "1\n", "lib/model.py": "2\n", "lib/deep/data.py": "3\n", "lib/notes/todo.md": "4\n",
            "lib.py": "5\n", "library/x.py": "6\n", ".hidden/y.py": "7\n", "run.yaml": "8\n",
        ])
        return repository
    }

    private func state(_ pathspecs: [String], _ repository: TestRepository) throws -> CodeState {
        try #require(try repository.open()).state(of: CodeSelection(excluding: ["run.yaml"], pathspecs: pathspecs))
    }

    /// The files that a selection covers: what there would be new were it added to nothing.
    private func files(
        _ pathspecs: [String], _ repository: TestRepository, excluding excluded: [String] = []
    ) throws -> [String] {
        let new = CodeDetail(commit: try repository.git("rev-parse", "HEAD"))
        let selection = CodeSelection(excluding: excluded, pathspecs: pathspecs)
        let handle = try #require(try repository.open())
        return try #require(try handle.differences(from: CodeDetail(commit: nil), to: new, in: selection)).map(\.path)
    }

    @Test(arguments: [
        (["lib"], ["lib/deep/data.py", "lib/model.py", "lib/notes/todo.md"]), (["train.py"], ["train.py"]),
        (["lib", "!lib/notes"], ["lib/deep/data.py", "lib/model.py"]),
        (["!lib/notes", "lib"], ["lib/deep/data.py", "lib/model.py"]),
        (["lib/*.py"], ["lib/deep/data.py", "lib/model.py"]),
        (["lib*.py"], ["lib.py", "lib/deep/data.py", "lib/model.py", "library/x.py"]),
        (["*", "!*.py"], ["lib/notes/todo.md", "run.yaml"]), (["!*.py"], ["lib/notes/todo.md", "run.yaml"]),
        (["./lib//deep/../notes/"], ["lib/notes/todo.md"]), (["lib.py/"], []), (["lib/mod?l.[p]y"], ["lib/model.py"]),
        (["*.py", "!l*"], [".hidden/y.py", "train.py"]), (["LIB"], []), (["../work/lib"], []), (["/lib"], []),
        (
            [],
            [
                ".hidden/y.py", "lib.py", "lib/deep/data.py", "lib/model.py", "lib/notes/todo.md", "library/x.py",
                "run.yaml", "train.py",
            ]
        ),
    ]) func whatIsCovered(_ pathspecs: [String], _ covered: [String]) throws {
        #expect(try files(pathspecs, sample()) == covered)
    }

    @Test func whatIsExcludedNeverCounts() throws {
        #expect(try files(["lib", "train.py"], sample(), excluding: ["lib/deep", "train.py"]).count == 2)
    }

    @Test func namesWithWildcards() throws {
        let repository = try TestRepository()
        try repository.commit(["runs[1]/lib/a": "1\n", "runs1/lib/a": "2\n", "!odd/a": "3\n", "back\\slash": "4\n"])
        #expect(try files(["runs[1]"], repository) == ["runs[1]/lib/a"])
        #expect(try files(["runs[1]/*"], repository) == ["runs1/lib/a"])
        #expect(try files(["runs\\[1\\]/lib"], repository) == ["runs[1]/lib/a"])
        #expect(try files(["runs\\[1\\]/l*"], repository) == ["runs[1]/lib/a"])
        #expect(try files(["./!odd"], repository) == ["!odd/a"])
        #expect(try files(["!!odd", "!r*"], repository) == ["back\\slash"])
        #expect(try files(["back\\slash"], repository) == ["back\\slash"])
    }

    /// Git would leave out what is in no folder; globs of inputs do not.
    @Test func twoStarsAreAnyFolders() throws {
        let repository = try TestRepository()
        for name in ["top.py", "lib/a.py", "lib/sub/deep/b.py", "lib/b.txt"] { try repository.write(name, "1\n") }
        try repository.commit()
        #expect(try files(["**/*.py"], repository) == ["lib/a.py", "lib/sub/deep/b.py", "top.py"])
        #expect(try files(["lib/**/*.py"], repository) == ["lib/a.py", "lib/sub/deep/b.py"])
        #expect(try files(["lib/**/b.*", "!**/deep"], repository) == ["lib/b.txt", "lib/sub/deep/b.py"])
        #expect(try files(["**/lib/**/b.txt"], repository) == ["lib/b.txt"])
    }

    /// Two fixed seeds and a new one every time; a failure names the seed.
    @Test(arguments: [1, 539_978_253_417_694_868, UInt64.random(in: 3...UInt64.max)])
    func anyPathspecsAgreeWithGit(seed: UInt64) throws {
        var generator = SplitMix64(state: seed)
        let repository = try TestRepository()
        // Only files have wildcards in their names: of such folders more is covered here.
        for name in ["a", "ab", "b.py", "a*b", "a[b]", "é", "-", "]", "d/a", "d/b.py", "d/dd/a", "d/dd/ab", "lib/d/a"] {
            try repository.write(name, "\(name)\n")
        }
        try repository.commit()
        try repository.git("config", "core.ignorecase", "true")
        let pieces = [
            "a", "b", "d", "lib", ".py", "/", "/", "*", "*", "?", "[ab]", "[!a]", "[^a-c]", "[a-d]", "[[:alpha:]]",
            "[]]", "[[:x:]]", "[[:a]", "\\*", "\\[", "[", "]", "[!]a-]", "é", "[\\]]",
        ]
        for _ in 0..<150 {
            let pathspecs: [String] = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                let text = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                    pieces.randomElement(using: &generator) ?? "a"
                    // Two of them are more to us than to git.
                }.joined().replacing(/\*\*+/, with: "*").drop { $0 == "/" }
                return (Int.random(in: 0..<4, using: &generator) == 0 ? "!" : "") + (text.isEmpty ? "d" : text)
            }
            // Where all have one folder in front, git 2.39 cuts as many bytes off what is excluded: `d/ :(exclude)x` is
            // nothing to it. A name that nothing has prevents that.
            let others = pathspecs.allSatisfy { $0.hasPrefix("!") } ? [] : ["nothing"]
            let listed = try repository.git(
                ["ls-files", "-z", "--"] + pathspecs.map(TestRepository.magic) + others)
            let ours = try files(pathspecs, repository)
            #expect(ours == listed.split(separator: "\0").map(String.init), "seed \(seed): \(pathspecs)")
        }
    }

    // MARK: Trees

    @Test func theTreeIsThatOfTheSelectedFiles() throws {
        let repository = try sample()
        for pathspecs in [["lib"], ["lib", "!lib/notes"], ["*.py"], ["!lib"], ["train.py", "lib/deep"]] {
            let state = try #require(try repository.open()).state(of: CodeSelection(pathspecs: pathspecs))
            #expect(try state.tree == repository.oracle(of: pathspecs), "\(pathspecs)")
            #expect(!state.provenance.dirty && state.uncommitted.isEmpty && state.unmatched.isEmpty)
        }
        #expect(
            try state(["lib", "!lib/notes"], repository).tree == state(["lib/deep", "lib/model.py"], repository).tree)
        #expect(try state([], repository) == state(["."], repository))
    }

    @Test func anEditOutsideChangesNothingAndOneInsideGivesTheKeyOfItsCommit() throws {
        let repository = try sample()
        let clean = try state(["lib"], repository)
        try repository.write("train.py", "changed\n")
        try repository.write("lib/untracked.py", "new\n")
        let outside = try state(["lib"], repository)
        #expect(outside.tree == clean.tree && outside.uncommitted.isEmpty)
        #expect(outside.provenance.dirty, "the repository is, whatever is selected")
        try repository.write("lib/model.py", "changed\n")
        let inside = try state(["lib"], repository)
        #expect(inside.tree != clean.tree && inside.uncommitted.map(\.path) == ["lib/model.py"])
        #expect(try inside.tree == repository.oracle(of: ["lib"]))
        try repository.git("commit", "-qam", "y")
        let committed = try state(["lib"], repository)
        #expect(committed.tree == inside.tree && committed.uncommitted.isEmpty && !committed.provenance.dirty)
    }

    // MARK: Unmatched

    @Test func whatCoversNoFileIsTold() throws {
        let repository = try sample()
        try repository.write("new.py", "untracked\n")
        try repository.write("deleted.py", "1\n")
        try repository.git("add", "deleted.py")
        try repository.remove("deleted.py")
        let pathspecs = ["lib", "new.py", "no*", "run.yaml", "deleted.py", "lib/model.py", "library/"]
        #expect(try state(pathspecs, repository).unmatched == [1, 2, 3, 4])
    }

    @Test func toTakeAwayWhatIsThereOrMayComeIsNoMistake() throws {
        let repository = try sample()
        try repository.write("data/x", "untracked\n")
        let pathspecs = ["!data", "!none", "!lib/notes", "!*.ipynb", "!run.yaml", "!../x"]
        #expect(try state(pathspecs, repository).unmatched == [1, 5])
        let handle = try #require(try repository.open())
        let selection = CodeSelection(excluding: ["out/results"], pathspecs: ["!out", "!out/results/x", "!out/other"])
        #expect(try handle.state(of: selection).unmatched == [2])
    }

    @Test func aSubmoduleIsAFolder() throws {
        let repository = try sample()
        try repository.write("sub/s", "1\n")
        try repository.git(["init", "-q", "-b", "main"], in: repository.path("sub"))
        try repository.git(["add", "-A"], in: repository.path("sub"))
        try repository.git(["commit", "-qm", "1"], in: repository.path("sub"))
        try repository.git("-c", "advice.addEmbeddedRepo=false", "add", "sub")
        try repository.commit()
        for pathspecs in [["sub"], ["sub/"], ["s*"], ["!lib", "!*.py", "!run.yaml"]] {
            #expect(try files(pathspecs, repository) == ["sub"], "\(pathspecs)")
            #expect(try state(pathspecs, repository).unmatched.isEmpty, "\(pathspecs)")
        }
    }
}

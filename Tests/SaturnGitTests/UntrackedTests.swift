import Glibc
import SaturnCore
import Testing

@Suite struct UntrackedTests {
    private func untracked(
        _ repository: TestRepository, in pathspecs: [String]? = nil, excluding excluded: [String] = [],
        limit: Int = 100
    ) throws -> [String] {
        try #require(try repository.open()).untracked(
            in: CodeSelection(excluding: excluded, pathspecs: pathspecs), limit: limit)
    }

    private func sample() throws -> TestRepository {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "lib/b": "2\n", "lib/deep/c": "3\n", ".gitignore": "*.o\nbuild/\n"])
        return repository
    }

    @Test func filesAndFoldersThatGitDoesNotTrack() throws {
        let repository = try sample()
        #expect(try untracked(repository) == [])
        for name in ["new", "lib/new.py", "lib/deep/x.o", "build/x", "data/1", "data/deep/2", "lib/deep/z"] {
            try repository.write(name, "1\n")
        }
        try repository.link("lib/link", to: "b")
        try repository.write("objects/x.o", "only ignored files\n")
        try repository.write("lib/__pycache__/b.pyc", "1\n")
        mkdir(repository.path("empty"), 0o755)
        mkfifo(repository.path("pipe"), 0o644)
        #expect(try untracked(repository) == ["data/", "lib/deep/z", "lib/link", "lib/new.py", "new"])
        #expect(try untracked(repository, limit: 2).count == 2)
    }

    @Test func whatIsSelectedAndNotExcluded() throws {
        let repository = try sample()
        for name in ["new", "lib/new.py", "notes/1", "out/results/1", "other.py", "lib/x/y.py"] {
            try repository.write(name, "1\n")
        }
        #expect(try untracked(repository, in: ["lib"]) == ["lib/new.py", "lib/x/"])
        #expect(try untracked(repository, in: ["!lib"], excluding: ["new"]) == ["notes/", "other.py", "out/"])
        #expect(try untracked(repository, in: ["lib", "notes/1"]) == ["lib/new.py", "lib/x/"])
        // A folder in which results are is looked into.
        #expect(
            try untracked(repository, excluding: ["out/results", "lib"]) == ["new", "notes/", "other.py"])
        try repository.write("out/more", "1\n")
        #expect(try untracked(repository, excluding: ["out/results", "lib", "new"]).contains("out/more"))
    }

    @Test func withoutAnyTrackedFile() throws {
        let repository = try TestRepository()
        try repository.write("a", "1\n")
        #expect(try untracked(repository) == ["a"])
        #expect(try untracked(repository, excluding: ["a"]) == [])
    }

    @Test func whatIsToBeAddedIsAsked() throws {
        let repository = try sample()
        try repository.write("one", "1\n")
        let handle = try #require(try repository.open())
        #expect(try handle.untracked(in: CodeSelection(), limit: 9) == ["one"])
        try repository.git("add", "one")
        _ = try handle.state(excluding: [])
        #expect(try handle.untracked(in: CodeSelection(), limit: 9) == [])
    }

    /// A folder full of data costs nothing, and one of ignored files not much.
    @Test func theWorkIsBounded() throws {
        let repository = try sample()
        for number in 0..<400 { try repository.write("lib/\(number).o", "") }
        for name in ["lib/z.py", "lib/deep/new.py", "zz"] { try repository.write(name, "") }
        #expect(try untracked(repository) == ["lib/deep/new.py", "zz"], "lib was given up")
        #expect(try untracked(repository, in: ["lib/z*"]) == ["lib/z.py"])
    }

    @Test func nothingIsWritten() throws {
        let repository = try sample()
        try repository.write("new", "4\n")
        try repository.write("lib/b", "changed\n")
        let before = try Listing(of: repository.root)
        _ = try untracked(repository)
        #expect(try Listing(of: repository.root).difference(from: before) == [])
    }

    @Test(arguments: [1, 2, UInt64.random(in: 3...UInt64.max)])
    func anyWorkTreeAgreesWithGit(seed: UInt64) throws {
        var generator = SplitMix64(state: seed)
        let repository = try TestRepository()
        let folders = ["", "d/", "d/e/", "f/", "f/g/h/"]
        // No exceptions: libgit2 1.5 does not see one in a folder to a rule of a folder above. Such a file is not mentioned.
        let rules = ["a", "/b", "d/a", "e/", "*.o", "g", "f/**", "#x", "h/"]
        for _ in 0..<12 {
            for _ in 0..<6 {
                let folder = folders.randomElement(using: &generator) ?? ""
                let name = ["a", "b", "a.o", "b.o", "c c", "é", "x"].randomElement(using: &generator) ?? "a"
                try repository.write(folder + name, "1\n")
                if Int.random(in: 0..<3, using: &generator) == 0 { try repository.git("add", "-f", folder + name) }
                if Int.random(in: 0..<4, using: &generator) == 0 {
                    let rule = rules.randomElement(using: &generator) ?? "a"
                    try repository.write("\(folder).gitignore", "\(rule)\n")
                }
            }
            let listed = try repository.git(
                "ls-files", "-z", "--others", "--exclude-standard", "--directory", "--no-empty-directory")
            let wanted = listed.split(separator: "\0").map(String.init)
                .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            #expect(try untracked(repository) == wanted, "seed \(seed)")
        }
    }
}

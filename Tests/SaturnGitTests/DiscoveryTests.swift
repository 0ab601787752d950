import Glibc
import SaturnCore
import SaturnGit
import Testing

@Suite struct DiscoveryTests {
    @Test func theRootIsFoundFromAnyFolderWithoutLinks() throws {
        let repository = try TestRepository()
        try repository.commit(["lib/deep/a": "1\n"])
        try repository.link("\(repository.folder)/alias", to: "work")
        for folder in ["lib/deep", "lib", "lib/not/there/yet", "\(repository.folder)/alias/lib"] {
            #expect(try repository.open(folder)?.root == repository.root, "\(folder)")
        }
    }

    @Test func noRepository() throws {
        let repository = try TestRepository(initialises: false)
        #expect(try repository.open() == nil)
        // Nor is it one to git.
        mkdir(repository.path(".git"), 0o755)
        #expect(try repository.open() == nil)
    }

    @Test func anEmptyFolderNamedGitHidesNothing() throws {
        let repository = try TestRepository()
        try repository.commit(["lib/a": "1\n"])
        mkdir(repository.path("lib/.git"), 0o755)
        #expect(try repository.open("lib")?.root == repository.root)
    }

    @Test func insideTheGitFolderThereIsNone() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        for folder in [".git", ".git/objects", ".git/refs/heads"] {
            #expect(try repository.open(folder) == nil, "\(folder)")
        }
    }

    @Test func aBareRepositoryIsNone() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        try repository.git("clone", "-q", "--bare", ".", "inner.git")
        #expect(try repository.open("inner.git") == nil)
        #expect(try repository.open("inner.git/hooks") == nil)
        try repository.git("config", "core.bare", "true")
        #expect(try repository.open() == nil)
    }

    @Test(arguments: ["work", "bare.git"])
    func aLinkedWorktree(of main: String) throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "lib/b": "2\n"])
        try repository.git("clone", "-q", "--bare", ".", "../bare.git")
        let linked = "\(repository.folder)/linked"
        try repository.git(["worktree", "add", "-q", "-b", "side", linked], in: "\(repository.folder)/\(main)")
        try repository.write("\(linked)/lib/b", "changed\n")
        let handle = try #require(try repository.open("\(linked)/lib"))
        #expect(handle.root == linked)
        let state = try handle.state(excluding: [])
        #expect(state.provenance.dirty)
        try repository.git(["commit", "-qam", "x"], in: linked)
        #expect(try repository.git(["rev-parse", "HEAD^{tree}"], in: linked) == state.tree)
        #expect(try !handle.state(excluding: []).provenance.dirty)
    }

    @Test func aShallowClone() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        try repository.commit(["a": "2\n"])
        let clone = "\(repository.folder)/clone"
        try repository.git("clone", "-q", "--depth", "1", "file://\(repository.root)", clone)
        let state = try #require(try repository.open(clone)).state(excluding: [])
        #expect(try state.tree == repository.git("rev-parse", "HEAD^{tree}"))
        #expect(!state.provenance.dirty)
    }

    @Test func aSeparateGitFolder() throws {
        let repository = try TestRepository(initialises: false)
        try repository.git("init", "-q", "--separate-git-dir", "\(repository.folder)/elsewhere")
        try repository.commit(["a": "1\n"])
        #expect(try repository.open()?.root == repository.root)
        #expect(try repository.open("\(repository.folder)/elsewhere") == nil)
        try repository.expectOracle()
    }

    @Test func theWorkTreeThatTheConfigurationNames() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        mkdir("\(repository.folder)/other", 0o755)
        try repository.git("config", "core.worktree", "\(repository.folder)/other")
        #expect(try repository.open() == nil)
    }

    @Test func variablesOfGitAreIgnored() async {
        await #expect(processExitsWith: .success) {
            let repository = try TestRepository()
            try repository.commit(["a": "1\n"])
            let expected = try repository.oracle()
            setenv("GIT_DIR", "/nonexistent", 1)
            setenv("GIT_WORK_TREE", "/nonexistent", 1)
            setenv("GIT_INDEX_FILE", "/nonexistent", 1)
            #expect(try repository.state() == expected)
        }
    }

    @Test func aHomeIsNotNeeded() async {
        await #expect(processExitsWith: .success) {
            unsetenv("HOME")
            let repository = try TestRepository()
            try repository.commit(["a": "1\n"])
            try repository.expectOracle()
        }
        await #expect(processExitsWith: .success) {
            setenv("HOME", "/nonexistent", 1)
            setenv("XDG_CONFIG_HOME", "/proc/nonexistent", 1)
            let repository = try TestRepository()
            try repository.commit(["a": "1\n"])
            try repository.expectOracle()
        }
    }
}

import Glibc
import SaturnCore
import Testing

@Suite struct FileKindTests {
    @Test func aFileBecomesAFolderAndBack() throws {
        let repository = try TestRepository()
        try repository.commit(["x": "1\n", "d/a": "2\n", "d/b/c": "3\n", "z": "4\n"])
        try repository.remove("x")
        try repository.write("x/inner", "new\n")
        try repository.remove("d")
        try repository.write("d", "a file now\n")
        try repository.expectOracle()
        try repository.git("add", "-A")
        try repository.expectOracle()
        try repository.remove("d")
        try repository.write("d/a", "2\n")
        try repository.expectOracle()
    }

    @Test func aFileBecomesALinkAndBack() throws {
        let repository = try TestRepository()
        try repository.write("file", "1\n")
        try repository.link("link", to: "file")
        try repository.link("dangling", to: "nowhere")
        try repository.commit()
        #expect(try !repository.state().provenance.dirty)
        try repository.remove("file")
        try repository.link("file", to: "dangling")
        try repository.remove("link")
        try repository.write("link", "file")
        try repository.remove("dangling")
        try repository.link("dangling", to: "elsewh.")
        try repository.expectOracle()
        try repository.git("add", "-A")
        try repository.expectOracle()
    }

    /// What lies behind the link is not what git tracks, even where the names agree.
    @Test func aFolderBecomesALink() throws {
        let repository = try TestRepository()
        try repository.commit(["d/a": "1\n", "d/sub/b": "2\n"])
        guard rename(repository.path("d"), repository.path("moved")) == 0 else { return }
        try repository.link("d", to: "moved")
        try repository.expectOracle()
        #expect(try repository.state().tree == "4b825dc642cb6eb9a060e54bf8d69288fbee4904")
    }

    @Test func theExecuteBitCounts() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "b": "2\n"])
        chmod(repository.path("a"), 0o755)
        chmod(repository.path("b"), 0o611)
        try repository.expectOracle()
        #expect(try repository.state().provenance.dirty)
        try repository.git("config", "core.filemode", "false")
        try repository.expectOracle()
        #expect(try !repository.state().provenance.dirty)
        try repository.git("update-index", "--chmod=+x", "b")
        try repository.write("b", "edited\n")
        try repository.expectOracle()
    }

    /// `config.worktree` is one more file of settings, which need not exist.
    @Test func aWorktreeHasSettingsOfItsOwn() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        try repository.git("config", "extensions.worktreeConfig", "true")
        #expect(try !repository.state().provenance.dirty)
        try repository.git("config", "--unset", "core.filemode")
        try repository.git("config", "--worktree", "core.filemode", "false")
        chmod(repository.path("a"), 0o755)
        try repository.expectOracle()
        #expect(try !repository.state().provenance.dirty)
    }

    @Test func withoutLinksAFileHoldsTheTarget() throws {
        let repository = try TestRepository()
        try repository.link("link", to: "target")
        try repository.commit()
        try repository.git("config", "core.symlinks", "false")
        try repository.remove("link")
        try repository.write("link", "target")
        try repository.expectOracle()
        #expect(try !repository.state().provenance.dirty)
    }

    @Test func oddNames() throws {
        let repository = try TestRepository()
        let names = [
            "with space", "quo\"te", "apo'strophe", "back\\slash", "new\nline", "tab\t", "naïve/日本語", "-dash", ":colon",
            "*", "a.b", "a/b", "a-b", "a0",
        ]
        try repository.commit(Dictionary(uniqueKeysWithValues: names.map { ($0, "1\n") }))
        #expect(try !repository.state().provenance.dirty)
        for name in names { try repository.write(name, "2 \(name)\n") }
        try repository.expectOracle(excluding: ["new\nline", "naïve", "*"])
        try repository.expectOracle()
    }

    @Test func aNameThatIsNotUTF8() throws {
        let repository = try TestRepository()
        _ = try Program.run(
            ["sh", "-c", "cd \"$1\" && echo 1 > \"$(printf 'bad\\377name')\"", "sh", repository.root],
            environment: TestRepository.environment)
        try repository.commit()
        #expect(try !repository.state().provenance.dirty)
        _ = try Program.run(
            ["sh", "-c", "cd \"$1\" && echo 22 > bad*", "sh", repository.root], environment: TestRepository.environment)
        try repository.expectOracle()
    }

    @Test func aPipeInPlaceOfAFileIsAnError() throws {
        let repository = try TestRepository()
        try repository.commit(["p": "1\n"])
        try repository.remove("p")
        #expect(mkfifo(repository.path("p"), 0o644) == 0)
        #expect {
            try repository.state()
        } throws: { error in
            (error as? Failure)?.message.hasSuffix("p is neither a file, a link nor a folder") == true
        }
    }

    /// In a process of its own, because root may read everything.
    @Test func anUnreadableChangedFileIsAnError() async {
        await #expect(processExitsWith: .success) {
            try #require(geteuid() != 0 || setuid(61_000) == 0)
            // Root's own may not be read any more.
            setenv("HOME", "/nonexistent", 1)
            let repository = try TestRepository()
            try repository.commit(["a": "1\n"])
            try repository.write("a", "changed\n")
            _ = try repository.state()
            chmod(repository.path("a"), 0)
            #expect(throws: Failure.self) { try repository.state() }
        }
    }
}

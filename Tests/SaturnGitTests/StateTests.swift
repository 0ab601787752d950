import Glibc
import SaturnCore
import Testing

@Suite struct StateTests {
    @Test func cleanIsTheTreeOfHead() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "lib/b": "2\n", "lib/deep/c": "3\n", "lib.txt": "4\n", "lib0": "5\n"])
        let state = try repository.state()
        #expect(try state.tree == repository.git("rev-parse", "HEAD^{tree}"))
        #expect(try state.provenance.commit == repository.git("rev-parse", "HEAD"))
        #expect(!state.provenance.dirty)
    }

    @Test func anEditItsStagingAndItsCommitGiveOneTree() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "lib/b": "2\n"])
        let handle = try #require(try repository.open())
        let before = try handle.state(excluding: [])
        try repository.write("lib/b", "3\n")
        let edited = try handle.state(excluding: [])
        #expect(try edited == repository.oracle())
        #expect(edited.provenance.dirty && edited.tree != before.tree)
        try repository.git("add", "-A")
        #expect(try handle.state(excluding: []) == edited)
        try repository.git("commit", "-qm", "y")
        let committed = try handle.state(excluding: [])
        #expect(committed.tree == edited.tree && !committed.provenance.dirty)
        try repository.git("commit", "-q", "--amend", "-m", "z")
        #expect(try handle.state(excluding: []).tree == edited.tree)
    }

    @Test func stagedFilesCountAndUntrackedOnesDoNot() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        let before = try repository.state()
        try repository.write("new/one", "1\n")
        #expect(try repository.state() == before)
        try repository.git("add", "new/one")
        try repository.expectOracle()
        #expect(try repository.state().provenance.dirty)
        try repository.write("new/one", "edited after staging\n")
        try repository.expectOracle()
        try repository.remove("new")
        #expect(try repository.state() == before)
    }

    @Test func aRemovedFolderLeavesTheTree() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "lib/deep/b": "2\n"])
        try repository.remove("lib")
        try repository.expectOracle()
        try repository.remove("a")
        #expect(try repository.state().tree == "4b825dc642cb6eb9a060e54bf8d69288fbee4904")
        try repository.expectOracle()
    }

    @Test func aFileThatWasOnlyTouchedIsClean() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "b": "2\n"])
        let before = try repository.state()
        var times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, repository.path("a"), &times, 0) == 0)
        try repository.remove("b")
        try repository.write("b", "2\n")
        #expect(try repository.state() == before)
        #expect(!before.provenance.dirty)
    }

    /// The size and, on most file systems, the second are the index's: only the content tells.
    @Test func anEditOfTheSameSizeRightAfterStagingIsNoticed() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "00\n"])
        let handle = try #require(try repository.open())
        for round in 10..<40 {
            try repository.write("a", "\(round)\n")
            try repository.git("commit", "-qam", "x")
            try repository.write("a", "\(round + 50)\n")
            let state = try handle.state(excluding: [])
            #expect(state.provenance.dirty, "round \(round)")
            #expect(try state == repository.oracle(), "round \(round)")
        }
    }

    /// Two writes between two ticks of the file system's clock leave one stamp.
    @Test func whatWasHashedIsNotTrustedTooSoon() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "00\n"])
        let handle = try #require(try repository.open())
        var last = try handle.state(excluding: [])
        for round in 10..<90 {
            try repository.write("a", "\(round)\n")
            let state = try handle.state(excluding: [])
            #expect(state.tree != last.tree, "round \(round)")
            last = state
        }
        #expect(try last == repository.oracle())
    }

    @Test func manyFilesWrittenWithTheIndexAreAllNoticed() throws {
        let repository = try TestRepository()
        let names = (0..<200).map { "d\($0 % 7)/f\($0)" }
        for name in names { try repository.write(name, "old\n") }
        try repository.git("add", "-A")
        for name in names { try repository.write(name, "new\n") }
        let noticed = try repository.state()
        try repository.git("add", "-A")
        #expect(try noticed.tree == repository.git("write-tree"))
    }

    @Test func nothingIsWritten() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "lib/b": "2\n", "c": "3\n"])
        try repository.write("lib/b", "changed\n")
        try repository.write("c", "3\n")
        try repository.write("new", "4\n")
        try repository.git("add", "new")
        let before = try Listing(of: repository.root)
        let handle = try #require(try repository.open())
        _ = try handle.state(excluding: ["lib"])
        _ = try handle.state(excluding: [])
        _ = try handle.tracks("a")
        #expect(try Listing(of: repository.root).difference(from: before) == [])
    }

    @Test func beforeTheFirstCommit() throws {
        let repository = try TestRepository()
        var state = try repository.state()
        #expect(state.provenance == Provenance(commit: nil, dirty: false))
        #expect(state.tree == "4b825dc642cb6eb9a060e54bf8d69288fbee4904")
        try repository.write("a", "1\n")
        try repository.git("add", "a")
        try repository.write("a", "2\n")
        state = try repository.state()
        #expect(state.provenance == Provenance(commit: nil, dirty: true))
        #expect(try state == repository.oracle())
    }

    @Test func aDetachedHead() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        try repository.commit(["a": "2\n"])
        try repository.git("checkout", "-q", "HEAD~1")
        try repository.expectOracle()
        #expect(try !repository.state().provenance.dirty)
    }

    @Test func aRemovedIndexMeansEverythingIsDeleted() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        let handle = try #require(try repository.open())
        #expect(try !handle.state(excluding: []).provenance.dirty)
        unlink(repository.path(".git/index"))
        #expect(try handle.state(excluding: []) == repository.oracle())
    }

    @Test func whatIsTracked() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "lib/b": "2\n"])
        try repository.write("new", "3\n")
        let handle = try #require(try repository.open())
        #expect(try handle.tracks("a") && handle.tracks("lib/b") && handle.tracks("./lib//../lib/b"))
        #expect(try !handle.tracks("new") && !handle.tracks("lib") && !handle.tracks("") && !handle.tracks("../work/a"))
        #expect(try !handle.tracks(repository.path("a")))
        try repository.git("add", "new")
        _ = try handle.state(excluding: [])
        #expect(try handle.tracks("new"))
    }
}

import Glibc
import SaturnEngine
import SaturnTesting
import Testing

import struct SaturnCore.AttemptID
import struct SaturnCore.Failure

@Suite struct StateFolderTests {
    private let space: TestSpace

    init() throws { space = try TestSpace() }

    @Test func itIsPrivateAndIgnoresItself() throws {
        let state = StateFolder(path: space.path(".saturn"))
        #expect(state.project == nil)
        try state.create()
        #expect(try space.mode(".saturn") == 0o700)
        #expect(try space.mode(".saturn/project") == 0o600)
        #expect(try space.read(".saturn/.gitignore") == "*\n")
        #expect(try space.list(".saturn") == [".gitignore", "locks", "needs", "project"])
        #expect(AttemptID(try #require(state.project)) != nil)
    }

    @Test func gitDoesNotSeeIt() throws {
        try space.git("init", "-q")
        try StateFolder(path: space.path(".saturn")).create()
        #expect(try space.git("status", "--porcelain", "--untracked-files=all").isEmpty)
    }

    @Test func makingItAgainChangesNothing() throws {
        let state = StateFolder(path: space.path(".saturn"))
        try state.create()
        let project = state.project
        try space.write(".saturn/.gitignore", "*\n!kept\n")
        try state.create()
        #expect(state.project == project)
        #expect(try space.read(".saturn/.gitignore") == "*\n!kept\n")
        space.remove(".saturn/locks")
        try state.create()
        #expect(space.exists(".saturn/locks"))
    }

    @Test func twoProjectsDiffer() throws {
        let (one, two) = (StateFolder(path: space.path("a")), StateFolder(path: space.path("b")))
        try one.create()
        try two.create()
        #expect(one.project != two.project)
    }

    @Test func itCannotBeMadeInAFile() throws {
        try space.write("file", "")
        #expect(throws: Failure.self) { try StateFolder(path: space.path("file/.saturn")).create() }
    }

    @Test func itIsFoundUpward() throws {
        space.makeFolder("a/b/c")
        #expect(StateFolder.find(from: space.path("a/b/c")) == nil)
        try StateFolder(path: space.path(".saturn")).create()
        #expect(StateFolder.find(from: space.path("a/b/c"))?.path == space.path(".saturn"))
        #expect(StateFolder.find(from: space.folder)?.path == space.path(".saturn"))
        // The nearest counts, and a folder of that name without the marker does not.
        try StateFolder(path: space.path("a/.saturn")).create()
        space.makeFolder("a/b/.saturn")
        #expect(StateFolder.find(from: space.path("a/b/c"))?.path == space.path("a/.saturn"))
    }

    @Test func itsHomeIsTheRootOfTheWorkTreeOrTheFolderItself() throws {
        space.makeFolder("work/sub/deep")
        #expect(StateFolder.home(of: space.path("work/sub")).path == space.path("work/sub/.saturn"))
        try space.git("init", "-q", in: "work")
        #expect(StateFolder.home(of: space.path("work/sub/deep")).path == space.path("work/.saturn"))
        #expect(StateFolder.home(of: space.path("work")).path == space.path("work/.saturn"))
        // A linked work tree has a file of that name.
        try space.write("linked/.git", "gitdir: elsewhere\n")
        #expect(StateFolder.home(of: space.path("linked")).path == space.path("linked/.saturn"))
        #expect(StateFolder.home(of: "/").path == "/.saturn")
    }

    // MARK: Locks

    @Test func aRunInUseNamesItsHolder() throws {
        let state = StateFolder(path: space.path(".saturn"))
        try state.create()
        #expect(state.holder(of: "sweep") == nil)
        var lock: RunLock? = try state.lock(run: "sweep", holder: "process 42 on box")
        #expect(state.holder(of: "sweep") == "process 42 on box")
        #expect(
            throws: Failure(
                .inUse, "run 'sweep' is in use by process 42 on box",
                hint: "wait for it to end, or choose another --name")
        ) { try state.lock(run: "sweep", holder: "other") }
        // Another run of the same project is free.
        let second = try state.lock(run: "other", holder: "process 43")
        #expect(state.holder(of: "other") == "process 43")
        withExtendedLifetime((lock, second)) {}
        lock = nil
        #expect(state.holder(of: "sweep") == nil)
        let again = try state.lock(run: "sweep", holder: "short")
        // Nothing of the longer text is left.
        #expect(state.holder(of: "sweep") == "short")
        withExtendedLifetime(again) {}
    }

    @Test(.enabled(if: access("/usr/bin/flock", X_OK) == 0, "NOT CHECKED: util-linux's flock is not installed"))
    func aLockGoesWithTheProcessThatHasIt() throws {
        let state = StateFolder(path: space.path(".saturn"))
        try state.create()
        for pipe in ["ready", "go"] { #expect(mkfifo(space.path(pipe), 0o600) == 0) }
        let script = "echo > ready; read line < go"
        let holder = try space.start(["/usr/bin/flock", ".saturn/locks/sweep", "sh", "-c", script])
        _ = try space.read("ready")
        #expect(throws: Failure.self) { try state.lock(run: "sweep", holder: "me") }
        try space.write("go", "\n")
        #expect(try holder.wait().status == 0)
        let lock = try state.lock(run: "sweep", holder: "me")
        withExtendedLifetime(lock) {}
    }
}

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
        #expect(try space.list(".saturn") == [".gitignore", "locks", "needs", "project", "supervisors"])
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
        let ada = LockHolder(parsing: "process 42 on box (saturn run /home/ada/run.yaml)\n42 1835502\n")
        var lock: RunLock? = try state.lock(run: "sweep", holder: ada)
        #expect(state.holder(of: "sweep") == ada)
        #expect(
            throws: Failure(
                .inUse, "run 'sweep' is in use by process 42 on box (saturn run /home/ada/run.yaml)",
                hint:
                    "--wait waits for it, saturn terminate --name sweep stops it, another --name is another run")
        ) { try state.lock(run: "sweep", holder: LockHolder(parsing: "other")) }
        // Another run of the same project is free.
        let second = try state.lock(run: "other", holder: LockHolder(parsing: "process 43"))
        #expect(state.holder(of: "other")?.words == "process 43")
        #expect(try state.activeRuns() == ["other", "sweep"])
        withExtendedLifetime((lock, second)) {}
        lock = nil
        #expect(state.holder(of: "sweep") == nil)
        #expect(try state.activeRuns() == ["other"])
        let again = try state.lock(run: "sweep", holder: LockHolder(parsing: "short"))
        // Nothing of the longer text is left.
        #expect(state.holder(of: "sweep") == LockHolder(parsing: "short"))
        withExtendedLifetime(again) {}
    }

    @Test func aHolderIsThisProcess() throws {
        let holder = LockHolder(command: "run", path: "/a b/run.yaml")
        #expect(LockHolder(parsing: holder.text) == holder)
        #expect(holder.host == Machine.host)
        #expect(holder.process?.pid == getpid())
        #expect(holder.process == ProcessIdentity(of: getpid()))
    }

    /// What cannot be read names nobody that could be stopped in its place.
    @Test(arguments: ["", "\n", "process", "process 1 on box", "process 1 on box\n1", "x\none two\n", "x\n1 2 3\n"])
    func aHolderThatCannotBeRead(_ text: String) {
        #expect(LockHolder(parsing: text).process == nil)
    }

    /// Row 18: a number that another process has now is not taken for the one that had it.
    @Test func aNumberThatIsAnothersNow() throws {
        let sleeper = try space.start(["sleep", "1000"])
        let identity = try #require(ProcessIdentity(of: sleeper.pid))
        let earlier = LockHolder(parsing: "p\n\(sleeper.pid) \(identity.start - 1)\n")
        #expect(try earlier.process?.signal(SIGKILL) == false)
        #expect(kill(sleeper.pid, 0) == 0)
        #expect(try identity.signal(SIGKILL))
        #expect(try sleeper.wait().status != 0)
        #expect(try identity.signal(SIGKILL) == false)
    }

    @Test(.enabled(if: access("/usr/bin/flock", X_OK) == 0, "NOT CHECKED: util-linux's flock is not installed"))
    func aLockGoesWithTheProcessThatHasIt() throws {
        let state = StateFolder(path: space.path(".saturn"))
        try state.create()
        for pipe in ["ready", "go"] { #expect(mkfifo(space.path(pipe), 0o600) == 0) }
        let script = "echo > ready; read line < go"
        let holder = try space.start(["/usr/bin/flock", ".saturn/locks/sweep", "sh", "-c", script])
        _ = try space.read("ready")
        #expect(throws: Failure.self) { try state.lock(run: "sweep", holder: LockHolder(parsing: "me")) }
        try space.write("go", "\n")
        #expect(try holder.wait().status == 0)
        let lock = try state.lock(run: "sweep", holder: LockHolder(parsing: "me"))
        withExtendedLifetime(lock) {}
    }
}

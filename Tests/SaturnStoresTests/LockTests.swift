import Glibc
import SaturnCore
import SaturnStores
import SaturnTesting
import Testing

/// One run at a time.
@Suite(.timeLimit(.minutes(25)))
struct LockTests {
    let space: TestSpace

    init() throws {
        space = try TestSpace()
    }

    @Test func twiceInOneProcess() throws {
        try space.link("link", to: "results")
        var first: LocalDir? = LocalDir(directory: space.path("results"))
        try first?.claim(holder: "process 12 on host")
        let second = LocalDir(directory: space.path("link"))
        let problem = try failure { try second.claim(holder: "process 13") }
        #expect(problem.kind == .inUse)
        #expect(problem.message == "the results folder \(space.path("results")) is in use by process 12 on host")
        #expect(problem.hint != nil)
        #expect(try failure { try first?.claim(holder: "again") }.kind == .inUse)
        first = nil
        try second.claim(holder: "process 13")
        #expect(try space.read("results/.saturn/lock") == "process 13")
    }

    @Test func byAnotherProcess() throws {
        try space.write("results/.saturn/lock", "process 4711 on elsewhere")
        let holder = try space.start([
            "flock", "results/.saturn/lock", "sh", "-c", "mkfifo up && echo && read line < up",
        ])
        let store = LocalDir(directory: space.path("results"))
        // The first line says that the lock is held.
        try holder.readLine()
        let problem = try failure { try store.claim(holder: "me") }
        #expect(problem.kind == .inUse)
        #expect(problem.message.contains("process 4711 on elsewhere"))
        #expect(try space.read("results/.saturn/lock") == "process 4711 on elsewhere")
        try space.write("up", "go\n")
        #expect(try holder.wait().status == 0)
        try store.claim(holder: "me")
    }

    @Test func itsHolderMayBeKilled() throws {
        space.makeFolder("results/.saturn")
        let holder = try space.start(["flock", "results/.saturn/lock", "sh", "-c", "echo; exec sleep 1000"])
        try holder.readLine()
        let store = LocalDir(directory: space.path("results"))
        #expect(try failure { try store.claim(holder: "me") }.kind == .inUse)
        // flock waits for the shell, and both have the lock.
        let children = try space.read("/proc/\(holder.pid)/task/\(holder.pid)/children")
        let child = try #require(pid_t(children.split(separator: " ").first ?? ""))
        kill(child, SIGKILL)
        #expect(try holder.wait().status != 0)
        try store.claim(holder: "me")
    }

    @Test func childrenDoNotHoldIt() throws {
        var store: LocalDir? = LocalDir(directory: space.path("results"))
        try store?.claim(holder: "me")
        let child = try space.start(["sleep", "1000"])
        store = nil
        try LocalDir(directory: space.path("results")).claim(holder: "me")
        child.signal(SIGKILL)
        #expect(try child.wait().status == 137)
    }
}

extension ChildProcess {
    /// Waits for the first byte of its output by way of the kernel's own: its pipe has something to read.
    func readLine() throws {
        let stream = "/proc/\(pid)/fd/1"
        let descriptor = open(stream, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem("open \(stream)", errno) }
        defer { close(descriptor) }
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, 60_000) == 1 else { throw Problem("process \(pid) says nothing") }
    }
}

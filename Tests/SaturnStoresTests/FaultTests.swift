import Glibc
import SaturnCore
import SaturnStores
import SaturnTesting
import Testing

/// When the file system refuses.
@Suite(.timeLimit(.minutes(25)))
struct FaultTests {
    /// In a process of its own, which gives up being root.
    @Test func aFolderThatMayNotBeWritten() async {
        await #expect(processExitsWith: .success) {
            let space = try TestSpace()
            try space.setMode("", 0o755)
            space.makeFolder("results")
            try space.setMode("results", 0o555)
            becomeNobody()
            let problem = try failure { try LocalDir(directory: space.path("results")).claim(holder: "me") }
            #expect(problem.kind == .engine)
            #expect(problem.message.contains(space.path("results/.saturn")))
            #expect(problem.message.contains("Permission denied"))
            becomeRoot()
        }
    }

    @Test func whatMayNotBeLookedAtIsNotTakenForMissing() async {
        await #expect(processExitsWith: .success) {
            let shelf = try Shelf()
            try shelf.space.setMode("", 0o755)
            try shelf.fill("a", shelf.attempt())
            try shelf.space.setMode("results/a/events", 0)
            try shelf.space.setMode("results/a/status", 0)
            becomeNobody()
            let place = ResultPlace.standing(task: "a")
            #expect(try failure { _ = try shelf.store.events(of: place) }.message.contains("results/a/events"))
            #expect(try failure { _ = try shelf.store.status(of: place) }.message.contains("results/a/status"))
            becomeRoot()
            try shelf.space.setMode("results", 0)
            becomeNobody()
            let problem = try failure { _ = try shelf.store.look(at: place) }
            #expect(problem.kind == .engine)
            #expect(problem.message.contains("Permission denied"))
            becomeRoot()
            try shelf.space.setMode("results", 0o755)
        }
    }

    @Test(arguments: ["file", "file/x", "link"])
    func aPlaceWhereNoFolderCanBe(_ name: String) throws {
        let space = try TestSpace()
        try space.write("file", "mine")
        try space.link("link", to: "gone/for/good")
        let problem = try failure { try LocalDir(directory: space.path(name)).claim(holder: "me") }
        #expect(problem.kind == .engine)
        #expect(problem.message.contains(space.path(name)))
        #expect(try space.list() == ["file", "link"])
    }

    /// A task that removed its own folder is at fault itself; without any folders the store is.
    @Test(arguments: ["results/a", "results"])
    func aFolderThatVanishes(_ name: String) throws {
        let shelf = try Shelf()
        let workspace = try shelf.store.begin("a", events: EventLog.header)
        shelf.space.remove(name)
        for problem in try [
            failure { _ = try shelf.store.publish(workspace, events: "", status: "success", error: nil) },
            failure { try shelf.store.again(workspace, number: 2, events: "") },
        ] {
            #expect(problem.kind == (name == "results" ? .engine : .workspace))
            #expect(problem.message.contains(workspace.folder))
        }
        #expect(!shelf.space.exists("results/a"))
    }

    // MARK: Disk full

    private static let needsMount: Comment = "no small disk can be mounted here: what a full one does is NOT TESTED"

    @Test(.enabled(if: SmallDisk.canBeMade, needsMount)) func publishingOnAFullDisk() throws {
        let disk = try SmallDisk()
        let shelf = disk.shelf
        let workspaces = try ["success", "failure"].map { try shelf.store.begin($0, events: EventLog.header) }
        try disk.fill()
        for workspace in workspaces {
            let problem = try failure {
                _ = try shelf.store.publish(
                    workspace, events: Shelf.complete, status: workspace.task,
                    error: workspace.task == "failure" ? 1 : nil)
            }
            #expect(problem.kind == .engine)
            #expect(problem.message.contains("No space left"))
            #expect(problem.message.contains(workspace.folder))
            #expect(try shelf.store.look(at: .standing(task: workspace.task)) == .noStatus)
            #expect(!shelf.space.exists(workspace.folder + "/status"))
        }
        disk.free()
        for workspace in workspaces {
            _ = try shelf.store.publish(workspace, events: Shelf.complete, status: workspace.task, error: nil)
            #expect(try shelf.store.status(of: .standing(task: workspace.task)) == workspace.task)
        }
    }

    @Test(.enabled(if: SmallDisk.canBeMade, needsMount)) func beginningOnAFullDisk() throws {
        let disk = try SmallDisk()
        try disk.fill()
        let problem = try failure { _ = try disk.shelf.store.begin("a", events: EventLog.header) }
        #expect(problem.kind == .engine)
        #expect(problem.message.contains("No space left"))
    }

    @Test(.enabled(if: SmallDisk.canBeMade, needsMount)) func copyingToAFullDisk() throws {
        let disk = try SmallDisk()
        let shelf = disk.shelf
        let attempt = shelf.attempt()
        let workspace = try shelf.store.begin("a", events: shelf.header(attempt))
        try shelf.space.write(workspace.results + "/value", [UInt8](repeating: 1, count: 20_000))
        _ = try shelf.store.publish(workspace, events: Shelf.complete, status: "success", error: nil)
        try disk.fill(leaving: 3)
        let problem = try failure {
            _ = try shelf.store.clone(attempt, from: .standing(task: "a"), to: "b", events: EventLog.header)
        }
        #expect(problem.kind == .engine)
        #expect(problem.message.contains("No space left"))
        #expect(!shelf.space.exists(shelf.store.folder(of: .standing(task: "b"))), "it still takes space")
        #expect(try shelf.store.status(of: .standing(task: "a")) == "success")
    }
}

/// A file system of 64 KiB.
private final class SmallDisk {
    static let canBeMade = (try? SmallDisk()) != nil

    let shelf: Shelf

    init() throws {
        let space = try TestSpace()
        space.makeFolder("disk")
        let mounting = try space.run(["mount", "-t", "tmpfs", "-o", "size=64k", "saturn-test", "disk"])
        guard mounting.status == 0 else { throw ChildProcess.Problem(mounting.stderr) }
        mounted = space
        shelf = try Shelf(in: space, "disk/results")
    }

    private let mounted: TestSpace

    deinit { _ = try? mounted.run(["umount", "-l", "disk"]) }

    /// - Parameter pages: of 4 KiB, that stay free.
    func fill(leaving pages: Int = 0) throws {
        let bytes = [UInt8](repeating: 0, count: 4096)
        var count = 0
        while (try? mounted.write("disk/filler.\(count)", bytes)) != nil { count += 1 }
        for number in (count - pages)..<count { mounted.remove("disk/filler.\(number)") }
        mounted.remove("disk/filler.\(count)")
    }

    func free() {
        for name in (try? mounted.list("disk")) ?? [] where name.hasPrefix("filler") { mounted.remove("disk/\(name)") }
    }
}

/// For all threads; does nothing when this process is not root's.
private func becomeNobody() {
    if geteuid() == 0 { seteuid(65534) }
}

private func becomeRoot() {
    if getuid() == 0 { seteuid(0) }
}

import Glibc
import SaturnCore
import SaturnStores
import SaturnTesting
import Testing

/// What a task may have put in place of saturn's own files; nothing outside of its folder is touched.
@Suite(.timeLimit(.minutes(25)))
struct PlantedTests {
    let shelf: Shelf

    init() throws {
        shelf = try Shelf()
        try shelf.space.write("outside/file", "mine")
        shelf.space.makeFolder("outside/empty")
    }

    enum Plant: String, CaseIterable {
        case linkToFile, linkToFolder, linkToNothing, pipe, socket, folder, fullFolder
    }

    static let names = ["log", "status", "events", "error", "results", "log.1"]

    private func plant(_ plant: Plant, _ path: String) throws {
        shelf.space.remove(path)
        switch plant {
        case .linkToFile: try shelf.space.link(path, to: shelf.space.path("outside/file"))
        case .linkToFolder: try shelf.space.link(path, to: shelf.space.path("outside/empty"))
        case .linkToNothing: try shelf.space.link(path, to: shelf.space.path("outside/new"))
        case .pipe: #expect(mkfifo(path, 0o600) == 0)
        case .socket: #expect(mknod(path, S_IFSOCK | 0o600, 0) == 0)
        case .folder: shelf.space.makeFolder(path)
        case .fullFolder: try shelf.space.write(path + "/file", "in the way")
        }
    }

    private func expectOutsideUntouched() throws {
        #expect(try shelf.names("outside") == ["empty", "file"])
        #expect(try shelf.space.read("outside/file") == "mine")
    }

    private func isRegular(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    @Test(arguments: names, Plant.allCases)
    func publishing(_ name: String, _ kind: Plant) throws {
        for status in ["success", "failure", nil] {
            let task = "a-\(status ?? "terminated")"
            let workspace = try shelf.store.begin(task, events: shelf.header(shelf.attempt()))
            try plant(kind, "\(workspace.folder)/\(name)")
            let result = Result {
                try shelf.store.publish(
                    workspace, events: Shelf.complete, status: status, error: status == "failure" ? 1 : nil)
            }
            try expectOutsideUntouched()
            if name == "events" {
                // Where a result comes from is not known any more: it is none, and the task's own fault.
                let problem = try failure { _ = try result.get() }
                #expect(problem.kind == .workspace)
                #expect(problem.message.contains("\(workspace.folder)/events"))
                #expect(!isRegular("\(workspace.folder)/status"))
                continue
            }
            if name == "results", status == "success", kind != .folder, kind != .fullFolder {
                let problem = try failure { _ = try result.get() }
                #expect(problem.kind == .workspace)
                #expect(problem.message.contains("results is not a folder any more"))
                #expect(try shelf.store.look(at: .standing(task: task)) == .noStatus)
                continue
            }
            let stamp = try result.get()
            if name == "results", status != "success" {
                #expect(shelf.space.exists("\(workspace.folder)/results") == (kind == .fullFolder))
            }
            let look = try shelf.store.look(at: .standing(task: task))
            let hasResults = shelf.space.exists("\(workspace.folder)/results")
            #expect(look == (stamp.map { hasResults ? .status($0) : .noResults($0) } ?? .noStatus))
            #expect(try shelf.store.status(of: .standing(task: task)) == status)
            if name == "error", status == "failure" {
                #expect(isRegular("\(workspace.folder)/error"))
                #expect(try shelf.space.read("\(workspace.folder)/error") == "1")
            }
        }
    }

    @Test(arguments: names, Plant.allCases)
    func anotherAttempt(_ name: String, _ kind: Plant) throws {
        let workspace = try shelf.store.begin("a", events: shelf.header(shelf.attempt()))
        if name == "log.1" { try shelf.space.write(workspace.log, "log\n") }
        try plant(kind, "\(workspace.folder)/\(name)")
        let result = Result { try shelf.store.again(workspace, number: 2, events: Shelf.complete) }
        try expectOutsideUntouched()
        guard name != "events" else {
            let problem = try failure { try result.get() }
            #expect(problem.kind == .workspace)
            #expect(problem.message.contains("\(workspace.folder)/events"))
            return
        }
        try result.get()
        #expect(!shelf.space.exists(workspace.log))
        #expect(try shelf.space.list(workspace.results) == [])
        if name == "log.1" { #expect(isRegular(workspace.log + ".1")) }
    }

    @Test(arguments: Plant.allCases)
    func notes(_ kind: Plant) throws {
        let workspace = try shelf.fill("a", shelf.attempt())
        try plant(kind, "\(workspace.folder)/events")
        let problem = try failure { try shelf.store.note(Shelf.complete, on: .standing(task: "a")) }
        #expect(problem.kind == .engine)
        try expectOutsideUntouched()
    }

    /// Neither waits, nor takes what a link points to for saturn's.
    @Test(arguments: ["events", "status"], Plant.allCases)
    func looking(_ name: String, _ kind: Plant) throws {
        let workspace = try shelf.fill("a", shelf.attempt())
        try shelf.space.write("outside/file", name == "status" ? "success" : shelf.header(shelf.attempt()))
        try plant(kind, "\(workspace.folder)/\(name)")
        if name == "status" {
            #expect(try shelf.store.look(at: .standing(task: "a")) == .noStatus)
            #expect(try shelf.store.status(of: .standing(task: "a")) == nil)
        } else {
            #expect(try shelf.store.events(of: .standing(task: "a")) == nil)
        }
    }

    @Test(arguments: ["log", "results"], Plant.allCases)
    func copying(_ name: String, _ kind: Plant) throws {
        let attempt = shelf.attempt()
        let workspace = try shelf.fill("a", attempt)
        try plant(kind, "\(workspace.folder)/\(name)")
        _ = try shelf.store.clone(attempt, from: .standing(task: "a"), to: "b", events: EventLog.header)
        #expect(isRegular(shelf.space.path("results/b/events")))
        #expect(try shelf.space.read("results/b/status") == "success")
        try expectOutsideUntouched()
    }

    // MARK: In place of the folder itself

    /// A task may lead its own folder elsewhere, where all has the names that saturn writes to.
    @Test(arguments: ["link", "pipe", "file"])
    func theWholeFolder(_ kind: String) throws {
        let files = ["events", "status", "error", "log", "results/value"]
        for name in files { try shelf.space.write("outside/\(name)", "mine") }
        let workspace = try shelf.store.begin("a", events: shelf.header(shelf.attempt()))
        shelf.space.remove(workspace.folder)
        switch kind {
        case "link": try shelf.space.link(workspace.folder, to: shelf.space.path("outside"))
        case "pipe": #expect(mkfifo(workspace.folder, 0o600) == 0)
        default: try shelf.space.write(workspace.folder, "mine")
        }
        let before = try shelf.listing("outside")
        for problem in try [
            failure { _ = try shelf.store.publish(workspace, events: "x", status: "success", error: nil) },
            failure { _ = try shelf.store.publish(workspace, events: "x", status: "failure", error: 1) },
            failure { _ = try shelf.store.publish(workspace, events: "x", status: nil, error: nil) },
            failure { try shelf.store.again(workspace, number: 2, events: "x") },
        ] {
            #expect(problem.kind == .workspace)
            #expect(problem.message.contains(workspace.folder))
        }
        #expect(try failure { try shelf.store.note("x", on: .standing(task: "a")) }.kind == .engine)
        #expect(try shelf.listing("outside") == before)
        for name in files { #expect(try shelf.space.read("outside/\(name)") == "mine") }
    }

    @Test func aLockThatIsALink() throws {
        let space = try TestSpace()
        try space.write("file", "mine")
        space.makeFolder("results/.saturn")
        try space.link("results/.saturn/lock", to: space.path("file"))
        let store = LocalDir(directory: space.path("results"))
        #expect(try failure { try store.claim(holder: "me") }.kind == .engine)
        #expect(try space.read("file") == "mine")
    }
}

import Glibc
import SaturnCore
import SaturnStores
import SaturnTesting
import Testing

/// The files of a workspace, from its beginning to its end.
@Suite struct LayoutTests {
    let shelf: Shelf

    init() throws {
        shelf = try Shelf()
    }

    @Test func beginning() throws {
        let events = shelf.header(shelf.attempt())
        let workspace = try shelf.store.begin("a", events: events)
        #expect(workspace == Workspace(task: "a", folder: shelf.space.path("results/a")))
        #expect(try shelf.names("results/a") == ["events", "results"])
        #expect(try shelf.space.read("results/a/events") == events)
        #expect(try shelf.space.list("results/a/results") == [])
        #expect(try shelf.store.look(at: .standing(task: "a")) == .noStatus)
    }

    @Test func success() throws {
        let events = shelf.header(shelf.attempt())
        let workspace = try shelf.store.begin("a", events: events)
        try shelf.space.write(workspace.log, "hi\n")
        let stamp = try shelf.store.publish(workspace, events: Shelf.complete, status: "success", error: nil)
        #expect(
            try shelf.names("results/a") == ["events", "log", "results", "status"], "an empty results folder is one")
        #expect(try shelf.space.read("results/a/events") == events + Shelf.complete)
        #expect(try shelf.space.read("results/a/status") == "success")
        #expect(try shelf.space.read("results/a/log") == "hi\n")
        #expect(try shelf.store.look(at: .standing(task: "a")) == .status(try #require(stamp)))
        #expect(try shelf.store.status(of: .standing(task: "a")) == "success")
        #expect(try shelf.store.events(of: .standing(task: "a"))?.events.map(\.type) == ["submitted", "complete"])
    }

    @Test func failureThatLeftNothing() throws {
        let workspace = try shelf.store.begin("a", events: EventLog.header)
        try shelf.space.write(workspace.log, "")
        let stamp = try shelf.store.publish(workspace, events: Shelf.complete, status: "failure", error: 137)
        #expect(try shelf.names("results/a") == ["error", "events", "log", "status"])
        #expect(try shelf.space.read("results/a/error") == "137")
        #expect(try shelf.space.read("results/a/status") == "failure")
        #expect(try shelf.store.look(at: .standing(task: "a")) == .noResults(try #require(stamp)))
        #expect(try shelf.store.status(of: .standing(task: "a")) == "failure")
    }

    @Test(arguments: ["value", ".hidden", "folder/"])
    func failureThatLeftSomething(_ name: String) throws {
        let workspace = try shelf.store.begin("a", events: EventLog.header)
        if name.hasSuffix("/") {
            shelf.space.makeFolder("\(workspace.results)/\(name.dropLast())")
        } else {
            try shelf.space.write("\(workspace.results)/\(name)", "partial")
        }
        _ = try shelf.store.publish(workspace, events: Shelf.complete, status: "failure", error: 1)
        #expect(try shelf.names("results/a/results") == [name.hasSuffix("/") ? String(name.dropLast()) : name])
    }

    @Test func terminated() throws {
        let workspace = try shelf.store.begin("a", events: EventLog.header)
        let stamp = try shelf.store.publish(workspace, events: Shelf.complete, status: nil, error: nil)
        #expect(stamp == nil)
        #expect(try shelf.names("results/a") == ["events"])
        #expect(try shelf.store.look(at: .standing(task: "a")) == .noStatus)
        #expect(try shelf.store.status(of: .standing(task: "a")) == nil)
    }

    @Test func attemptsOneAfterTheOther() throws {
        let workspace = try shelf.store.begin("a", events: "events:\n  first\n")
        try shelf.space.write(workspace.log, "one\n")
        try shelf.space.write(workspace.results + "/value", "one")
        try shelf.store.again(workspace, number: 2, events: "  second\n")
        #expect(try shelf.names("results/a") == ["events", "log.1", "results"])
        try shelf.space.write(workspace.log, "two\n")
        try shelf.store.again(workspace, number: 3, events: "  third\n")
        // This one never wrote a line.
        try shelf.store.again(workspace, number: 4, events: "  fourth\n")
        #expect(try shelf.names("results/a") == ["events", "log.1", "log.2", "results"])
        #expect(try shelf.space.read("results/a/log.1") == "one\n")
        #expect(try shelf.space.read("results/a/log.2") == "two\n")
        #expect(try shelf.space.read("results/a/events") == "events:\n  first\n  second\n  third\n  fourth\n")
    }

    @Test func anotherAttemptEmptiesWhateverResultsThereWere() throws {
        let workspace = try shelf.store.begin("a", events: EventLog.header)
        let make = """
            mkdir -p deep/er sealed; : > "$(printf '\\377')"; : > sealed/file; chmod 0 sealed; ln -s / root
            mkfifo pipe
            """
        let made = try shelf.space.run(["/bin/sh", "-ec", make], in: workspace.results)
        #expect(made.status == 0, "\(made.stderr)")
        try shelf.makeDeep(workspace.results + "/long")
        try shelf.store.again(workspace, number: 2, events: "")
        #expect(try shelf.space.list(workspace.results) == [])
        #expect(shelf.space.exists("/bin/sh"))
    }

    /// What a killed saturn has left has no status, or a complete folder.
    @Test(arguments: ["success", "failure"])
    func statusIsWrittenLast(_ status: String) throws {
        let workspace = try shelf.store.begin("a", events: EventLog.header)
        let watch = try Watch(workspace.folder)
        _ = try shelf.store.publish(
            workspace, events: Shelf.complete, status: status, error: status == "failure" ? 1 : nil)
        let names = try watch.names()
        let first = try #require(names.firstIndex(of: "status"))
        #expect(Set(names[first...]) == ["status"], "\(names)")
        #expect(Set(names[..<first]) == (status == "failure" ? ["results", "events", "error"] : ["events"]))
    }

    @Test func notes() throws {
        let attempt = shelf.attempt()
        try shelf.fill("a", attempt)
        let before = try shelf.store.look(at: .standing(task: "a"))
        try shelf.store.note(EventLog.entry("changed", at: Timestamp(microseconds: 3)), on: .standing(task: "a"))
        let events = try #require(try shelf.store.events(of: .standing(task: "a")))
        #expect(events.events.map(\.type) == ["submitted", "complete", "changed"])
        #expect(events.attempt == attempt)
        #expect(try shelf.store.look(at: .standing(task: "a")) == before)
    }

    @Test func notesOnWhatIsNotThere() throws {
        let problem = try failure { try shelf.store.note("x", on: .standing(task: "a")) }
        #expect(problem.kind == .engine)
        #expect(!shelf.space.exists("results/a"))
    }

    // MARK: Looking

    @Test func nothingThere() throws {
        #expect(try shelf.store.look(at: .standing(task: "a")) == .absent)
        #expect(try shelf.store.look(at: .attic(key: shelf.key, attempt: shelf.attempt())) == .absent)
        #expect(try shelf.store.events(of: .standing(task: "a")) == nil)
        #expect(try shelf.store.status(of: .standing(task: "a")) == nil)
    }

    @Test func anEmptyStatusIsNone() throws {
        try shelf.fill("a", shelf.attempt())
        try shelf.space.write("results/a/status", "")
        #expect(try shelf.store.look(at: .standing(task: "a")) == .noStatus)
    }

    @Test func anotherStatusHasAnotherStamp() throws {
        try shelf.fill("a", shelf.attempt())
        let before = try shelf.store.look(at: .standing(task: "a"))
        #expect(try shelf.store.look(at: .standing(task: "a")) == before)
        shelf.space.remove("results/a/status")
        #expect(try shelf.store.look(at: .standing(task: "a")) == .noStatus)
        try shelf.space.write("results/a/other", "success")
        try shelf.space.rename("results/a/other", to: "results/a/status")
        let after = try shelf.store.look(at: .standing(task: "a"))
        #expect(after != before && after != .noStatus)
    }

    /// Where they went elsewhere and a link leads there, they are there.
    @Test func aResultWithoutItsResults() throws {
        try shelf.fill("a", shelf.attempt())
        let before = try shelf.store.look(at: .standing(task: "a"))
        guard case .status(let stamp) = before else { throw Failure(.fault, "\(before)") }
        var statuses = StatusList()
        statuses.append("a", stamp)
        #expect(try shelf.store.stand(statuses))
        try shelf.space.rename("results/a/results", to: "elsewhere")
        #expect(try shelf.store.look(at: .standing(task: "a")) == .noResults(stamp))
        #expect(try shelf.store.looker()?.look(at: "a", expecting: stamp) == .noResults(stamp))
        #expect(try !shelf.store.stand(statuses))
        try shelf.fill("b", shelf.attempt())
        try shelf.space.link("results/a/results", to: "../b/results")
        #expect(try shelf.store.look(at: .standing(task: "a")) == before)
        #expect(try shelf.store.looker()?.look(at: "a", expecting: stamp) == before)
        #expect(try shelf.store.stand(statuses))
        shelf.space.remove("results/a/results")
        try shelf.space.link("results/a/results", to: "../../elsewhere")
        #expect(try shelf.store.look(at: .standing(task: "a")) == before)
        #expect(try shelf.store.looker()?.look(at: "a", expecting: stamp) == before)
        #expect(try shelf.store.stand(statuses))
    }

    @Test func aFileInPlaceOfAFolder() throws {
        try shelf.space.write("results/a", "mine")
        #expect(try shelf.store.look(at: .standing(task: "a")) == .noStatus)
        #expect(try shelf.store.events(of: .standing(task: "a")) == nil)
        #expect(try failure { _ = try shelf.store.begin("a", events: "") }.kind == .inUse)
        #expect(try shelf.space.read("results/a") == "mine")
    }

    @Test func aFolderThatIsTaken() throws {
        try shelf.space.write("results/a/notes.txt", "mine")
        let problem = try failure { _ = try shelf.store.begin("a", events: "") }
        #expect(problem.kind == .inUse)
        #expect(problem.message.contains(shelf.space.path("results/a")))
        #expect(try shelf.names("results/a") == ["notes.txt"])
    }

    @Test func whetherThereIsAnythingElse() throws {
        let place = ResultPlace.standing(task: "a")
        #expect(try !shelf.store.hasLayout(place))
        let workspace = try shelf.fill("a", shelf.attempt())
        try shelf.space.write(workspace.log + ".1", "")
        try shelf.space.write(workspace.folder + "/error", "1")
        #expect(try shelf.store.hasLayout(place))
        for name in ["notes.txt", "Log", ".hidden", "results.zip", "logs"] {
            try shelf.space.write("\(workspace.folder)/\(name)", "mine")
            #expect(try !shelf.store.hasLayout(place), "\(name) is none of saturn's")
            shelf.space.remove("\(workspace.folder)/\(name)")
        }
        try shelf.space.write("results/b", "a file")
        #expect(try !shelf.store.hasLayout(.standing(task: "b")))
    }

    // MARK: Names

    static let oddNames = [
        " ", "a b", "'", "\"", "$(touch x)", "`id`", "*", "?[a-z]", "-rf", "--", "~", "a;b", "a\\b", "é", "e\u{301}",
        "日本", "#", "%s", "...", ".hidden", String(repeating: "n", count: 200), String(repeating: "é", count: 100),
    ]

    @Test(arguments: oddNames)
    func anyName(_ name: String) throws {
        let (attempt, other) = (shelf.attempt(), shelf.attempt())
        try shelf.fill(name, attempt)
        #expect(
            Array(try shelf.space.list("results")).filter { $0 != ".saturn" }.map { Array($0.utf8) } == [
                Array(name.utf8)
            ])
        #expect(try shelf.names("results/\(name)") == ["events", "log", "results", "results/value", "status"])
        #expect(try shelf.store.events(of: .standing(task: name))?.attempt == attempt)
        try shelf.store.retire(name, key: shelf.key, attempt: attempt)
        #expect(try shelf.store.look(at: .standing(task: name)) == .absent)
        try shelf.store.move(.attic(key: shelf.key, attempt: attempt), to: name)
        try shelf.store.retire(name, key: shelf.key, attempt: attempt)
        _ = try shelf.store.clone(
            attempt, from: .attic(key: shelf.key, attempt: attempt), to: name, events: shelf.header(other))
        #expect(try shelf.store.events(of: .standing(task: name))?.attempt == other)
        #expect(try shelf.space.read("results/\(name)/results/value") == "result of a")
    }

    @Test func whereItIs() throws {
        let space = shelf.space
        space.makeFolder("real")
        try space.link("link", to: "real")
        for (directory, location) in [
            ("real", "real"), ("link", "real"), ("link/new", "real/new"), ("real/", "real"), ("real/./x", "real/x"),
            ("none/x/..", "none"), ("none/../real", "real"), ("real/../none/./y/", "none/y"),
        ] {
            #expect(LocalDir(directory: space.path(directory)).location == space.path(location), "\(directory)")
        }
        #expect(LocalDir(directory: "/").location == "/")
        #expect(LocalDir(directory: "/no-such-folder/x").location == "/no-such-folder/x")
    }
}

/// Tells what happens to the names in a folder, in order.
private final class Watch {
    private let descriptor: Int32

    init(_ folder: String) throws {
        descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        let mask = UInt32(IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_DELETE)
        guard descriptor >= 0, inotify_add_watch(descriptor, folder, mask) >= 0 else {
            throw ChildProcess.Problem("inotify", errno)
        }
    }

    deinit { close(descriptor) }

    func names() throws -> [String] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { throw ChildProcess.Problem("nothing happened in the folder") }
        var names: [String] = []
        var offset = 0
        while offset < count {
            let length = buffer.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)) }
            names.append(
                String(decoding: buffer[(offset + 16)..<(offset + 16 + length)].prefix { $0 != 0 }, as: UTF8.self))
            offset += 16 + length
        }
        return names
    }
}

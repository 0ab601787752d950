import CSystem
import Glibc
import SaturnCore
import SaturnStores
import SaturnTesting
import Testing

/// Results that give way, come back, and are copied.
@Suite struct AtticTests {
    let shelf: Shelf

    init() throws {
        shelf = try Shelf()
    }

    // MARK: Renaming

    @Test func thereAndBack() throws {
        let attempt = shelf.attempt()
        try shelf.fill("a", attempt)
        let files = ["", "/events", "/status", "/log", "/results", "/results/value"]
        let inodes = try files.map { try shelf.inode("results/a\($0)") }
        let (look, listing) = (try shelf.store.look(at: .standing(task: "a")), try shelf.listing("results/a"))

        try shelf.store.retire("a", key: shelf.key, attempt: attempt)
        let attic = ResultPlace.attic(key: shelf.key, attempt: attempt)
        #expect(try shelf.store.look(at: .standing(task: "a")) == .absent)
        #expect(try shelf.store.look(at: attic) == look)
        #expect(shelf.store.folder(of: attic) == shelf.space.path("results/.saturn/attic/\(shelf.key)/\(attempt)"))
        #expect(try shelf.store.status(of: attic) == "success")
        #expect(try shelf.store.events(of: attic)?.attempt == attempt)

        try shelf.store.move(attic, to: "b")
        #expect(try shelf.store.look(at: attic) == .absent)
        #expect(try shelf.store.look(at: .standing(task: "b")) == look)
        #expect(try files.map { try shelf.inode("results/b\($0)") } == inodes)
        #expect(try shelf.listing("results/b") == listing)

        try shelf.store.move(.standing(task: "b"), to: "a")
        #expect(try files.map { try shelf.inode("results/a\($0)") } == inodes)
    }

    @Test func anAtticPlaceThatIsTaken() throws {
        let attempt = shelf.attempt()
        for number in 1...3 {
            try shelf.fill("a", attempt, result: "\(number)")
            try shelf.store.retire("a", key: shelf.key, attempt: attempt)
        }
        let attic = "results/.saturn/attic/\(shelf.key)"
        #expect(try shelf.space.list(attic) == ["\(attempt)", "\(attempt).2", "\(attempt).3"])
        #expect(try shelf.space.read("\(attic)/\(attempt)/results/value") == "1")
        #expect(try shelf.space.read("\(attic)/\(attempt).2/results/value") == "2")
        #expect(try shelf.space.read("\(attic)/\(attempt).3/results/value") == "3")
    }

    @Test(arguments: ["full", "file", "link", "linkToEmpty"])
    func aTargetThatIsTaken(_ kind: String) throws {
        let attempt = shelf.attempt()
        try shelf.fill("a", attempt)
        switch kind {
        case "file": try shelf.space.write("results/b", "mine")
        case "link": try shelf.space.link("results/b", to: "/nonexistent")
        case "linkToEmpty":
            shelf.space.makeFolder("empty")
            try shelf.space.link("results/b", to: shelf.space.path("empty"))
        default: try shelf.space.write("results/b/mine", "mine")
        }
        let before = try shelf.listing("results")
        for problem in try [
            failure { try shelf.store.move(.standing(task: "a"), to: "b") },
            failure { _ = try shelf.store.clone(attempt, from: .standing(task: "a"), to: "b", events: "") },
            failure { _ = try shelf.store.begin("b", events: "") },
        ] {
            #expect(problem.kind == .inUse)
            #expect(problem.message.contains(shelf.space.path("results/b")))
        }
        #expect(try shelf.listing("results") == before)
    }

    static let barelyBegun = ["", "events:\n  - type: subm", "events:\n  - type: submitted\n    key: 6b86b2", nil]

    /// Saturn was killed while it made the folder: it holds nothing that anybody could miss.
    @Test(arguments: barelyBegun, ["begin", "move", "clone"])
    func aFolderThatWasBarelyBegun(_ events: String?, _ how: String) throws {
        let (attempt, other) = (shelf.attempt(), shelf.attempt())
        try shelf.fill("a", attempt)
        shelf.space.makeFolder("results/b")
        if let events { try shelf.space.write("results/b/events", events) }
        #expect(try shelf.store.look(at: .standing(task: "b")) == .absent)
        switch how {
        case "begin": _ = try shelf.store.begin("b", events: shelf.header(other))
        case "move": try shelf.store.move(.standing(task: "a"), to: "b")
        default:
            _ = try shelf.store.clone(attempt, from: .standing(task: "a"), to: "b", events: shelf.header(other))
        }
        #expect(try shelf.store.events(of: .standing(task: "b"))?.attempt == (how == "move" ? attempt : other))
    }

    @Test(arguments: ["mine", "events: party\n", "events:\n  - type: submitted and more\n    at: home\n"])
    func eventsOfSomebodyElse(_ text: String) throws {
        try shelf.space.write("results/b/events", text)
        #expect(try shelf.store.look(at: .standing(task: "b")) == .noStatus)
        #expect(try failure { _ = try shelf.store.begin("b", events: "") }.kind == .inUse)
        #expect(try shelf.space.read("results/b/events") == text)
    }

    @Test func aFolderThatWasBegun() throws {
        _ = try shelf.store.begin("b", events: shelf.header(shelf.attempt()))
        shelf.space.remove("results/b/results")
        #expect(try shelf.store.look(at: .standing(task: "b")) == .noStatus)
        #expect(try failure { _ = try shelf.store.begin("b", events: "") }.kind == .inUse)
    }

    @Test func nothingToRename() throws {
        let attempt = shelf.attempt()
        for problem in try [
            failure { try shelf.store.retire("a", key: shelf.key, attempt: attempt) },
            failure { try shelf.store.move(.attic(key: shelf.key, attempt: attempt), to: "a") },
        ] {
            #expect(problem.kind == .engine)
            #expect(problem.message.contains("No such file"))
        }
    }

    // MARK: Copying

    @Test func aCopyIsTheSameButForEventsAndStatus() throws {
        let attempt = shelf.attempt()
        let workspace = try shelf.store.begin("a", events: shelf.header(attempt))
        try shelf.space.write(workspace.log + ".1", "earlier\n")
        try shelf.space.write(workspace.log, "log\n")
        let make = """
            printf plain > plain; : > nothing; printf x > writable; chmod 666 writable; printf x > sealed; chmod 400 sealed
            printf x > program; chmod 755 program; mkdir -p sub/deep closed empty .hidden; printf x > sub/deep/.x
            printf x > closed/x; chmod 555 closed; chmod 2775 empty; ln -s ../../log up; ln -s /no/such gone; ln -s sub folder
            printf x > "$(printf 'new\\nline')"; printf x > "$(printf '\\377\\376')"; printf x > '-rf'; mkfifo pipe
            head -c 3000001 /dev/urandom > big
            """
        let made = try shelf.space.run(["/bin/sh", "-ec", make], in: workspace.results)
        #expect(made.status == 0, "\(made.stderr)")
        try shelf.makeDeep(workspace.results + "/long")
        _ = try shelf.store.publish(workspace, events: Shelf.complete, status: "success", error: nil)
        let source = try shelf.listing("results/a")

        let events = EventLog.header + "  - type: restored\n"
        let stamp = try shelf.store.clone(attempt, from: .standing(task: "a"), to: "b", events: events)
        defer { _ = try? shelf.space.run(["rm", "-rf", "results/a", "results/b"]) }
        #expect(try shelf.listing("results/a") == source, "copying changes nothing")
        let copied = Set(try shelf.listing("results/b").filter { !$0.hasSuffix(" events ") })
        #expect(copied == Set(source.filter { !$0.hasSuffix(" events ") && !$0.hasSuffix(" results/pipe ") }))
        #expect(source.contains { $0.hasSuffix(" results/pipe ") })
        #expect(try shelf.isDeep("results/b/results/long"))
        let comparison = "cd results && rm a/results/pipe && diff -r --no-dereference -x events -x long a b"
        let difference = try shelf.space.run(["/bin/sh", "-c", comparison])
        #expect(difference.status == 0, "\(difference.stdout)\(difference.stderr)")
        #expect(try shelf.space.read("results/b/events") == events)
        #expect(try shelf.space.read("results/b/status") == "success")
        #expect(try shelf.store.look(at: .standing(task: "b")) == .status(try #require(stamp)))
        #expect(try shelf.inode("results/a/results/plain") != shelf.inode("results/b/results/plain"))
    }

    /// What is not there is another run's business, and no more is wrong; nothing half-copied is left.
    @Test(arguments: ["nothing", "link", "file", "noStatus", "emptyStatus", "failure", "another", "noEvents"])
    func aSourceThatIsNotThatResult(_ kind: String) throws {
        let attempt = shelf.attempt()
        try shelf.fill("a", attempt)
        switch kind {
        case "link":
            try shelf.space.rename("results/a", to: "elsewhere")
            try shelf.space.link("results/a", to: shelf.space.path("elsewhere"))
        case "file":
            shelf.space.remove("results/a")
            try shelf.space.write("results/a", "mine")
        case "noStatus": shelf.space.remove("results/a/status")
        case "emptyStatus": try shelf.space.write("results/a/status", "")
        case "failure": try shelf.space.write("results/a/status", "failure")
        case "another": try shelf.space.write("results/a/events", shelf.header(shelf.attempt()))
        case "noEvents": shelf.space.remove("results/a/events")
        default: shelf.space.remove("results/a")
        }
        let problem = try failure {
            _ = try shelf.store.clone(attempt, from: .standing(task: "a"), to: "b", events: "events:\n")
        }
        #expect(problem.kind == .workspace)
        #expect(problem.message.contains(shelf.space.path("results/a")))
        #expect(!shelf.space.exists("results/b"))
    }

    @Test func aCopyFromAnotherStore() throws {
        let (attempt, other) = (shelf.attempt(), try Shelf(in: shelf.space, "other"))
        try other.fill("a", attempt)
        let place = ResultPlace.at(location: other.store.location, .standing(task: "a"))
        _ = try shelf.store.clone(attempt, from: place, to: "b", events: EventLog.header)
        #expect(try shelf.names("results/b") == ["events", "log", "results", "results/value", "status"])
        try other.store.retire("a", key: shelf.key, attempt: attempt)
        #expect(try failure { _ = try shelf.store.clone(attempt, from: place, to: "c", events: "") }.kind == .workspace)
        let attic = ResultPlace.at(location: other.store.location, .attic(key: shelf.key, attempt: attempt))
        _ = try shelf.store.clone(attempt, from: attic, to: "c", events: EventLog.header)
        #expect(try shelf.store.status(of: .standing(task: "c")) == "success")
    }

    /// After the first look at it, and before anything is copied.
    @Test(arguments: ["moved", "replaced", "deleted", "changed"])
    func aSourceThatGoesWhileItIsCopied(_ how: String) throws {
        let attempt = shelf.attempt()
        try shelf.fill("a", attempt)
        let space = shelf.space
        let meddler = Meddler("clone.made") {
            switch how {
            case "moved": try space.rename("results/a", to: "elsewhere")
            case "replaced":
                try space.rename("results/a", to: "elsewhere")
                _ = try space.run(["cp", "-a", "elsewhere", "results/a"])
            case "deleted": space.remove("results/a/status")
            default: space.remove("results/a/log")
            }
        }
        let problem = try meddler.listening {
            try failure { _ = try shelf.store.clone(attempt, from: .standing(task: "a"), to: "b", events: "") }
        }
        #expect(meddler.count == 1)
        #expect(problem.kind == .workspace)
        #expect(problem.message.contains("\(space.folder)/results/a"))
        #expect(!space.exists("results/b"))
    }
}

/// Does something at a named step of what this thread does.
private final class Meddler {
    private let step: String
    private let act: () throws -> Void
    private(set) var count = 0

    init(_ step: String, act: @escaping () throws -> Void) {
        self.step = step
        self.act = act
    }

    func listening<Value>(_ body: () throws -> Value) rethrows -> Value {
        // Not retained: it outlives `body`.
        let this = Unmanaged.passUnretained(self).toOpaque()
        csystem_on_step(
            { name, this in
                guard let name, let this else { return }
                Unmanaged<Meddler>.fromOpaque(this).takeUnretainedValue().hear(String(cString: name))
            }, this)
        defer { csystem_on_step(nil, nil) }
        return try body()
    }

    private func hear(_ name: String) {
        guard name == step else { return }
        count += 1
        do { try act() } catch { Issue.record(error) }
    }
}

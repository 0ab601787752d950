import Glibc
import SaturnCore
import SaturnStores
import SaturnTesting
import Testing

/// The attic as gc sees it: listed, measured, discarded, deleted.
@Suite(.timeLimit(.minutes(25)))
struct ArchiveTests {
    let shelf: Shelf

    init() throws {
        shelf = try Shelf()
        try shelf.space.write("outside/file", "mine")
    }

    private var attic: String { "results/.saturn/attic" }

    /// A result in the attic.
    @discardableResult
    private func superseded(_ task: String = "a") throws -> AttemptID {
        let attempt = shelf.attempt()
        try shelf.fill(task, attempt)
        try shelf.store.retire(task, key: shelf.key, attempt: attempt)
        return attempt
    }

    private func place(_ attempt: AttemptID) -> ResultPlace { .attic(key: shelf.key, attempt: attempt) }

    private func expectOutsideUntouched() throws {
        #expect(try shelf.names("outside") == ["file"])
        #expect(try shelf.space.read("outside/file") == "mine")
    }

    // MARK: Listing

    @Test func whatIsThere() throws {
        #expect(try shelf.store.archived().results.isEmpty)
        let first = try superseded()
        let second = shelf.attempt()
        let workspace = try shelf.store.begin("a", events: shelf.header(second))
        _ = try shelf.store.publish(workspace, events: Shelf.complete, status: "failure", error: 1)
        try shelf.store.retire("a", key: shelf.key, attempt: second)
        let before = try shelf.listing("results", "%y %m %s %P %l %C@")

        let listing = try shelf.store.archived()
        let results = Dictionary(uniqueKeysWithValues: listing.results.map { ($0.attempt, $0) })
        #expect(Set(results.keys) == [first, second])
        #expect(results[first]?.status == "success")
        #expect(results[second]?.status == "failure")
        #expect(results[first]?.key == shelf.key)
        #expect(results[first]?.place == place(first))
        #expect(results[first]?.events.completed == Timestamp(microseconds: 2))
        #expect(listing.unknown.isEmpty)
        #expect(try shelf.listing("results", "%y %m %s %P %l %C@") == before, "looking changes nothing")
    }

    /// The time of the move, and not of what is in the result.
    @Test func sinceWhen() throws {
        let attempt = shelf.attempt()
        let workspace = try shelf.fill("a", attempt)
        // Long ago, by every time that can be set.
        #expect(try shelf.space.run(["touch", "-d", "2001-01-01", workspace.folder]).status == 0)
        try shelf.space.write("stamp", "")
        let moment = try time("stamp")
        try shelf.store.retire("a", key: shelf.key, attempt: attempt)
        let since = try #require(try shelf.store.archived().results.first).since
        #expect(since.microseconds >= moment)
        // A pin is no move.
        #expect(try shelf.store.annotate(attempt, at: place(attempt), events: EventLog.entry("pinned", at: since)))
        #expect(try shelf.store.archived().results.first?.since == since)
    }

    /// The kernel's clock for files, in microseconds; coarser than the one for programs.
    private func time(_ name: String) throws -> Int64 {
        var status = stat()
        #expect(lstat(shelf.space.path(name), &status) == 0)
        return Int64(status.st_ctim.tv_sec) * 1_000_000 + Int64(status.st_ctim.tv_nsec) / 1000
    }

    @Test func whatIsNotSaturns() throws {
        let attempt = try superseded()
        let other = shelf.attempt()
        let key = "\(attic)/\(shelf.key)"
        try shelf.space.write("\(attic)/README", "mine")
        try shelf.space.write("\(attic)/mine/\(other)/events", shelf.header(other))
        try shelf.space.write("\(attic)/\(shelf.key.description.uppercased())/\(other)/events", shelf.header(other))
        try shelf.space.write("\(key)/\(other)/notes", "mine")
        try shelf.space.write("\(key)/\(shelf.attempt())/events", shelf.header(other))
        try shelf.space.write("\(key)/\(attempt).2/events", shelf.header(attempt))
        try shelf.space.write("\(key)/\(shelf.attempt())", "a file")
        try shelf.space.link("\(key)/\(shelf.attempt())", to: shelf.space.path("outside"))
        try shelf.space.link("\(attic)/\(Digest(of: [1]))", to: shelf.space.path(key))
        let strange = Digest(of: [2])
        try shelf.space.write("\(attic)/\(strange)/\(other)/events", shelf.header(other))

        let listing = try shelf.store.archived()
        #expect(listing.results.map(\.attempt) == [attempt])
        #expect(listing.unknown.count == 10, "\(listing.unknown.joined(separator: "\n"))")
        #expect(listing.unknown.contains(shelf.space.path("\(key)/\(attempt).2")))
        try shelf.store.purge()
        #expect(try shelf.store.archived().unknown.sorted() == listing.unknown.sorted())
        try expectOutsideUntouched()
    }

    @Test(arguments: ["attic", "checkpoints", ""])
    func whatCannotBeListed(_ name: String) throws {
        try superseded()
        let path = name.isEmpty ? "results/.saturn" : "results/.saturn/\(name)"
        for isLink in [false, true] {
            shelf.space.remove(path)
            if isLink {
                try shelf.space.link(path, to: shelf.space.path("outside"))
            } else {
                try shelf.space.write(path, "a file")
            }
            let problem = try failure { _ = try shelf.store.archived() }
            #expect(problem.kind == .engine)
            #expect(problem.message.contains(shelf.space.path(path)), "\(problem.message)")
        }
        try expectOutsideUntouched()
    }

    /// In a process of its own, because root may list every folder.
    @Test func aFolderThatMayNotBeListed() async {
        await #expect(processExitsWith: .success) {
            try #require(geteuid() != 0 || setuid(61_000) == 0)
            let tests = try ArchiveTests()
            let (shelf, attempt) = (tests.shelf, try tests.superseded())
            for folder in ["\(tests.attic)/\(shelf.key)/\(attempt)", "\(tests.attic)/\(shelf.key)", tests.attic] {
                #expect(try shelf.store.archived().results.count == 1)
                try shelf.space.setMode(folder, 0)
                defer { try? shelf.space.setMode(folder, 0o755) }
                #expect(try failure { _ = try shelf.store.archived() }.kind == .engine)
            }
        }
    }

    @Test func noStore() throws {
        let store = LocalDir(directory: shelf.space.path("gone"))
        #expect(try failure { _ = try store.archived() }.kind == .workspace)
        #expect(try failure { _ = try store.lockAttic() }.kind == .workspace)
        #expect(!shelf.space.exists("gone"))
        shelf.space.makeFolder("new")
        #expect(try LocalDir(directory: shelf.space.path("new")).archived().results.isEmpty)
        #expect(try shelf.space.list("new").isEmpty)
    }

    @Test func checkpoints() throws {
        let other = Digest(of: [7])
        _ = try shelf.store.makeCheckpoint(of: shelf.key, replica: 0)
        let path = try shelf.store.makeCheckpoint(of: other, replica: 12)
        try shelf.space.write(path + "/state", "half")
        for name in ["\(other)-0", "\(other)-01", "\(other)x", "\(other)--1", "mine"] {
            shelf.space.makeFolder("results/.saturn/checkpoints/\(name)")
        }
        let listing = try shelf.store.archived()
        #expect(
            Set(listing.checkpoints.map(\.place)) == [
                .checkpoint(of: shelf.key, replica: 0), .checkpoint(of: other, replica: 12),
            ])
        #expect(listing.unknown.count == 5)
        // Written anew in place: the folder itself does not change.
        #expect(try shelf.space.run(["touch", "-d", "2001-01-01", path]).status == 0)
        var moment: Int64
        repeat {
            try shelf.space.write(path + "/state", "more")
            moment = try time(path + "/state")
        } while try moment == time(path)
        let since = try shelf.store.archived().checkpoints.first { $0.key == other }?.since
        #expect(since?.microseconds == moment)
    }

    // MARK: One result

    @Test func aResultBehindALink() throws {
        let attempt = shelf.attempt()
        try shelf.fill("a", attempt)
        #expect(try shelf.store.result(at: .standing(task: "a"))?.attempt == attempt)
        #expect(try shelf.store.result(at: .standing(task: "b")) == nil)
        try shelf.space.rename("results/a", to: "outside/a")
        try shelf.space.link("results/a", to: shelf.space.path("outside/a"))
        #expect(try shelf.store.result(at: .standing(task: "a")) == nil)
        #expect(try !shelf.store.annotate(attempt, at: .standing(task: "a"), events: "x"))
        #expect(try !shelf.store.discard(.standing(task: "a")))
        for task in ["../outside/a", "..", "", ".saturn"] {
            #expect(try shelf.store.result(at: .standing(task: task)) == nil, "\(task)")
            #expect(try !shelf.store.discard(.standing(task: task)), "\(task)")
        }
        #expect(try shelf.space.read("outside/a/results/value") == "result of a")
        #expect(try shelf.space.read("outside/a/events") == shelf.header(attempt) + Shelf.complete)
    }

    @Test func pinning() throws {
        let attempt = shelf.attempt()
        try shelf.fill("a", attempt)
        let standing = ResultPlace.standing(task: "a")
        let look = try shelf.store.look(at: standing)
        let pin = EventLog.entry("pinned", at: Timestamp(microseconds: 3))
        #expect(try !shelf.store.annotate(shelf.attempt(), at: standing, events: pin), "another attempt")
        #expect(try shelf.store.result(at: standing)?.events.isPinned == false)
        #expect(try shelf.store.annotate(attempt, at: standing, events: pin))
        #expect(try shelf.store.look(at: standing) == look)
        try shelf.store.retire("a", key: shelf.key, attempt: attempt)
        #expect(try shelf.store.archived().results.first?.events.isPinned == true)
        #expect(
            try shelf.store.annotate(
                attempt, at: place(attempt), events: EventLog.entry("unpinned", at: .init(microseconds: 4))))
        #expect(try shelf.store.archived().results.first?.events.isPinned == false)
        #expect(try !shelf.store.annotate(attempt, at: standing, events: pin), "not there any more")
    }

    @Test func eventsThatACrashCutShort() throws {
        let attempt = shelf.attempt()
        try shelf.fill("a", attempt)
        try shelf.space.write("results/a/events", shelf.header(attempt) + Shelf.complete + "  - type: resto")
        let pin = EventLog.entry("pinned", at: Timestamp(microseconds: 3))
        #expect(try shelf.store.annotate(attempt, at: .standing(task: "a"), events: pin))
        #expect(try shelf.store.result(at: .standing(task: "a"))?.events.isPinned == true)
    }

    // MARK: Sizes

    @Test func howMuchItTakes() throws {
        let attempt = shelf.attempt()
        let workspace = try shelf.fill("a", attempt)
        let before = try shelf.store.size(of: .standing(task: "a"))
        let make = "head -c 1000000 /dev/urandom > big; ln big again; truncate -s 1G sparse; ln -s /usr link"
        #expect(try shelf.space.run(["/bin/sh", "-ec", make], in: workspace.results).status == 0)
        let after = try shelf.store.size(of: .standing(task: "a"))
        #expect(after - before >= 1_000_000 && after - before < 1_100_000, "\(before) \(after)")
        let du = try shelf.space.run(["du", "-s", "-B1", "results/a"]).stdout.split(separator: "\t").first
        #expect(du.flatMap { Int64($0) } == after)
        try shelf.store.retire("a", key: shelf.key, attempt: attempt)
        #expect(try shelf.store.size(of: place(attempt)) == after)
        #expect(try shelf.store.size(of: .standing(task: "a")) == 0)
        #expect(try shelf.store.atticUse(limit: 1000).bytes == after)
    }

    @Test func aLookThatEnds() throws {
        for number in 0..<5 { try superseded("\(number)") }
        let use = try shelf.store.atticUse(limit: 1000)
        #expect(use.results == 5 && !use.isPartial)
        let partial = try shelf.store.atticUse(limit: 12)
        #expect(partial.isPartial && partial.bytes > 0 && partial.bytes < use.bytes && partial.results < 5)
    }

    // MARK: Deleting

    @Test func twoPhases() throws {
        let (first, second) = (try superseded(), try superseded())
        #expect(try shelf.store.discard(place(first)))
        #expect(try !shelf.store.discard(place(first)), "not there any more")
        #expect(try shelf.store.archived().results.map(\.attempt) == [second])
        #expect(try shelf.space.list("results/.saturn/trash").count == 1)
        try shelf.store.purge()
        #expect(try shelf.space.list("results/.saturn/trash").isEmpty)
        #expect(try shelf.store.archived().results.map(\.attempt) == [second])
    }

    @Test func whatResistsDeletion() throws {
        let attempt = shelf.attempt()
        let workspace = try shelf.fill("a", attempt)
        let make = """
            mkdir -p closed/inner; touch closed/inner/x; ln -s '\(shelf.space.path("outside"))' link; mkfifo pipe
            chmod 0 closed/inner; chmod 0 closed
            """
        #expect(try shelf.space.run(["/bin/sh", "-ec", make], in: workspace.results).status == 0)
        try shelf.makeDeep(workspace.results + "/long")
        try shelf.store.retire("a", key: shelf.key, attempt: attempt)
        #expect(try shelf.store.discard(place(attempt)))
        try shelf.store.purge()
        #expect(try shelf.space.list("results/.saturn/trash").isEmpty)
        try expectOutsideUntouched()
    }

    @Test(arguments: ["trash", "attic"])
    func aPlantedLink(_ name: String) throws {
        let attempt = try superseded()
        let inside = "outside/\(shelf.key)/\(attempt)"
        if name == "attic" {
            try shelf.space.rename(attic, to: "outside/attic")
            try shelf.space.link(attic, to: shelf.space.path("outside/attic"))
        } else {
            try shelf.space.write("\(inside)/file", "mine")
            try shelf.space.link("results/.saturn/trash", to: shelf.space.path("outside"))
        }
        let before = try shelf.listing("outside")
        #expect(try failure { _ = try shelf.store.discard(place(attempt)) }.kind == .engine)
        #expect(try failure { try shelf.store.purge() }.kind == .engine)
        #expect(try shelf.listing("outside") == before)
    }

    /// The folder of a key goes when it is empty, and only while no run can be about to use it: the shelf is one.
    @Test func emptiedKeysBesideARun() throws {
        let attempt = try superseded()
        #expect(try shelf.store.discard(place(attempt)))
        try shelf.store.purge()
        #expect(try shelf.space.list(attic) == ["\(shelf.key)"])
    }

    @Test func emptiedKeysWithoutARun() throws {
        let space = shelf.space
        var other: Shelf? = try Shelf(in: space, "other")
        let key = shelf.key
        let attempt = shelf.attempt()
        try other?.fill("a", attempt)
        try other?.store.retire("a", key: key, attempt: attempt)
        other = nil
        let store = LocalDir(directory: space.path("other"))
        try store.purge()
        #expect(space.exists("other/.saturn/attic/\(key)/\(attempt)"))
        space.makeFolder("other/.saturn/attic/mine")
        #expect(try store.discard(.attic(key: key, attempt: attempt)))
        try store.purge()
        #expect(try space.list("other/.saturn/attic") == ["mine"])
        // It was let go of at once.
        try store.claim(holder: "me")
    }

    // MARK: The lock

    @Test func theAtticLockWaits() throws {
        let holder = try shelf.space.start([
            "flock", "results/.saturn/attic.lock", "sh", "-c",
            "mkfifo up && echo && read line < up && echo done > mark",
        ])
        try holder.readLine()
        let (store, space) = (shelf.store, shelf.space)
        let writer = try space.start(["sh", "-c", "echo go > up"])
        let lock = try store.lockAttic()
        #expect(space.exists("mark"), "it came before the other let go")
        withExtendedLifetime(lock) {}
        #expect(try holder.wait().status == 0)
        #expect(try writer.wait().status == 0)
    }

    @Test func theAtticLockIsLetGoOf() throws {
        func isFree() throws -> Bool {
            try shelf.space.run(["flock", "-n", "results/.saturn/attic.lock", "true"]).status == 0
        }
        var lock: (any AtticLock)? = try shelf.store.lockAttic()
        #expect(try !isFree())
        withExtendedLifetime(lock) {}
        lock = nil
        #expect(try isFree())
    }
}

import Engines
import Glibc
import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnStores

/// What the engine expects of every store, tried on each: a folder, and buckets on two real servers.
@Suite(.timeLimit(.minutes(25)))
struct StoreContractTests {
    typealias Kind = StoreCandidate.Kind

    @Test(.enabled(if: S3Server.missing == nil, Comment(rawValue: S3Server.missing ?? ""))) func allAreHere() {
        #expect(Kind.here == Kind.allCases)
    }

    @Test(arguments: Kind.here) func success(_ kind: Kind) throws {
        let (candidate, place) = (try StoreCandidate(kind), ResultPlace.standing(task: "a"))
        let (store, attempt) = (try candidate.claimed(), candidate.attempt())
        #expect(try store.look(at: place) == .absent)
        let stamp = try #require(try candidate.fill(store, "a", attempt))
        #expect(try store.look(at: place) == .status(stamp))
        try candidate.sync(store)
        #expect(try store.look(at: place) == .status(stamp))
        #expect(try store.status(of: place) == "success")
        #expect(try store.events(of: place)?.lastType == "complete")
        #expect(try store.tasks() == ["a"])
        try store.finish()
        // Whoever comes next sees the same, also from another machine.
        let other = try candidate.store("two")
        #expect(try other.look(at: place) == .status(stamp))
        #expect(try other.events(of: place)?.attempt == attempt)
        #expect(try other.status(of: place) == "success")
        #expect(try other.result(at: place)?.key == candidate.key)
    }

    @Test(arguments: Kind.here) func failureAndTermination(_ kind: Kind) throws {
        let candidate = try StoreCandidate(kind)
        let store = try candidate.claimed()
        let failing = try candidate.begin(store, "a", candidate.attempt())
        try candidate.space.write(failing.log, "what went wrong\n")
        _ = try store.publish(failing, events: StoreCandidate.failed, status: "failure", error: 3)
        let stopped = try candidate.begin(store, "b", candidate.attempt())
        let terminated = EventLog.entry("terminated", at: Timestamp(microseconds: 2))
        #expect(try store.publish(stopped, events: terminated, status: nil, error: nil) == nil)
        try candidate.sync(store)
        try store.finish()
        let other = try candidate.store("two")
        #expect(try other.status(of: .standing(task: "a")) == "failure")
        #expect(try other.events(of: .standing(task: "a"))?.exitCode == 3)
        #expect(try other.look(at: .standing(task: "b")) == .noStatus)
        #expect(try other.events(of: .standing(task: "b"))?.lastType == "terminated")
    }

    @Test(arguments: Kind.here) func attemptsOneAfterTheOther(_ kind: Kind) throws {
        let candidate = try StoreCandidate(kind)
        let (store, first, second) = (try candidate.claimed(), candidate.attempt(), candidate.attempt())
        let workspace = try candidate.begin(store, "a", first)
        try candidate.space.write(workspace.log, "one\n")
        try candidate.space.write(workspace.results + "/value", "one")
        try store.again(workspace, number: 2, events: candidate.submitted(second))
        #expect(try candidate.space.list(workspace.results) == [])
        try candidate.space.write(workspace.log, "two\n")
        _ = try store.publish(workspace, events: StoreCandidate.complete, status: "success", error: nil)
        try candidate.sync(store)
        #expect(try store.events(of: .standing(task: "a"))?.attempt == second)
        try store.finish()
    }

    @Test(arguments: Kind.here) func toTheAtticAndBack(_ kind: Kind) throws {
        let candidate = try StoreCandidate(kind)
        let (store, attempt) = (try candidate.claimed(), candidate.attempt())
        let attic = ResultPlace.attic(key: candidate.key, attempt: attempt)
        let stamp = try #require(try candidate.fill(store, "a", attempt))
        try candidate.sync(store)
        try store.retire("a", key: candidate.key, attempt: attempt)
        #expect(try store.look(at: .standing(task: "a")) == .absent)
        #expect(try store.look(at: attic) == .status(stamp))
        let next = candidate.attempt()
        try candidate.fill(store, "a", next)
        try candidate.sync(store)
        #expect(try store.archived().results.map(\.attempt) == [attempt])
        #expect(try store.size(of: attic) > 0)
        try store.move(attic, to: "b")
        try store.note(EventLog.entry("restored", at: Timestamp(microseconds: 5)), on: .standing(task: "b"))
        try store.settle()
        try store.finish()
        let other = try candidate.store("two")
        #expect(try other.events(of: .standing(task: "a"))?.attempt == next)
        #expect(try other.look(at: .standing(task: "b")) == .status(stamp))
        #expect(try other.events(of: .standing(task: "b"))?.lastType == "restored")
        #expect(try other.look(at: attic) == .absent)
        #expect(try other.archived().results.isEmpty)
    }

    @Test(arguments: Kind.here) func copiesFromAnotherRun(_ kind: Kind) throws {
        let candidate = try StoreCandidate(kind)
        let (first, attempt, copy) = (try candidate.claimed(name: "x?%"), candidate.attempt(), candidate.attempt())
        try candidate.fill(first, "a", attempt, files: [("deep/value", Array("kept".utf8))])
        try candidate.sync(first)
        try first.finish()
        let store = try candidate.claimed(name: "y")
        #expect(store.reaches(first.location))
        let there = ResultPlace.at(location: first.location, .standing(task: "a"))
        let events = EventLog.header + candidate.submitted(copy) + StoreCandidate.complete
        let stamp = try store.clone(attempt, from: there, to: "z", events: events)
        try store.settle()
        #expect(try store.look(at: .standing(task: "z")) == .status(try #require(stamp)))
        #expect(try candidate.space.read(store.results(of: "z") + "/deep/value") == "kept")
        let none = ResultPlace.at(location: first.location, .standing(task: "none"))
        #expect(
            try failure { _ = try store.clone(attempt, from: none, to: "w", events: events) }.kind == .workspace)
        try store.finish()
    }

    @Test(arguments: Kind.here) func onlyOneAtATime(_ kind: Kind) throws {
        let candidate = try StoreCandidate(kind)
        for machine in ["one", "two"] {
            let store = try candidate.claimed("one")
            let problem = try failure { _ = try candidate.claimed(machine) }
            #expect(problem.kind == .inUse)
            #expect(problem.message.contains("process 1 on one"), "\(problem.message)")
            try store.finish()
            withExtendedLifetime(store) {}
        }
        try candidate.claimed("two").finish()
    }

    @Test(arguments: Kind.here) func resultsOfEveryName(_ kind: Kind) throws {
        let candidate = try StoreCandidate(kind)
        let long = String(repeating: "long/", count: 90) + "x"
        let names = [
            "plain", "with space", "a+b", "é", "e\u{301}", "%41", "100%", "a&b=c?d#e", "quote\"'", "日本/語", "~-._", "-x",
            "back\\slash", "tab\there", "new\nline", "<&>", "{path: \"x\"}", "\u{301}leading",
            "d/\u{301}deep", "cr\r\nlf", long,
        ]
        // moto takes no key with an end of a line.
        let files = names.filter { kind != .moto || !$0.utf8.contains(10) }.map {
            (name: $0, bytes: Array("in \($0)".utf8))
        }
        // A file a task: rclone loses one now and then of many that come into one folder at once.
        try candidate.use { store in
            for (index, file) in files.enumerated() {
                let workspace = try candidate.begin(store, "lr 0.5 (é)+%20 \(index)", candidate.attempt())
                candidate.space.makeFolder(workspace.results + "/d")
                try candidate.space.write(workspace.results + "/" + file.name, file.bytes)
                _ = try store.publish(workspace, events: StoreCandidate.complete, status: "success", error: nil)
            }
        }
        let other = try candidate.claimed("two")
        for (index, file) in files.enumerated() {
            let folder = try other.results(of: "lr 0.5 (é)+%20 \(index)")
            #expect(try candidate.space.readBytes(folder + "/" + file.name) == file.bytes, "\(file.name)")
        }
        try other.finish()
    }

    /// Larger than one part of an upload.
    @Test(arguments: Kind.here) func largeResults(_ kind: Kind) throws {
        let candidate = try StoreCandidate(kind)
        try candidate.use { store in
            let workspace = try candidate.begin(store, "a", candidate.attempt())
            let make = "head -c 40000001 /dev/urandom > large && cp large \"$0\"/large && : > \"$0\"/empty"
            let made = try candidate.space.run(["sh", "-c", make, workspace.results])
            #expect(made.status == 0, "\(made.stderr)")
            _ = try store.publish(workspace, events: StoreCandidate.complete, status: "success", error: nil)
        }
        let other = try candidate.claimed("two")
        let folder = try other.results(of: "a")
        #expect(try candidate.space.run(["cmp", "large", folder + "/large"]).status == 0)
        #expect(try candidate.space.readBytes(folder + "/empty") == [])
        try other.finish()
    }

    @Test(arguments: Kind.here) func deleting(_ kind: Kind) throws {
        let candidate = try StoreCandidate(kind)
        let attempts = (0..<3).map { _ in candidate.attempt() }
        var store = try candidate.claimed()
        for attempt in attempts {
            try candidate.fill(store, "a", attempt)
            try candidate.sync(store)
            if attempt != attempts[2] { try store.retire("a", key: candidate.key, attempt: attempt) }
        }
        try store.settle()
        try store.finish()
        store = try candidate.store()
        let kept = ResultPlace.attic(key: candidate.key, attempt: attempts[1])
        for number in 0..<2 {
            // Let go of and taken again, as gc does.
            let lock = try store.lockAttic()
            #expect(try store.discard(.attic(key: candidate.key, attempt: attempts[0])) == (number == 0))
            let pin = EventLog.entry("pinned", at: Timestamp(microseconds: 9))
            #expect(try store.annotate(attempts[1], at: kept, events: pin))
            withExtendedLifetime(lock) {}
        }
        try store.purge()
        try store.finish()
        let other = try candidate.store("two")
        #expect(try other.archived().results.map(\.attempt) == [attempts[1]])
        #expect(try other.result(at: kept)?.events.isPinned == true)
        #expect(try other.look(at: .standing(task: "a")) != .absent)
        #expect(try other.discard(.attic(key: candidate.key, attempt: attempts[0])) == false)
    }
}

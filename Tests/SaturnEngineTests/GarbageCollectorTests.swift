import Glibc
import SaturnCore
import SaturnEngine
import SaturnStores
import SaturnTesting
import Testing

/// gc, with real folders: what goes, what stays, and what a fault in the middle leaves.
@Suite(.timeLimit(.minutes(25)))
struct GarbageCollectorTests {
    let heap: Heap

    init() throws {
        heap = try Heap()
    }

    private let all = RetentionLimits(all: true)

    // MARK: What goes

    @Test func thirtyDays() throws {
        let old = try heap.superseded("a")
        let current = try heap.standing("a")
        heap.clock.advance(by: 29 * Heap.day)
        #expect(try heap.collect().going.isEmpty)
        #expect(try heap.attic() == [old])
        heap.clock.advance(by: 2 * Heap.day)
        let garbage = try heap.collect()
        #expect(garbage.going.map(\.attempt) == [old])
        #expect(garbage.going.map(\.task) == ["a"])
        #expect(garbage.going.map(\.reason) == [.superseded(.age(limit: 30 * Heap.day))])
        #expect(garbage.bytes >= 5000)
        #expect(try heap.attic().isEmpty)
        #expect(heap.trash().isEmpty)
        #expect(heap.ledger.records.map(\.id) == [current])
        #expect(try heap.store().result(at: .standing(task: "a"))?.attempt == current)
        #expect(try heap.collect().going.isEmpty, "there is nothing left")
    }

    @Test func keepLastCountsTheCurrentOne() throws {
        let attempts = try (0..<3).map { _ in try heap.superseded("a") }
        let failure = try heap.superseded("a", status: "failure")
        try heap.standing("a")
        let other = try heap.superseded("b")
        #expect(try heap.collect(RetentionLimits(keepLast: 2)).going.map(\.attempt) == attempts.dropLast())
        #expect(try heap.attic() == [attempts[2], failure, other])
        // Deleted by hand: it counts for nothing.
        heap.space.remove("results/a")
        #expect(try heap.collect(RetentionLimits(keepLast: 1)).going.isEmpty)
    }

    @Test func otherLimitsAreTold() throws {
        for _ in 0..<2 { try heap.superseded("a") }
        heap.clock.advance(by: 8 * Heap.day)
        let garbage = try heap.collect()
        #expect(garbage.going.isEmpty)
        #expect(garbage.kept.count == 2)
        let bytes = garbage.kept.bytes
        let limits = [RetentionLimits(olderThan: 7 * Heap.day), RetentionLimits(keepLast: 1), all]
        #expect(garbage.alternatives.map(\.limits) == limits)
        #expect(garbage.alternatives.map(\.bytes) == [bytes, bytes / 2, bytes])
    }

    /// The folder was moved to another disk, and a link left: the ledger has two names for it.
    @Test func aFolderWithTwoNames() throws {
        let old = try heap.superseded("a")
        try heap.space.rename("results", to: "moved")
        try heap.space.link("results", to: heap.space.path("moved"))
        let new = try heap.superseded("a", in: "moved")
        let store = LocalDir(directory: heap.space.path("moved"))
        #expect(try Set(heap.ledger.locations()) == [heap.space.path("results"), heap.space.path("moved")])
        #expect(store.location == heap.store().location)
        #expect(try heap.collect(RetentionLimits(keepLast: 2)).going.isEmpty)
        #expect(try heap.collect(RetentionLimits(keepLast: 1)).going.map(\.attempt) == [old])
        #expect(try heap.attic() == [new])
    }

    @Test func onlyOfOneRun() throws {
        let (mine, renamed) = (try heap.superseded("a"), try heap.superseded("old", run: "run"))
        let others = [try heap.superseded("b", run: "other"), try heap.superseded("a", in: "elsewhere", run: "other")]
        let run = try heap.record("run", ["a"])
        try heap.record("other", ["b"])
        #expect(Set(try heap.collect(all, run: run).going.compactMap(\.attempt)) == [mine, renamed])
        #expect(try heap.attic() == [others[0]])
        #expect(try heap.attic("elsewhere") == [others[1]])
    }

    // MARK: What stays

    @Test func whatIsHeld() throws {
        let pinned = try heap.superseded("a")
        let key = try #require(heap.ledger.records.first?.key)
        let place = ResultPlace.attic(key: key, attempt: pinned)
        #expect(try heap.store().annotate(pinned, at: place, events: EventLog.entry("pinned", at: heap.clock.now())))
        let foreign = try heap.superseded("b", project: "another")
        try heap.space.write("results/.saturn/attic/mine/file", "mine")
        let current = try heap.standing("c")
        heap.clock.advance(by: 1000 * Heap.day)
        for limits in [all, RetentionLimits(), RetentionLimits(keepLast: 1), RetentionLimits(maxSize: 0)] {
            let garbage = try heap.collect(limits)
            #expect(garbage.going.isEmpty)
            #expect(garbage.pinned.count == 1 && garbage.foreign == 1)
            #expect(garbage.unknown == [heap.space.path("results/.saturn/attic/mine")])
        }
        #expect(try heap.attic() == [pinned, foreign])
        #expect(try heap.space.read("results/.saturn/attic/mine/file") == "mine")
        #expect(Set(heap.ledger.records.map(\.id)) == [pinned, current])
    }

    @Test func planningChangesNothing() throws {
        try heap.superseded("a")
        try heap.standing("a")
        let run = try heap.record("run", ["a"])
        _ = try heap.store().makeCheckpoint(of: heap.newKey(), replica: 0)
        heap.clock.advance(by: 1000 * Heap.day)
        let (before, commits) = (try heap.listing(), heap.ledger.commits)
        for request in [
            GarbageRequest(limits: all), GarbageRequest(limits: all, run: run, removesResults: true),
            GarbageRequest(limits: RetentionLimits()),
        ] {
            #expect(try !heap.collector().plan(request).going.isEmpty)
        }
        #expect(try heap.listing() == before)
        #expect(heap.ledger.commits == commits)
    }

    /// Between the look and the deletion somebody pins one, and a run takes another one and puts it back.
    @Test func whatChangesMeanwhile() throws {
        let attempts = try ["a", "b", "c"].map { try heap.superseded($0) }
        let records = heap.ledger.records
        let meddler = Meddler(pinned: records[0], moved: records[1], at: heap.clock.now())
        let garbage = try heap.collector(stores: meddler.store).collect(GarbageRequest(limits: all))
        #expect(meddler.calls >= 2)
        #expect(garbage.going.map(\.attempt) == [attempts[2]])
        #expect(try heap.attic() == [attempts[0], attempts[1]])
        #expect(Set(heap.ledger.records.map(\.id)) == [attempts[0], attempts[1]])
    }

    // MARK: Faults

    @Test func whatCannotBeListed() throws {
        let first = try heap.superseded("a")
        try heap.superseded("a", in: "second")
        heap.space.remove("second/.saturn/attic")
        try heap.space.write("second/.saturn/attic", "a file")
        let before = try heap.listing()
        let error = #expect(throws: Failure.self) { try heap.collect(all) }
        #expect(error?.kind == .engine)
        #expect(try heap.listing() == before)
        #expect(try heap.attic() == [first])
    }

    /// Killed between the two phases: the ledger may or may not have heard of it.
    @Test func theNextOneFinishes() throws {
        try heap.superseded("a")
        try heap.superseded("b")
        heap.ledger.fails(atCommit: 1)
        #expect(throws: Failure.self) { try heap.collect(all) }
        #expect(try heap.attic().isEmpty)
        #expect(heap.trash().count == 2, "nothing is deleted that the ledger has not forgotten")
        #expect(try heap.collect().going.isEmpty)
        #expect(heap.trash().isEmpty)
    }

    @Test func aFaultInTheMiddle() throws {
        let attempt = try heap.superseded("a", in: "first")
        let other = try heap.superseded("a", in: "second")
        try heap.space.write("second/.saturn/trash", "a file")
        let error = #expect(throws: Failure.self) { try heap.collect(all) }
        #expect(error?.kind == .engine)
        #expect(heap.ledger.records.map(\.id) == [other], "what was deleted is forgotten: \(attempt)")
        #expect(heap.trash("first").isEmpty)
        #expect(try heap.attic("second") == [other])
    }

    @Test func aPlantedLink() throws {
        try heap.space.write("outside/file", "mine")
        try heap.standing("a")
        try heap.space.link("results/a/results/link", to: heap.space.path("outside"))
        try heap.space.rename("results/a", to: "results/b")
        try heap.space.link("results/a", to: heap.space.path("outside"))
        let run = try heap.record("run", ["a", "b"])
        let garbage = try heap.collect(all, run: run, results: true)
        #expect(garbage.going.map(\.place) == [.standing(task: "b")])
        #expect(garbage.notes == ["\(heap.space.path("results/a")) stays: it was not made by saturn"])
        #expect(try heap.space.list("outside") == ["file"])
        #expect(heap.space.exists("results/a"))
    }

    @Test func aLocationThatIsGone() throws {
        try heap.superseded("a", in: "gone")
        let here = try heap.superseded("a")
        heap.space.remove("gone")
        let garbage = try heap.collect(all)
        #expect(garbage.going.map(\.attempt) == [here])
        #expect(garbage.notes == ["there is no \(heap.space.path("gone")) any more"])
        #expect(!heap.space.exists("gone"))
    }

    // MARK: Checkpoints

    @Test func checkpoints() throws {
        let (key, other) = (heap.newKey(), heap.newKey())
        try heap.standing("a", status: "failure", key: key)
        try heap.standing("b", key: other)
        let paths = try [key, other].map { try heap.store().makeCheckpoint(of: $0, replica: 0) }
        try heap.space.write(paths[0] + "/state", "half")
        let garbage = try heap.collect()
        #expect(garbage.going.map(\.reason) == [.checkpoint(.succeeded)])
        #expect(garbage.going.map(\.task) == ["b"])
        #expect(heap.space.exists(paths[0]) && !heap.space.exists(paths[1]))
        heap.clock.advance(by: 31 * Heap.day)
        // Its task is to go on from there, however long nobody has looked after it.
        #expect(try heap.collect().going.isEmpty)
        heap.space.remove("results/a")
        #expect(try heap.collect().going.map(\.reason) == [.checkpoint(.age(limit: 30 * Heap.day))])
        #expect(!heap.space.exists(paths[0]))
        // It was let go of.
        try heap.store().claim(holder: "me")
    }

    @Test func checkpointsBesideARun() throws {
        let key = heap.newKey()
        let old = try heap.superseded("a", key: key)
        let path = try heap.store().makeCheckpoint(of: key, replica: 0)
        let run = heap.store()
        try run.claim(holder: "a run")
        let garbage = try heap.collect(all)
        #expect(garbage.going.map(\.attempt) == [old])
        #expect(garbage.notes == ["a run is active in \(heap.space.path("results")): its checkpoints stay"])
        #expect(heap.space.exists(path))
        withExtendedLifetime(run) {}
    }

    // MARK: Runs

    @Test func theResultsOfARun() throws {
        let run = try heap.record("run", ["a", "b", "shared", "pinned", "foreign", "mine", "missing"])
        try heap.record("other", ["shared"])
        let old = try heap.superseded("a")
        let gone = try ["a", "b"].map { try heap.standing($0) }
        try heap.standing("shared")
        let pinned = try heap.standing("pinned")
        let pin = EventLog.entry("pinned", at: heap.clock.now())
        #expect(try heap.store().annotate(pinned, at: .standing(task: "pinned"), events: pin))
        try heap.standing("foreign", project: "another")
        try heap.space.write("results/mine/file", "mine")
        let garbage = try heap.collect(RetentionLimits(), run: run, results: true)
        #expect(garbage.going.map(\.attempt) == gone)
        #expect(garbage.pinned.count == 1)
        #expect(garbage.notes.count == 3, "\(garbage.notes)")
        #expect(try heap.attic() == [old], "no limit says that it goes")
        #expect(try heap.space.list("results") == [".saturn", "foreign", "mine", "pinned", "shared"])
        #expect(try heap.ledger.runs().contains { $0.name == "run" }, "its name is needed to take the pin away")

        #expect(
            try heap.store().annotate(
                pinned, at: .standing(task: "pinned"), events: EventLog.entry("unpinned", at: heap.clock.now())))
        #expect(try heap.collect(all, run: run, results: true).forgottenRuns.map(\.name) == ["run"])
        #expect(try heap.attic().isEmpty)
        #expect(try heap.ledger.runs().map(\.name) == ["other"])
        #expect(heap.trash().isEmpty)
    }

    @Test func theResultsOfARunThatIsActive() throws {
        try heap.standing("a")
        let run = try heap.record("run", ["a"])
        var lock: RunLock? = try heap.state.lock(run: "run", holder: LockHolder(command: "run", path: "/run.yaml"))
        let request = GarbageRequest(limits: all, run: run, removesResults: true)
        let errors = [
            #expect(throws: Failure.self) { try heap.collect(all, run: run, results: true) },
            #expect(throws: Failure.self) { try heap.collector().plan(request) },
        ]
        #expect(errors.map { $0?.kind } == [.inUse, .inUse])
        #expect(errors.allSatisfy { $0?.message.contains("saturn run /run.yaml") == true })
        lock = nil
        #expect(lock == nil)
        let other = heap.store()
        try other.claim(holder: "a run of another name")
        let error = #expect(throws: Failure.self) { try heap.collect(all, run: run, results: true) }
        #expect(error?.kind == .inUse)
        #expect(heap.space.exists("results/a/status"))
        withExtendedLifetime(other) {}
    }

    @Test func oldRuns() throws {
        try heap.standing("a")
        try heap.record("standing", ["a"])
        try heap.record("empty", ["b", "c"])
        try heap.record("busy", ["d"])
        let lock = try heap.state.lock(run: "busy", holder: LockHolder(command: "run", path: "/run.yaml"))
        #expect(try heap.collect().forgottenRuns.isEmpty)
        heap.clock.advance(by: 31 * Heap.day)
        try heap.record("young", ["e"])
        #expect(try heap.collect().forgottenRuns.map(\.name) == ["empty"])
        #expect(Set(try heap.ledger.runs().map(\.name)) == ["standing", "busy", "young"])
        withExtendedLifetime(lock) {}
    }

    @Test func staleNeedsFiles() throws {
        try heap.superseded("a")
        let stale = "\(heap.newAttempt())"
        try heap.space.write(".saturn/needs/\(stale)", "")
        try heap.space.write(".saturn/needs/mine", "")
        try heap.collect()
        #expect(
            try heap.space.list(".saturn/needs") == [stale, "mine"].sorted(), "it may be of a run that just begins")
        heap.clock.advance(by: 7200)
        var lock: RunLock? = try heap.state.lock(run: "busy", holder: LockHolder(command: "run", path: "/run.yaml"))
        try heap.collect()
        #expect(try heap.space.list(".saturn/needs") == [stale, "mine"].sorted())
        withExtendedLifetime(lock) {}
        lock = nil
        try heap.collect()
        #expect(try heap.space.list(".saturn/needs") == ["mine"])
    }

    // MARK: The size for others

    @Test func theSizeOfTheAttic() throws {
        try heap.superseded("a")
        #expect(AtticSize.measure(heap.store()) == nil)
        #expect(AtticSize.measure(heap.store(), threshold: 5000)?.results == 1)
        #expect(AtticSize.measure(heap.store("gone"), threshold: 0) == nil)
    }

    // MARK: Pins

    @Test func pinning() throws {
        let attempt = try heap.standing("a")
        try heap.standing("b", status: "failure")
        _ = try heap.store().begin("c", events: EventLog.header)
        let run = try heap.record("run", ["a", "b", "c", "d"])
        let pinning = Pinning(ledger: heap.ledger, store: heap.store(), run: run)
        #expect(try pinning.targets([]).map(\.task) == ["a", "b"])
        for (task, words) in [("c", "no finished result"), ("d", "no finished result"), ("x", "no task 'x'")] {
            let error = #expect(throws: Failure.self) { _ = try pinning.targets(["a", task]) }
            #expect(error?.kind == .usage)
            #expect(error?.message.contains(words) == true)
        }
        let target = try #require(try pinning.targets(["a"]).first)
        // Superseded between the look and the pin.
        let key = try #require(heap.ledger.records.first { $0.id == attempt }?.key)
        try heap.store().retire("a", key: key, attempt: attempt)
        try heap.standing("a")
        for _ in 0..<2 { try pinning.pin(target, true, at: heap.clock.now()) }
        #expect(try heap.store().archived().results.first?.events.isPinned == true)
        #expect(try heap.store().result(at: .standing(task: "a"))?.events.isPinned == false)
        #expect(try pinning.targets(["a"]).map(\.isPinned) == [true])
        let events = try heap.store().archived().results.first?.events
        try pinning.pin(try #require(try pinning.targets(["a"]).first), true, at: heap.clock.now())
        #expect(try heap.store().archived().results.first?.events == events, "a second time adds nothing")
    }
}

/// Pins one result and moves another there and back, after gc has looked and before it deletes.
private final class Meddler {
    private let pinned: AttemptRecord
    private let moved: AttemptRecord
    private let time: Timestamp
    private(set) var calls = 0

    init(pinned: AttemptRecord, moved: AttemptRecord, at time: Timestamp) {
        self.pinned = pinned
        self.moved = moved
        self.time = time
    }

    func store(_ location: String) throws -> any ResultStore {
        let store = LocalDir(directory: location)
        calls += 1
        // The first is the survey's.
        guard calls == 2 else { return store }
        let places = [pinned, moved].map { ResultPlace.attic(key: $0.key, attempt: $0.id) }
        _ = try store.annotate(pinned.id, at: places[0], events: EventLog.entry("pinned", at: time))
        let since = try store.result(at: places[1])?.since
        // The file system's clock goes in steps of milliseconds.
        repeat {
            try store.move(places[1], to: moved.task)
            try store.retire(moved.task, key: moved.key, attempt: moved.id)
        } while try store.result(at: places[1])?.since == since
        return store
    }
}

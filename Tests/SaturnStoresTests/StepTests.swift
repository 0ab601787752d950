import Glibc
import SaturnCore
import SaturnStores
import SaturnTesting
import Testing

/// Killed at every step of everything that a store does.
@Suite(.timeLimit(.minutes(5)))
struct StepTests {
    static let first = AttemptID(bytes: (0..<16).map { UInt8($0) })
    static let key = Digest(of: Array("a key".utf8))

    /// In a process of its own: all that a store does, in the order of a run.
    static func work(_ folder: String) throws {
        let store = LocalDir(directory: folder)
        try store.claim(holder: "the test")
        let first = try #require(first)
        try write(store, "a", first)
        try store.retire("a", key: key, attempt: first)
        mkdir("\(folder)/b", 0o755)
        try store.move(.attic(key: key, attempt: first), to: "b")
        _ = try store.clone(first, from: .standing(task: "b"), to: "c", events: header(first))
        try store.note(EventLog.entry("changed", at: Timestamp(microseconds: 3)), on: .standing(task: "c"))
        let failed = try store.begin("d", events: header(first))
        try text("log", in: failed.folder)
        try store.again(failed, number: 2, events: EventLog.entry("retried", at: Timestamp(microseconds: 4)))
        _ = try store.publish(failed, events: complete, status: "failure", error: 3)
        mkdir("\(folder)/.saturn/checkpoints", 0o755)
        try text(key.description, in: "\(folder)/.saturn/checkpoints")
        _ = try store.makeCheckpoint(of: key, replica: 0)
        try store.removeCheckpoint(of: key, replica: 0, onlyEmpty: false)
        try store.sync(at: Timestamp(microseconds: 5), boot: "0")
    }

    private static func write(_ store: LocalDir, _ task: String, _ attempt: AttemptID) throws {
        let workspace = try store.begin(task, events: header(attempt))
        for name in ["value", "other"] { try text(name, in: workspace.results) }
        _ = try store.publish(workspace, events: complete, status: "success", error: nil)
    }

    private static let complete = EventLog.entry("complete", at: Timestamp(microseconds: 2))

    private static func header(_ attempt: AttemptID) -> String {
        EventLog.header
            + EventLog.entry(
                "submitted", at: Timestamp(microseconds: 1),
                [Variable("key", key.description), Variable("attempt", attempt.description)]) + complete
    }

    private static func text(_ name: String, in folder: String) throws {
        let fd = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        try #require(fd >= 0)
        _ = Glibc.write(fd, "x", 1)
        close(fd)
    }

    @Test func everyStep() async throws {
        let space = try TestSpace()
        let (steps, results) = (space.path("steps"), space.path("all"))
        await #expect(processExitsWith: .success) { [steps = steps as String, results = results as String] in
            setenv("SATURN_TEST_STEPS", steps, 1)
            try StepTests.work(results)
        }
        let names = try space.read("steps").split(separator: "\n").map(String.init)
        for operation in [
            "claim", "begin", "publish", "retire", "move", "clone", "note", "again", "checkpoint", "sync", "file",
        ] {
            #expect(names.contains { $0.hasPrefix(operation + ".") }, "no step of \(operation)")
        }
        var counts: [String: Int] = [:]
        for (index, name) in names.enumerated() {
            counts[name, default: 0] += 1
            let (step, folder) = ("\(name):\(counts[name] ?? 0)", space.path("\(index)"))
            await #expect(processExitsWith: .signal(SIGKILL), "\(step)") {
                [step = step as String, folder = folder as String] in
                setenv("SATURN_TEST_DIE_AT", step, 1)
                try StepTests.work(folder)
            }
            let done = Set(names[...index])
            try expectWhole(folder, in: space, done: done, step)
        }
    }

    /// No false success, no lost one, and every folder can be used again.
    private func expectWhole(_ folder: String, in space: TestSpace, done: Set<String>, _ step: String) throws {
        let (store, first) = (LocalDir(directory: folder), try #require(Self.first))
        try store.claim(holder: "the next")
        var successes: [ResultPlace] = []
        let places =
            ["a", "b", "c", "d"].map { ResultPlace.standing(task: $0) } + [.attic(key: Self.key, attempt: first)]
        for place in places {
            let status = try store.status(of: place)
            guard case .status = try store.look(at: place) else { continue }
            #expect(try store.events(of: place)?.completed != nil, "\(step): \(place)")
            guard status == "success" else { continue }
            successes.append(place)
            #expect(try space.list(store.folder(of: place) + "/results") == ["other", "value"], "\(step): \(place)")
        }
        let original = successes.filter { $0 != .standing(task: "c") }
        #expect(original.count == (done.contains("publish.status") ? 1 : 0), "\(step)")
        #expect(successes.contains(.standing(task: "c")) == done.contains("clone.status"), "\(step)")
        #expect((try store.synced(boot: "0") != nil) == done.contains("sync.noted"), "\(step)")
        for task in ["a", "b", "c", "d"] {
            let place = ResultPlace.standing(task: task)
            if try store.look(at: place) != .absent { try store.retire(task, key: Self.key, attempt: first) }
            _ = try store.begin(task, events: Self.header(first))
        }
    }
}

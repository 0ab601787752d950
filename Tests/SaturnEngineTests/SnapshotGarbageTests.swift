import Glibc
import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

/// gc and the copies of code that tasks run from.
@Suite struct SnapshotGarbageTests {
    private let heap: Heap
    private var space: TestSpace { heap.space }
    private let tree = String(repeating: "0f", count: 20)

    init() throws { heap = try Heap() }

    private func make(_ name: String) throws -> String {
        let folder = ".saturn/snapshots/\(name)"
        try space.write("\(folder)/lib/model.py", String(repeating: "x", count: 5000))
        try space.setMode("\(folder)/lib/model.py", 0o444)
        for path in ["\(folder)/lib", folder] { try space.setMode(path, 0o555) }
        return space.path(folder)
    }

    @Test func whatNobodyUsesGoes() throws {
        let names = [tree, "\(tree)-0123456789ab", "tmp-" + heap.newAttempt().description]
        for name in names { _ = try make(name) }
        try space.write("outside", "kept\n")
        try space.setMode("\(heap.state.path)/snapshots/\(tree)", 0o755)
        try space.link("\(heap.state.path)/snapshots/\(tree)/link", to: space.folder)
        let planned = try heap.collector().plan(GarbageRequest(limits: RetentionLimits()))
        #expect(
            planned.snapshots.count == 3 && planned.snapshots.bytes >= 15_000
                && planned.bytes == planned.snapshots.bytes)
        #expect(try space.list(".saturn/snapshots").count == 3)
        #expect(try heap.collect().snapshots == planned.snapshots)
        #expect(try space.list(".saturn/snapshots") == [])
        #expect(try space.read("outside") == "kept\n", "links are not followed")
        #expect(try heap.collect().snapshots.count == 0)
    }

    @Test func whatARunUsesStays() throws {
        let folder = try make(tree)
        let lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(lock) }
        #expect(flock(lock, LOCK_SH) == 0)
        #expect(try heap.collect().snapshots.count == 0)
        #expect(space.exists(folder))
        flock(lock, LOCK_UN)
        #expect(try heap.collect().snapshots.count == 1)
        #expect(!space.exists(folder))
    }

    @Test func whatIsNotSaturnsStays() throws {
        for name in ["notes", "tmp-mine", "0f"] { _ = try make(name) }
        #expect(try heap.collect().snapshots.count == 0)
        #expect(try space.list(".saturn/snapshots").count == 3)
    }

    @Test func aRequestForOneRunLeavesThem() throws {
        _ = try make(tree)
        try heap.standing("a")
        let run = try heap.record("run", ["a"])
        #expect(try heap.collect(run: run).snapshots.count == 0)
        #expect(space.exists(".saturn/snapshots/\(tree)"))
    }
}

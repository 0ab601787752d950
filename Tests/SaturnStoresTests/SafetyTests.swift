import Glibc
import SaturnCore
import SaturnStores
import SaturnTesting
import Testing

/// What is known to be on the disk, and what attempts leave each other.
@Suite(.timeLimit(.minutes(25)))
struct SafetyTests {
    let shelf: Shelf
    let boot = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
    let time = Timestamp(microseconds: 1_662_928_319_555_695)

    init() throws {
        shelf = try Shelf()
    }

    private var file: String { "results/.saturn/synced-\(boot)" }

    @Test func syncing() throws {
        #expect(try shelf.store.synced(boot: boot) == nil)
        try shelf.store.sync(at: time, boot: boot)
        #expect(try shelf.store.synced(boot: boot) == time)
        #expect(try shelf.space.read(file) == "\(time)\n")
        let inode = try shelf.inode(file)
        let later = Timestamp(microseconds: time.microseconds + 1)
        try shelf.store.sync(at: later, boot: boot)
        #expect(try shelf.inode(file) == inode, "a new file may be empty after a power failure")
        // Whoever only reads has claimed nothing.
        #expect(try LocalDir(directory: shelf.store.location).synced(boot: boot) == later)
        #expect(try shelf.store.synced(boot: "1f1e2d3c") == nil)
    }

    @Test func whateverIsCutOffIsUnknown() throws {
        try shelf.store.sync(at: time, boot: boot)
        let whole = try shelf.space.readBytes(file)
        for length in 0..<whole.count {
            try shelf.space.write(file, Array(whole[..<length]))
            #expect(try shelf.store.synced(boot: boot) == nil, "\(length) bytes")
        }
        for text in ["never\n", String(repeating: "\0", count: whole.count), "\(time)\n\(time)\n"] {
            try shelf.space.write(file, text)
            #expect(try shelf.store.synced(boot: boot) == nil)
            try shelf.store.sync(at: time, boot: boot)
            #expect(try shelf.store.synced(boot: boot) == time)
        }
    }

    @Test(arguments: ["", "../../outside", "x/y", "A", "0\0", String(repeating: "0", count: 200)])
    func aBootThatIsNone(_ boot: String) throws {
        let before = try shelf.names("")
        #expect(try failure { try shelf.store.sync(at: time, boot: boot) }.kind == .fault)
        #expect(try failure { _ = try shelf.store.synced(boot: boot) }.kind == .fault)
        #expect(try shelf.names("") == before)
    }

    @Test(arguments: ["link", "pipe", "folder"])
    func whatIsPlantedInItsPlace(_ kind: String) throws {
        try shelf.space.write("outside", "\(time)\n")
        switch kind {
        case "link": try shelf.space.link(file, to: shelf.space.path("outside"))
        case "pipe": #expect(mkfifo(shelf.space.path(file), 0o600) == 0)
        default: shelf.space.makeFolder(file)
        }
        #expect(try shelf.store.synced(boot: boot) == nil)
        let later = Timestamp(microseconds: time.microseconds + 1)
        let problem = try failure { try shelf.store.sync(at: later, boot: boot) }
        #expect(problem.kind == .engine)
        #expect(problem.message.contains(shelf.space.path(file)))
        #expect(try shelf.space.read("outside") == "\(time)\n")
    }

    @Test func aLocationThatIsGone() throws {
        shelf.space.remove("results")
        #expect(try failure { try shelf.store.sync(at: time, boot: boot) }.kind == .engine)
    }

    // MARK: Checkpoints

    @Test func checkpointsStay() throws {
        let path = try shelf.store.makeCheckpoint(of: shelf.key, replica: 0)
        #expect(path == shelf.store.folder(of: .checkpoint(of: shelf.key, replica: 0)))
        try shelf.space.write(path + "/step", "12")
        #expect(try shelf.store.makeCheckpoint(of: shelf.key, replica: 0) == path)
        #expect(try shelf.space.read(path + "/step") == "12")
        let other = try shelf.store.makeCheckpoint(of: shelf.key, replica: 1)
        #expect(try shelf.space.list(other) == [])

        try shelf.store.removeCheckpoint(of: shelf.key, replica: 0, onlyEmpty: true)
        #expect(try shelf.space.read(path + "/step") == "12")
        try shelf.store.removeCheckpoint(of: shelf.key, replica: 1, onlyEmpty: true)
        #expect(!shelf.space.exists(other))
        try shelf.store.removeCheckpoint(of: shelf.key, replica: 0, onlyEmpty: false)
        #expect(!shelf.space.exists(path))
        for onlyEmpty in [true, false] {
            try shelf.store.removeCheckpoint(of: shelf.key, replica: 0, onlyEmpty: onlyEmpty)
        }
    }

    @Test(arguments: ["link", "pipe", "file"])
    func whatIsPlantedInPlaceOfACheckpoint(_ kind: String) throws {
        try shelf.space.write("outside/file", "mine")
        let path = try shelf.store.makeCheckpoint(of: shelf.key, replica: 2)
        func plant() throws {
            shelf.space.remove(path)
            switch kind {
            case "link": try shelf.space.link(path, to: shelf.space.path("outside"))
            case "pipe": #expect(mkfifo(path, 0o600) == 0)
            default: try shelf.space.write(path, "mine")
            }
        }
        try plant()
        #expect(try shelf.store.makeCheckpoint(of: shelf.key, replica: 2) == path)
        #expect(try shelf.listing("results/.saturn/checkpoints", "%y %P") == ["d \(shelf.key)-2"])
        try plant()
        try shelf.store.removeCheckpoint(of: shelf.key, replica: 2, onlyEmpty: false)
        #expect(!shelf.space.exists(path))
        #expect(try shelf.space.read("outside/file") == "mine")
    }
}

import Glibc
import SaturnTesting
import Testing

@testable import SaturnEngine

@Suite struct FileStampsTests {
    private let space: TestSpace

    /// A folder `in` of old files, with links out of it.
    init() throws {
        space = try TestSpace()
        try write("in/file", "old")
        try write("in/sub/file", "old")
        try write("outside/file", "old")
        try write("outside/folder/file", "old")
        try space.link("in/link", to: "../outside/file")
        try space.link("in/folder", to: "../outside/folder")
        try space.link("in/circle", to: ".")
        try space.link("to in", to: "in")
    }

    /// Times are of the kernel's last tick: what is written within one has the time of the other.
    private func write(_ name: String, _ text: String) throws {
        try space.write(name, text)
        try age(name)
    }

    private func age(_ name: String) throws {
        var times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 1), timespec(tv_sec: 1_000_000_000, tv_nsec: 1)]
        #expect(utimensat(AT_FDCWD, space.path(name), &times, 0) == 0)
    }

    /// Relative to the test's folder.
    private func written(_ name: String, _ change: () throws -> Void) throws -> [String] {
        let before = FileStamps(at: space.path(name))
        try change()
        return FileStamps(at: space.path(name)).written(since: before).map {
            String($0.dropFirst(space.folder.count + 1))
        }
    }

    @Test(arguments: ["in/file", "in/sub/file"]) func aFile(_ name: String) throws {
        for whole in [name, "in"] {
            #expect(try written(whole) { try space.write(name, "new") } == [name])
            #expect(try written(whole) { try write(name, "longer") } == [name])
            #expect(try written(whole) { space.remove(name) } == [name])
            #expect(try written(whole) { try write(name, "old") } == [name])
            #expect(try written(whole) {} == [])
        }
    }

    @Test func aFileThatTakesItsPlaceWithItsSizeAndTime() throws {
        try write("other", "new")
        #expect(try written("in") { try space.rename("other", to: "in/file") } == ["in/file"])
    }

    @Test func permissionsAndOtherNamesAreNoWrite() throws {
        let before = FileStamps(at: space.path("in"))
        #expect(try written("in") { try space.setMode("in/file", 0o755) } == [])
        let twin = Glibc.link(space.path("in/file"), space.path("twin"))
        #expect(twin == 0)
        #expect(FileStamps(at: space.path("in")).lastChange > before.lastChange)
        #expect(FileStamps(at: space.path("in")).written(since: before) == [])
    }

    @Test func aLockFileIsGoneAgain() throws {
        let changed = try written("in") {
            try space.write("in/lock", "")
            space.remove("in/lock")
        }
        #expect(changed == [])
    }

    @Test func whatLinksLeadTo() throws {
        #expect(try written("in") { try space.write("outside/file", "new") } == ["outside/file"])
        #expect(try written("in") { try space.write("outside/folder/file", "new") } == ["in/folder/file"])
        #expect(try written("to in") { try space.write("in/file", "new") } == ["to in/file"])
        #expect(try written("in/link") { try space.write("outside/file", "newer") } == ["outside/file"])
        let turned = try written("in/link") {
            space.remove("in/link")
            try space.link("in/link", to: "file")
        }
        #expect(turned.contains("in/link"))
    }

    @Test func theLastChangeIsOfAnything() throws {
        let start = FileStamps(at: space.path("in")).lastChange
        usleep(20_000)
        try space.setMode("outside/folder/file", 0o755)
        let changed = FileStamps(at: space.path("in")).lastChange
        #expect(changed > start)
        usleep(20_000)
        space.makeFolder("in/sub/new")
        #expect(FileStamps(at: space.path("in")).lastChange > changed)
        #expect(FileStamps(at: space.path("nothing")).lastChange == 0)
    }
}

import Glibc
import SaturnCore
import Testing

@testable import SaturnGit

/// A file that was written together with the index may be younger than what the index says of it.
@Suite struct RacyTests {
    private func stamp(_ seconds: Int, _ nanoseconds: Int) -> FileStamp {
        var status = stat()
        status.st_mtim = timespec(tv_sec: seconds, tv_nsec: nanoseconds)
        return FileStamp(status)
    }

    private func moment(_ seconds: Int, _ nanoseconds: Int) -> Moment {
        Moment(timespec(tv_sec: seconds, tv_nsec: nanoseconds))
    }

    @Test func withinTwoTicks() {
        let written = moment(100, 10_000_000)
        #expect(stamp(100, 10_000_000).isRacy(withIndexWritten: written))
        #expect(stamp(100, 11_000_000).isRacy(withIndexWritten: written))
        #expect(stamp(101, 1).isRacy(withIndexWritten: written))
        #expect(stamp(99, 990_000_000).isRacy(withIndexWritten: written))
        #expect(!stamp(99, 989_999_999).isRacy(withIndexWritten: written))
    }

    @Test func clocksThatCountInSeconds() {
        #expect(stamp(100, 0).isRacy(withIndexWritten: moment(100, 900_000_000)))
        #expect(stamp(100, 5).isRacy(withIndexWritten: moment(100, 0)))
        #expect(!stamp(99, 0).isRacy(withIndexWritten: moment(100, 0)))
    }

    @Test func settling() {
        var status = stat()
        status.st_mtim = timespec(tv_sec: 10, tv_nsec: 5)
        status.st_ctim = timespec(tv_sec: 20, tv_nsec: 5)
        #expect(FileStamp(status).isSettled(at: moment(22, 5)))
        #expect(!FileStamp(status).isSettled(at: moment(22, 4)))
    }

    /// Other writers than git leave the fractions of seconds out of the index: only the comparison with the time of
    /// the index tells.
    @Test func anIndexInWholeSeconds() throws {
        let repository = try TestRepository()
        try repository.write("a", "old\n")
        try repository.git("add", "a")
        let script = """
            import hashlib, sys
            index = bytearray(open(sys.argv[1], "rb").read()[:-20])
            index[16:20] = index[24:28] = bytes(4)
            open(sys.argv[1], "r+b").write(index + hashlib.sha1(index).digest())
            """
        _ = try Program.run(
            ["python3", "-c", script, repository.path(".git/index")], environment: TestRepository.environment)
        try repository.write("a", "new\n")
        let state = try repository.state()
        #expect(try state == repository.oracle())
        try repository.git("add", "a")
        #expect(try state.tree == repository.git("write-tree"))
    }
}

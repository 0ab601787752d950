import Foundation
import Glibc
import SaturnTesting
import Testing

/// Row 9 of faults.md, at a fifth of its size: a log of 2 GB in one line.
///
/// On a disk in memory, which takes it in a second and gives it back at once.
@Suite(.ownThread) struct LongLogTests {
    private static let folder = "/dev/shm"
    private static let length = 2_147_483_648
    static let hasRoom: Bool = {
        var room = statvfs()
        return statvfs(folder, &room) == 0 && UInt64(room.f_bavail) * UInt64(room.f_frsize) > 5 << 30
            && access(folder, W_OK) == 0
    }()

    @Test(.enabled(if: hasRoom, "SKIPPED: there are no 5 GB free in /dev/shm for a log of 2 GB"))
    func takesLittleMemory() throws {
        var template = Array("\(Self.folder)/saturn-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SessionProblem("cannot make a folder in \(Self.folder)") }
        let results = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        let session = try Session()
        defer { session.space.remove(results) }
        try session.write(
            "run.yaml",
            """
            name: long
            tasks: [{name: a, command: head -c \(Self.length) /dev/zero}]
            results: {class_spec: LocalDir, directory: \(results)}

            """)
        let (run, peakMemory) = try session.measured("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(try session.shell("stat -c %s \(results)/a/log").out == "\(Self.length)\n")
        #expect(peakMemory < 60_000_000)
        print("a log of \(Self.length) bytes: saturn's peak memory was \(peakMemory / 1_000_000) MB")
    }
}

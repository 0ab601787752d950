import Foundation
import Glibc
import SaturnTesting
import Testing

/// The machine loses its power: files are there afterwards without their contents, however long ago they were written.
///
/// The project is on an ext4 in a file. A copy of that file, taken when saturn has just died at a named step, is what
/// the power failure leaves: what only the kernel's memory had is not in it.
@Suite(.ownThread) struct LostWritesTests {
    private static let size = 20
    private static let newBoot = "00000000-0000-4000-8000-000000000001"

    /// At the second commit, the first of which is that of the plan: before the results are brought to the disk, when
    /// they are there and the ledger has not heard of them, and when it has.
    @Test(
        .enabled(if: LoopDisk.isPossible, LoopDisk.reasonToSkip),
        arguments: [("commit.begin", true), ("commit.begin", false), ("commit.synced", false), ("commit.end", false)])
    func noSuccessWithoutItsFiles(_ step: String, _ statusIsWritten: Bool) throws {
        let session = try Session()
        let disk = try LoopDisk(session.space.path("disk"), at: session.path("disk"))
        defer { disk.unmount() }
        try write(session)
        try disk.sync()
        let run = try session.debugBuild("-C disk run", env: ["SATURN_TEST_DIE_AT": "\(step):2"])
        #expect(run.status == 137, "\(run.err)")
        // The kernel writes when it likes, in any order: here what says "success" comes first.
        if statusIsWritten { try session.shell("sync disk/results/power/*/status disk/results/power/*/events") }
        try disk.losePower()

        let had = try successes(session)
        if statusIsWritten {
            #expect(had.count == Self.size, "no success is left: there is nothing to show here")
            #expect(try had.contains { try !isWhole($0, session) }, "all files reached the disk: nothing to show")
        }
        let whole = try had.filter { try isWhole($0, session) }
        let inodes = try whole.map { try session.inode("disk/results/power/\($0)/status") }
        let again = try session.debugBuild("-C disk run", env: ["SATURN_TEST_BOOT_ID": Self.newBoot])
        try #require(again.status == 0, "\(again.out)\(again.err)")
        for task in try session.names("disk/results/power") where task != ".saturn" {
            #expect(try isWhole(task, session), "\(task)")
        }
        #expect(try successes(session).count == Self.size)
        if step == "commit.end" {
            #expect(whole.count == Self.size)
            #expect(try whole.map { try session.inode("disk/results/power/\($0)/status") } == inodes, "they were known")
        }
        let plan = try session.debugBuild("-C disk plan --exit-code", env: ["SATURN_TEST_BOOT_ID": Self.newBoot])
        #expect(plan.status == 0, "\(plan.out)")
    }

    private func write(_ session: Session) throws {
        let tasks = (1...Self.size).map { "  - {name: t\($0), env: {N: '\($0)'}}\n" }
        try session.write(
            "disk/run.yaml",
            """
            name: power
            defaults: {code: none, command: 'seq 1000 > $RESULTS_DIR/x; echo end'}
            tasks:
            \(tasks.joined())
            """)
    }

    private func successes(_ session: Session) throws -> [String] {
        guard session.exists("disk/results/power") else { return [] }
        return try session.names("disk/results/power").filter { task in
            let status = "disk/results/power/\(task)/status"
            return try session.exists(status) && session.read(status) == "success"
        }
    }

    private func isWhole(_ task: String, _ session: Session) throws -> Bool {
        let (x, log) = ("disk/results/power/\(task)/results/x", "disk/results/power/\(task)/log")
        guard session.exists(x), session.exists(log) else { return false }
        return try session.bytes(x).count == 3893 && session.read(log) == "end\n"
    }
}

/// An ext4 in a file.
private final class LoopDisk {
    static let reasonToSkip: Comment = "SKIPPED: this user may not mount a file, so no power failure can be played"
    static let isPossible: Bool = {
        guard let space = try? TestSpace(), let disk = try? LoopDisk(space.path("disk"), at: space.path("mounted"))
        else {
            return false
        }
        disk.unmount()
        return true
    }()

    private let image: String
    private let path: String

    init(_ image: String, at path: String) throws {
        self.image = image
        self.path = path
        mkdir(path, 0o755)
        try Self.shell("truncate -s 16M '\(image)' && mkfs.ext4 -q -F '\(image)'")
        try mount(image)
    }

    private func mount(_ image: String) throws { try Self.shell("mount -o loop '\(image)' '\(path)'") }

    func unmount() { umount2(path, Int32(MNT_DETACH)) }

    /// Brings all that is written until now to the disk.
    func sync() throws { try Self.shell("sync -f '\(path)'") }

    /// Whatever is not on the disk now is lost.
    func losePower() throws {
        let copy = image + ".copy"
        // The disk goes on while it is copied, but nobody writes to it any more.
        try Self.shell("cp --sparse=always '\(image)' '\(copy)' && umount '\(path)'")
        try mount(copy)
    }

    private static func shell(_ line: String) throws {
        let run = try TestSpace().run(["sh", "-c", line], env: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        guard run.status == 0 else { throw SessionProblem("\(line): \(run.stderr)") }
    }
}

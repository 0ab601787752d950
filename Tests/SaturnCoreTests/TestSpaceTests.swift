import Glibc
import SaturnTesting
import Testing

/// The tools that the other tests stand on.
@Suite struct TestSpaceTests {
    @Test func aProgramsOutputAndExitComeBack() throws {
        let space = try TestSpace()
        space.makeFolder("sub")
        let finished = try space.run(
            ["sh", "-c", "pwd; echo \"$A\" \"$1\" >&2; exit 3", "sh", "two words"], env: ["A": "1"], in: "sub")
        #expect(finished == .init(stdout: space.path("sub") + "\n", stderr: "1 two words\n", status: 3))
    }

    @Test func muchOutputOnBothSidesBlocksNobody() throws {
        let space = try TestSpace()
        let script = "head -c 300000 /dev/zero; head -c 400000 /dev/zero >&2; head -c 300000 /dev/zero"
        let finished = try space.run(["sh", "-c", script])
        #expect(finished.stdout.utf8.count == 600_000)
        #expect(finished.stderr.utf8.count == 400_000)
        #expect(finished.status == 0)
    }

    @Test func aSignalIsAStatusOf128AndMore() throws {
        let space = try TestSpace()
        let sleeper = try space.start(["sleep", "600"])
        sleeper.signal(SIGTERM)
        #expect(try sleeper.wait().status == 143)
        #expect(try space.run(["no-such-program-anywhere"]).status == 127)
    }

    @Test func theCallersEnvironmentStaysOutside() throws {
        let space = try TestSpace()
        let names = try space.run(["env"]).stdout.split(separator: "\n").map { String($0.prefix { $0 != "=" }) }
        // The last four are those of the shell that changes the folder.
        let known = Set(space.environment.keys).union(["PWD", "OLDPWD", "SHLVL", "_"])
        #expect(Set(names).subtracting(known).isEmpty)
        #expect(names.contains("HOME"))
    }

    @Test func theFolderGoesWithItsTest() throws {
        var space: TestSpace? = try TestSpace()
        let folder = try #require(space?.folder)
        try space?.write("a/b/c", "x")
        try space?.link("loop", to: ".")
        try space?.setMode("a/b", 0o500)
        #expect(access(folder, F_OK) == 0)
        space = nil
        #expect(access(folder, F_OK) != 0)
    }

    @Test func gitHasNobodysConfiguration() throws {
        let space = try TestSpace()
        try space.git("init", "-q")
        try space.write("a", "1")
        try space.git("add", "a")
        try space.git("commit", "-q", "-m", "x")
        #expect(try space.git("log", "--format=%an <%ae>") == "A <a@example.org>")
        #expect(throws: ChildProcess.Problem.self) { try space.git("no-such-command") }
    }

    @Test(.timeLimit(.minutes(25))) func aRecordingIsReadBeforeAndAfter() async throws {
        let recording = Recording<Int>()
        recording.append(1)
        #expect(try await recording.first { $0 == 1 } == 1)
        async let later = recording.first { $0 > 1 }
        recording.append(1)
        recording.append(2)
        #expect(try await later == 2)
        #expect(recording.all == [1, 1, 2])
    }

    @Test func aClockMovesOnlyWhenItIsMoved() async throws {
        let clock = ManualClock()
        let before = clock.now()
        var beats = clock.beats(every: 1).makeAsyncIterator()
        #expect(clock.uptime() == 0)
        clock.advance(by: 1.5)
        #expect(clock.uptime() == 1_500_000_000)
        #expect(clock.now().microseconds - before.microseconds == 1_500_000)
        #expect(await beats.next() != nil)
    }
}

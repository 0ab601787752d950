import Glibc
import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnExecutors

/// Programs that come and go while tasks are started.
@Suite("Multiprocessing: programs that change") struct ProgramFinderTests {
    let bench: Bench

    init() async throws {
        bench = try await Bench(.multiprocessing)
        for name in ["early", "late"] { mkdir(bench.space.path(name), 0o755) }
    }

    private var path: String { bench.space.path("early") + ":" + bench.space.path("late") }

    private func install(_ folder: String) throws {
        try bench.space.write("\(folder)/tool", "#!/bin/sh\nprintf \(folder)\n", executable: true)
    }

    private func found() -> String? { ProgramFinder.find("tool", path: path, workdir: bench.space.folder) }

    @Test func whatATaskHasInstalledIsSeenByTheNext() throws {
        try install("late")
        #expect(found() == bench.space.path("late/tool"))
        try install("early")
        #expect(found() == bench.space.path("early/tool"))
    }

    @Test func whatIsNotThereIsLookedForAgain() throws {
        #expect(found() == nil)
        try install("late")
        #expect(found() == bench.space.path("late/tool"))
    }

    @Test func oneThatIsGoneIsLookedForAgain() async throws {
        for folder in ["early", "late"] { try install(folder) }
        let env = [Variable("PATH", path + ":/usr/bin:/bin")]
        #expect(try await bench.run("a", .direct(["tool"]), env: env) == .code(0))
        unlink(bench.space.path("early/tool"))
        #expect(try await bench.run("b", .direct(["tool"]), env: env) == .code(0))
        #expect(try bench.log("a") + bench.log("b") == "earlylate")
    }
}

import Glibc
import Testing

/// A command loads and starts no more than it needs.
@Suite(.ownThread) struct LightStartTests {
    private func makeSession() throws -> Session {
        let session = try Session()
        try session.write("run.yaml", "name: light\ntasks:\n  - {name: a, command: echo hi}\n")
        // The loader finds these before the system's, and refuses them.
        session.makeFolder("spoilt")
        for minor in 0..<20 { try session.write("spoilt/libgit2.so.1.\(minor)", "") }
        return session
    }

    @Test func noLibgit2OutsideGit() throws {
        let session = try makeSession()
        let env = ["LD_LIBRARY_PATH": session.path("spoilt")]
        for arguments in ["plan", "run", "status", "why a", "plan --exit-code"] {
            let words = arguments.split(separator: " ").map(String.init)
            let ended = try session.shell("saturn \(words.joined(separator: " "))", env: env)
            #expect(ended.status == 0, "\(arguments): \(ended.err)")
        }
    }

    @Test func aRepositoryWithoutLibgit2IsToldOf() throws {
        let session = try makeSession()
        try session.makeRepository()
        let env = ["LD_LIBRARY_PATH": session.path("spoilt")]
        for command in ["plan", "run"] {
            let ended = try session.saturn(command, env: env)
            #expect(ended.status == 3)
            #expect(
                ended.err.hasPrefix("saturn: error: cannot read the git repository at ~: ~/spoilt/libgit2.so.1."),
                "\(ended.err)")
            #expect(
                ended.err.contains("\n  hint: install the library libgit2 1.")
                    && ended.err.contains(": apt-get install libgit2-1."), "\(ended.err)")
        }
        #expect(try session.saturn("plan").status == 0)
    }

    /// Reading a run file that is a pipe, a plan waits for its writer.
    @Test(arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)] as [(Int32, Int32)])
    func aSignalEndsAPlan(_ signal: Int32, _ status: Int32) throws {
        let session = try makeSession()
        try session.shell("mkfifo pipe")
        let plan = try session.background("plan", "pipe")
        plan.signal(signal)
        #expect(try plan.ended().status == status)
    }

    /// The signal to drain means nothing to a plan.
    @Test func aPlanIsNotDrained() throws {
        let session = try makeSession()
        try session.shell("mkfifo pipe")
        let plan = try session.background("plan", "pipe")
        // Once it reads, the writer's end can be opened; from then on it knows its signals.
        try session.shell("exec 3> pipe; kill -USR1 \(plan.pid); cat run.yaml >&3")
        let ended = try plan.ended()
        #expect(ended.status == 0, "\(ended.err)")
        #expect(ended.out.hasPrefix("light: 1 task\n"), "\(ended.out)")
    }
}

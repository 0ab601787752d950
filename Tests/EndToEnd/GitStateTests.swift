import Glibc
import Testing

/// Row 27 of faults.md: every state a repository can be in is either handled or refused with what to do.
@Suite(.ownThread) struct GitStateTests {
    private static let runFile = "name: git\ntasks:\n  - {name: a, command: cat data}\n"

    private func makeSession(repository: Bool) throws -> Session {
        let session = try Session()
        try session.write("run.yaml", Self.runFile)
        try session.write("data", "1\n")
        if repository { try session.makeRepository() }
        return session
    }

    /// Runs, and finds up to date what it ran.
    private func checkRuns(_ session: Session, in place: String = "", env: [String: String] = [:]) throws {
        let run = try session.saturn("run", in: place, env: env)
        #expect(run.status == 0, "\(run.err)")
        let plan = try session.saturn("plan", "--exit-code", in: place, env: env)
        #expect(plan.status == 0, "\(plan.out)")
    }

    /// What an edit of `data` makes of the plan.
    private func reasonAfterEdit(_ session: Session, in place: String = "") throws -> Set<String> {
        let folder = place.isEmpty ? "" : place + "/"
        try session.write("\(folder)data", "2\n")
        return try PlanJSON(session.saturn("plan", "--json", in: place)).reasons("run")
    }

    /// The library reads repositories; the program `git` is not needed.
    @Test func noGitInstalled() throws {
        let session = try makeSession(repository: true)
        session.makeFolder("bin")
        for program in ["sh", "cat"] {
            try session.shell("ln -s \"$(command -v \(program))\" bin/\(program)")
        }
        let env = ["PATH": session.path("bin")]
        #expect(try session.shell("command -v git", env: env).status != 0)
        try checkRuns(session, env: env)
        let commit = try session.git("rev-parse", "HEAD")
        #expect(try session.read("results/git/a/events").contains("    commit: \(commit)\n"))
        #expect(try reasonAfterEdit(session) == ["code: data changed (uncommitted)"])
    }

    @Test func noCommitYet() throws {
        let session = try makeSession(repository: false)
        try session.git("init", "--quiet")
        try checkRuns(session)
        let plan = try session.saturn("plan")
        #expect(
            plan.out == """
                git: 1 task
                  reuse    1  up to date (a)
                note: not tracked by git: data counts by content; other untracked files do not count

                """)
        #expect(!(try session.read("results/git/a/events")).contains("commit:"))
        #expect(try reasonAfterEdit(session) == ["code: data changed"])
    }

    @Test func bare() throws {
        let session = try makeSession(repository: false)
        try session.git("init", "--quiet", "--bare")
        try checkRuns(session)
        #expect(
            try session.saturn("plan").out.hasSuffix(
                "note: outside git data counts by content, and nothing that it reads; list such files under inputs\n"))
        #expect(try reasonAfterEdit(session) == ["code: data changed"])
    }

    @Test func shallow() throws {
        let session = try makeSession(repository: true)
        try session.write("data", "1.1\n")
        try session.commit("second")
        try session.git("clone", "--quiet", "--depth", "1", "file://" + session.folder, "clone")
        #expect(session.exists("clone/.git/shallow"))
        try checkRuns(session, in: "clone")
        #expect(try reasonAfterEdit(session, in: "clone") == ["code: data changed (uncommitted)"])
    }

    @Test func linkedWorkTree() throws {
        let session = try makeSession(repository: true)
        try session.git("worktree", "add", "--quiet", "other")
        try checkRuns(session, in: "other")
        #expect(session.exists("other/.saturn"))
        #expect(try reasonAfterEdit(session, in: "other") == ["code: data changed (uncommitted)"])
    }

    @Test(.enabled(if: geteuid() == 0, "NOT CHECKED: only root can give a repository to another user"))
    func ownedByAnotherUser() throws {
        let session = try makeSession(repository: true)
        try session.shell("chown -R 12345 .")
        for command in ["plan", "run"] {
            let transcript = try session.saturn(command)
            #expect(transcript.status == 2)
            #expect(
                transcript.err == """
                    saturn: error: git refuses to read ~: it is owned by another user
                      hint: git config --global --add safe.directory ~

                    """)
        }
        #expect(!session.exists("results"))
        // What the hint says to do helps.
        let home = session.space.path("home")
        let config = try session.space.run(
            ["git", "config", "--global", "--add", "safe.directory", session.folder],
            env: ["HOME": home, "GIT_CONFIG_GLOBAL": home + "/.gitconfig"])
        #expect(config.status == 0)
        try checkRuns(session)
        // So does not counting the code.
        try session.write("run.yaml", Self.runFile.replacing("data}", with: "data, code: none}"))
        let without = try session.saturn("run", env: ["HOME": session.space.path("tmp")])
        #expect(without.status == 0, "\(without.err)")
    }

    @Test func damaged() throws {
        let session = try makeSession(repository: true)
        try session.write(".git/HEAD", "nonsense\n")
        let run = try session.saturn("run")
        #expect(run.status == 2)
        #expect(run.err.hasPrefix("saturn: error: cannot read the git repository at ~: "), "\(run.err)")
        #expect(!session.exists("results"))
    }

    @Test func headMovesDuringTheRun() throws {
        let session = try makeSession(repository: false)
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        session.environment["HERE"] = here.path
        session.environment["GO"] = go.path
        try session.write(
            "run.yaml",
            """
            name: git
            executor: {class_spec: MultiprocessingExecutor, jobs: 1}
            tasks:
              - {name: a, command: echo here > $HERE; read line < $GO; cat data}
              - {name: b, command: echo b, code: none}

            """)
        try session.makeRepository()
        let run = try session.background("run")
        #expect(try here.line() == "here")
        try session.write("data", "2\n")
        try session.commit("moved")
        go.send()
        let ended = try run.ended()
        #expect(ended.status == 0)
        #expect(
            ended.err.contains(
                "saturn: warning: data changed while tasks ran: "
                    + "their results are kept, and not reused by the next run\n"), "\(ended.err)")
        #expect(try session.read("results/git/a/status") == "success")

        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.names("run") == ["a"])
        #expect(plan.names("reuse") == ["b"], "no code counts for b")
        // Also when HEAD is back where it was: what the task saw is not known.
        try session.git("reset", "--quiet", "--hard", "HEAD~1")
        let back = try PlanJSON(session.saturn("plan", "--json"))
        #expect(back.names("run") == ["a"])
        #expect(back.reasons("run") == ["code or an input changed while it ran"])
    }

    /// Committing what was there all along changes nothing that counts.
    @Test func headMovesToTheSameFiles() throws {
        let session = try makeSession(repository: false)
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        session.environment["HERE"] = here.path
        session.environment["GO"] = go.path
        try session.write(
            "run.yaml", "name: git\ntasks: [{name: a, command: echo here > $HERE; read line < $GO; cat data}]\n")
        try session.makeRepository()
        try session.write("data", "2\n")
        let run = try session.background("run")
        #expect(try here.line() == "here")
        try session.commit("what was there")
        go.send()
        let ended = try run.ended()
        #expect(ended.status == 0)
        #expect(!ended.err.contains("warning"), "\(ended.err)")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }
}

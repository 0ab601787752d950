import Glibc
import Testing

/// A run that changed nothing leaves behind what it stood on; the next one looks whether that is so still, and plans only
/// where it is not. Whatever is done in between, what is said and executed is what a plan would say.
@Suite(.ownThread) struct ShortcutTests {
    private static let file = """
        name: short
        defaults: {pass_env: [MODE], secrets: [TOKEN]}
        tasks:
          - {name: a, inputs: "data/*.txt", command: "cat data/*.txt > $RESULTS_DIR/x"}
          - {name: b, needs: [a], command: "cat $SATURN_NEEDS_A/x other tool"}
          - {name: c, workdir: place, command: "sh job.sh"}

        """

    private func makeSession(git: Bool = false) throws -> Session {
        let session = try Session()
        session.environment["MODE"] = "one"
        session.environment["TOKEN"] = "hidden"
        try session.write("run.yaml", Self.file)
        try session.write("data/one.txt", "1\n")
        try session.write("other", "")
        try session.write("tool", "")
        try session.write("place/job.sh", "echo job\n")
        if git {
            try session.write(".gitignore", "results\n")
            try session.makeRepository()
        }
        #expect(try saturn(session, "run").status == 0)
        return session
    }

    /// Another program does not believe what this one has left: all are the debug build, which tells of the shortcut.
    private func saturn(_ session: Session, _ arguments: String) throws -> Said {
        Said(try session.debugBuild(arguments, env: [:]))
    }

    private struct Said: Hashable {
        var out: String
        var err: String
        var status: Int32

        init(_ run: Transcript) {
            (out, err, status) = (run.out, run.err, run.status)
        }
    }

    /// Whether `saturn` goes past planning.
    private func isShort(_ session: Session, _ arguments: String) throws -> Bool {
        let steps = session.space.path("steps")
        unlink(steps)
        _ = try session.debugBuild(arguments, env: ["SATURN_TEST_STEPS": steps])
        guard session.exists(steps) else { return false }
        return try session.read(steps).contains("shortcut.taken")
    }

    /// What a plan says that has no trace to look at.
    private func plan(_ session: Session) throws -> Said {
        let copy = session.space.path("traces")
        let traces = session.path(".saturn/traces")
        guard rename(traces, copy) == 0 else { return try saturn(session, "plan") }
        defer { rename(copy, traces) }
        return try saturn(session, "plan")
    }

    @Test(arguments: [false, true]) func whatItSaysIsWhatAPlanSays(_ git: Bool) throws {
        let session = try makeSession(git: git)
        let long = try plan(session)
        #expect(long.out.contains("reuse    3  up to date (a, b, c)"))
        #expect(try saturn(session, "plan") == long)
        #expect(try isShort(session, "plan"))
        let first = try saturn(session, "run")
        #expect(try saturn(session, "run") == first)
        #expect(first.err == "short: 3 up to date\n")
        #expect(first.out == "short: 3 up to date (T)\nresults: ~/results/short\n")
        #expect(try isShort(session, "run"))
        #expect(try saturn(session, "status").out.contains("reused"))
        #expect(try saturn(session, "plan --exit-code").status == 0)
    }

    private static let edits: [String: @Sendable (Session) throws -> Void] = [
        "a comment": { try $0.write("run.yaml", file + "# more\n") },
        "a command": { try $0.write("run.yaml", file.replacing("sh job.sh", with: "sh -e job.sh")) },
        "an input": { try $0.write("data/one.txt", "2\n") },
        "another input": { try $0.write("data/two.txt", "2\n") },
        "a variable": { $0.environment["MODE"] = "two" },
        "no variable": { $0.environment["MODE"] = "" },
        "a script": { try $0.write("place/job.sh", "echo other\n") },
        "a script where there was none": { try $0.write("place/sh", "") },
        "a needed result": { try $0.write("results/short/a/results/x", "other\n") },
        "no status": { unlink("\($0.folder)/results/short/b/status") },
        "another status": { try $0.write("results/short/b/status", "failure") },
        "no folder": { rename("\($0.folder)/results/short/c", "\($0.folder)/c") },
        "no ledger": { unlink("\($0.folder)/.saturn/ledger.sqlite") },
        "no workdir": { rename("\($0.folder)/place", "\($0.folder)/gone") },
        "a link for a workdir": {
            rename("\($0.folder)/place", "\($0.folder)/real")
            symlink("real", "\($0.folder)/place")
        },
        "no secret": { $0.environment["TOKEN"] = "" },
    ]

    @Test(arguments: edits.keys.sorted()) func nothingIsMissed(_ edit: String) throws {
        let session = try makeSession()
        #expect(try isShort(session, "plan"))
        try Self.edits[edit]?(session)
        let long = try plan(session)
        #expect(try saturn(session, "plan") == long)
        #expect(try !isShort(session, "plan"))
        #expect(try !isShort(session, "run"))
    }

    @Test(arguments: [
        "git init -q", "rm -r .git", "echo 2 > tracked", "git rm -q --cached other",
        "git checkout -q -b more; git mv tool tools",
        "echo more > new",
    ])
    func nothingOfGitIsMissed(_ edit: String) throws {
        let session = try makeSession(git: edit != "git init -q")
        try session.shell("echo 1 > tracked; git add tracked || true; git commit -qm more || true")
        #expect(try saturn(session, "run").status == 0)
        #expect(try isShort(session, "plan"))
        try session.shell(edit)
        #expect(try saturn(session, "plan") == plan(session))
        #expect(try !isShort(session, "plan"))
    }

    /// A message is not code: the same tree under another commit is no change.
    @Test func aCommitOfTheSameTree() throws {
        let session = try makeSession(git: true)
        try session.shell("git commit -q --allow-empty -m more")
        #expect(try isShort(session, "run"))
    }

    @Test func aDamagedTraceIsNone() throws {
        let session = try makeSession()
        let folder = ".saturn/traces"
        let name = try session.names(".saturn/traces")[0]
        let whole = try session.bytes("\(folder)/\(name)")
        for position in stride(from: 0, to: whole.count, by: whole.count / 6) {
            var bytes = whole
            bytes[position] ^= 4
            try session.write("\(folder)/\(name)", bytes: bytes)
            #expect(try saturn(session, "plan").out.contains("reuse    3  up to date"))
            try session.write("\(folder)/\(name)", bytes: Array(whole.prefix(position)))
            #expect(try saturn(session, "plan").out.contains("reuse    3  up to date"))
        }
        try session.write("\(folder)/\(name)", bytes: whole)
        #expect(try isShort(session, "plan"))
    }

    /// Whoever changes what is known of the results: another run in the same folder, `accept`, `gc`.
    @Test func whatOthersDoIsNoticed() throws {
        let session = try makeSession()
        try session.write("run.yaml", Self.file.replacing("sh job.sh", with: "sh -e job.sh"))
        #expect(try saturn(session, "accept c").status == 0)
        try session.write("run.yaml", Self.file)
        #expect(try !isShort(session, "plan"))
        #expect(try isShort(session, "run") == false)
        #expect(try isShort(session, "run"))
        let again =
            "name: other\nresults: {class_spec: LocalDir, directory: results/short}\ntasks: [{name: c, command: echo other}]\n"
        try session.write("other.yaml", again)
        #expect(try saturn(session, "run other.yaml").status == 0)
        #expect(try !isShort(session, "plan"))
    }

    @Test func moreThanAPlanOfAllIsPlanned() throws {
        let session = try makeSession()
        for option in ["--force", "--json", "--require-clean", "--only=a", "--name=other", "--set=executor.jobs=1"] {
            #expect(try !isShort(session, "plan \(option)"), "\(option)")
        }
        #expect(try isShort(session, "run -j1"))
    }
}

import Testing

/// What runs again as a project changes, step by step, and that the plan knew it.
@Suite(.ownThread) struct HistoryTests {
    @Test func inARepository() throws {
        let history = try History(command: { "echo \($0) >> $RAN; echo \($0) > $RESULTS_DIR/out" })
        let all = history.labels
        try history.session.write("model.py", "rate = 1\n")
        try history.session.makeRepository()

        try history.step("first run", runs: all, because: "new")
        try history.step("rerun")

        let inode = try history.results("t05")
        try history.edit("echo t05 >> $RAN;", "echo t05 >> $RAN; true;")
        try history.step(
            "one command edited", runs: ["t05"], because: "command: $RAN; → $RAN; true;")
        #expect(try history.results("t05") != inode)
        try history.edit("echo t05 >> $RAN; true;", "echo t05 >> $RAN;")
        try history.step("that edit undone", restores: ["t05"])
        #expect(try history.results("t05") == inode, "a restore renames, and copies nothing")
        try history.edit("echo t05 >> $RAN;", "echo t05 >> $RAN; true;")
        try history.step("that edit made again", restores: ["t05"])

        try history.edit("t06 > $RESULTS_DIR/out", "t06 > $RESULTS_DIR/out\n    env: {LR: \"0.10\"}")
        try history.step("env of one task edited", runs: ["t06"], because: "env LR: not set → 0.10")

        try history.session.write("model.py", "rate = 2\n")
        try history.session.commit("another rate")
        try history.step("a commit", runs: all, because: "code: model.py changed")

        let inodes = try all.map(history.results)
        try history.session.write("model.py", "rate = 3\n")
        try history.step(
            "an uncommitted edit of a tracked file", runs: all, because: "code: model.py changed (uncommitted)")
        try history.session.write("model.py", "rate = 2\n")
        try history.step("that edit undone", restores: all)
        #expect(try all.map(history.results) == inodes, "restores rename, and copy nothing")

        try history.session.write("model.py", "rate = 3\n")
        try history.session.commit("a third rate")
        try history.step("the edit made again and committed", restores: all)
        let commit = try history.session.git("rev-parse", "HEAD")
        try history.session.git("commit", "--quiet", "--amend", "--message", "the best rate")
        #expect(try history.session.git("rev-parse", "HEAD") != commit)
        try history.step("the commit amended")

        try history.session.append("run.yaml", History.task("t21", "echo t21 >> $RAN"))
        try history.session.commit("one more task")
        try history.step("a task appended to the tracked run file and committed", runs: ["t21"], because: "new")
        try history.session.append("run.yaml", "# the end\n")
        try history.step("a comment in it")

        try history.edit("- name: t03\n", "- name: third\n")
        try history.moveToTheEnd("t04")
        try history.step("a task renamed, another one moved to the end", restores: ["third"])
        #expect(!history.session.exists("results/sweep/t03"))
        #expect(try history.session.read("results/sweep/third/results/out") == "t03\n")

        let edited = try history.session.read("run.yaml")
        try history.edit("echo t07 >> $RAN;", "echo t07 >> $RAN; exit 3;")
        try history.step(
            "one command changed so that it fails", runs: ["t07"], because: "command: $RAN; → $RAN; exit 3;",
            fails: true)
        for time in ["first", "second"] {
            try history.step(
                "its \(time) rerun", runs: ["t07"], because: "failed before (exit code 3)", fails: true)
        }
        try history.session.write("run.yaml", edited)
        try history.step("changed back", restores: ["t07"])

        try history.session.remove("results/sweep/t08")
        try history.step("a task's folder deleted", runs: ["t08"], because: "its folder was deleted")
        try history.session.remove("results/sweep/t09/status")
        try history.step("only its status deleted", runs: ["t09"], because: "its status was deleted")
        try history.step("rerun")
    }

    @Test func outsideARepository() throws {
        let history = try History(command: { "sh job.sh \($0)" })
        try history.session.write("job.sh", "echo $1 >> $RAN\n")
        try history.step("first run", runs: history.labels, because: "new")
        try history.step("rerun")
        try history.session.write("job.sh", "echo $1 >> $RAN # again\n")
        try history.step("the script edited", runs: history.labels, because: "code: job.sh changed")
        try history.session.write("job.sh", "echo $1 >> $RAN\n")
        try history.step("that edit undone", restores: history.labels)
    }
}

/// A run file of twenty tasks, each of which appends its label to a file outside the layout.
private final class History {
    static let folder = "results/sweep"

    let session: Session
    let labels = (1...20).map { ($0 < 10 ? "t0" : "t") + "\($0)" }
    /// Lines of the file that have been looked at.
    private var seen = 0

    init(command: (String) -> String) throws {
        session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try session.space.write("ran", "")
        let tasks = labels.map { Self.task($0, command($0)) }
        try session.write("run.yaml", "name: sweep\ntasks:\n" + tasks.joined())
    }

    static func task(_ name: String, _ command: String) -> String { "  - name: \(name)\n    command: \(command)\n" }

    func edit(_ old: String, _ new: String) throws { try session.replace(old, new, in: "run.yaml") }

    func moveToTheEnd(_ name: String) throws {
        let entries = try session.read("run.yaml").split(separator: "  - name: ", omittingEmptySubsequences: false)
        let moved = entries.filter { $0.hasPrefix("\(name)\n") }
        guard moved.count == 1 else { throw SessionProblem("there is no one task \(name)") }
        let others = entries.filter { !$0.hasPrefix("\(name)\n") }
        try session.write("run.yaml", (others + moved).joined(separator: "  - name: "))
    }

    /// The inode of what a task wrote.
    func results(_ task: String) throws -> UInt64 { try session.inode("\(Self.folder)/\(task)/results/out") }

    /// Plans, checks that the plan is right and changed nothing, runs, and checks which tasks ran.
    func step(
        _ what: Comment, runs: [String] = [], restores: [String] = [], because reason: String = "", fails: Bool = false,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        try checkPlan(what, runs, restores, reason, location)
        let run = try session.saturn("run")
        #expect(run.status == (fails ? 1 : 0), "\(what): \(run.err)", sourceLocation: location)
        #expect(try ran() == runs, what, sourceLocation: location)
        let opening = run.err.prefix { $0 != "\n" }
        for (count, word) in [(runs.count, "to run"), (restores.count, "restored")] where count > 0 {
            #expect(opening.contains("\(count) \(word)"), what, sourceLocation: location)
        }
        if !runs.isEmpty { #expect(opening.hasSuffix(": \(reason)"), what, sourceLocation: location) }
        let after = try session.saturn("plan", "--exit-code")
        #expect(after.status == (fails ? 6 : 0), "\(what): \(after.out)", sourceLocation: location)
    }

    private func checkPlan(
        _ what: Comment, _ runs: [String], _ restores: [String], _ reason: String, _ location: SourceLocation
    ) throws {
        let before = try session.listing()
        let transcript = try session.saturn("plan", "--json")
        let text = try session.saturn("plan")
        let changed = difference(before, try session.listing())
        #expect(changed == [], what, sourceLocation: location)
        #expect(transcript.status == 0 && text.status == 0, "\(what): \(transcript.err)", sourceLocation: location)
        let plan = try PlanJSON(transcript)
        #expect(plan.names("run").sorted() == runs, what, sourceLocation: location)
        #expect(plan.names("restore").sorted() == restores, what, sourceLocation: location)
        #expect(
            plan.names("reuse").count == plan.tasks.count - runs.count - restores.count, what,
            sourceLocation: location)
        #expect(plan.tasks.count >= 20, what, sourceLocation: location)
        guard !runs.isEmpty else { return }
        #expect(plan.reasons("run") == [reason], what, sourceLocation: location)
        #expect(text.out.contains("  \(reason) ("), "\(what): \(text.out)", sourceLocation: location)
    }

    /// The labels of the tasks that have run since the last look, sorted; one that ran twice is there twice.
    private func ran() throws -> [String] {
        let lines = try session.read(session.space.path("ran")).split(separator: "\n").map(String.init)
        defer { seen = lines.count }
        return lines[seen...].sorted()
    }
}

import Glibc
import Testing

/// A file is edited while a task runs, the task reads it, and the edit is undone before saturn looks.
@Suite(.ownThread) struct UndoneEditTests {
    enum Place: String, CaseIterable {
        case input, linkedInput, code, namedCode, script
    }

    enum Way: String, CaseIterable {
        case inPlace, byRename
    }

    private func makeSession(_ place: Place) throws -> Session {
        let session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try session.write("x", "A\n")
        if place == .linkedInput {
            try session.shell("mkdir in && ln -s ../x in/x")
        }
        let counts =
            switch place {
            case .input: "code: none, inputs: x"
            case .linkedInput: "inputs: in"
            case .code: "code: commit"
            case .namedCode: "code: [x]"
            // Outside git the first file of the command counts.
            case .script: "env: {V: 1}"
            }
        try session.write(
            "run.yaml",
            """
            name: undone
            tasks:
              - {name: a, \(counts), command: 'eval "${BEFORE:-:}"; cat x > $RESULTS_DIR/x; eval "${AFTER:-:}"; echo a >> $RAN'}
              - {name: b, code: none, command: echo b >> $RAN}

            """)
        if place != .script {
            try session.write(".gitignore", place == .linkedInput ? "results\nin\nx\n" : "results\n")
            try session.makeRepository()
        }
        // A file has the time of the kernel's last tick.
        usleep(60_000)
        return session
    }

    private func write(_ text: String, _ way: Way) -> String {
        way == .inPlace ? "echo \(text) > x" : "echo \(text) > new; mv new x"
    }

    @Test(arguments: Place.allCases, Way.allCases) func isNotReused(_ place: Place, _ way: Way) throws {
        let session = try makeSession(place)
        let run = try session.saturn("run", env: ["BEFORE": write("B", way), "AFTER": write("A", way)])
        #expect(run.status == 0)
        #expect(run.err.contains("x was written to while tasks ran, and is again what it was: "), "\(run.err)")
        #expect(try session.read("results/undone/a/results/x") == "B\n")
        #expect(try session.read("x") == "A\n")
        let plan = try PlanJSON(session.saturn("plan", "--json"))
        #expect(plan.tasks.map(\.action) == ["run", "reuse"])
        #expect(plan.tasks[0].reason == "code or an input changed while it ran")
        let again = try session.saturn("run")
        #expect(again.status == 0 && !again.err.contains("warning"), "\(again.err)")
        #expect(try session.read("results/undone/a/results/x") == "A\n")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        #expect(try session.read(session.space.path("ran")).split(separator: "\n").sorted() == ["a", "a", "b"])
    }

    /// `saturn accept` is for those who know that the write was none.
    @Test func canBeAccepted() throws {
        let session = try makeSession(.input)
        try session.saturn("run", env: ["AFTER": "touch x"])
        #expect(try session.saturn("plan", "--exit-code").status == 6)
        #expect(try session.saturn("accept", "a").status == 0)
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }

    /// A command that makes its program executable, or leaves a lock file beside its data for a while.
    @Test(arguments: ["chmod 755 x", "touch in/lock; rm in/lock", "cp -l x twin; rm twin"])
    func isNoWrite(_ what: String) throws {
        let session = try makeSession(.linkedInput)
        let run = try session.saturn("run", env: ["BEFORE": what])
        #expect(run.status == 0 && !run.err.contains("warning"), "\(run.err)")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
    }
}

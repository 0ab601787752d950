import Foundation
import Testing

/// `saturn why`: a transcript for every field that decides.
@Suite(.ownThread) struct WhyTests {
    private func makeSession(_ tasks: String, repository: Bool = false) throws -> Session {
        let session = try Session()
        try session.write("run.yaml", "name: w\ntasks:\n\(tasks)")
        if repository { try session.makeRepository() }
        return session
    }

    /// The output with what differs from test to test named: keys, attempts, commits.
    static func shown(_ text: String) -> String {
        var text = text
        for (pattern, word) in [
            (#"[0-9a-f]{64}"#, "KEY"), (#"attempt [0-9a-f]{8}\b"#, "attempt ID"), (#"\b[0-9a-f]{12}\b"#, "HEX"),
        ] {
            text = text.replacingOccurrences(of: pattern, with: word, options: .regularExpression)
        }
        return text
    }

    private func why(
        _ session: Session, _ arguments: String..., env: [String: String] = [:]
    ) throws -> String {
        let line = "saturn why " + arguments.map { "'\($0)'" }.joined(separator: " ")
        let transcript = try session.shell(line, env: env)
        #expect(transcript.status == 0, "\(transcript.err)")
        #expect(transcript.err == "")
        return Self.shown(transcript.out)
    }

    /// Runs, edits, and gives the lines that say what has changed of task `a`. What `plan` says is the same.
    private func changes(
        _ session: Session, env: [String: String] = [:], later: [String: String]? = nil, _ edit: () throws -> Void
    ) throws -> [String] {
        #expect(try session.saturn("run", env: env).status == 0)
        try edit()
        let text = try why(session, "a", env: later ?? env)
        var lines = text.split(separator: "\n").map(String.init)
        #expect(lines.first == "a: run")
        #expect(lines.popLast() == "  key: KEY")
        #expect(lines.popLast()?.hasPrefix("  against attempt ID of TIME, ") == true, "\(text)")
        let phrases = lines.dropFirst().map { String($0.dropFirst(2)) }
        let plan = try PlanJSON(session.saturn("plan", "--json", env: later ?? env))
        // Which names three of a kind.
        if phrases.allSatisfy({ $0.split(separator: ",").count <= 3 }) {
            let reason = plan.tasks.first { $0.name == "a" }?.reason
            #expect(reason.map(Self.shown) == phrases.joined(separator: ", "))
        }
        return phrases
    }

    // MARK: Every field

    @Test func command() throws {
        let session = try makeSession("  - {name: a, code: none, command: echo --lr 0.8 -v}\n")
        #expect(
            try changes(session) { try session.replace("0.8", "0.9", in: "run.yaml") } == [
                "command: --lr 0.8 → --lr 0.9"
            ])
        #expect(
            try why(session, "a") == """
                a: run
                  command: --lr 0.8 → --lr 0.9
                  against attempt ID of TIME, key HEX
                  key: KEY

                """)
    }

    /// What the command has of them goes without saying.
    @Test func parameters() throws {
        let session = try makeSession(
            "  - {name: a, code: none, command: 'echo {lr} {seed}', sweep: {grid: {lr: [0.1], seed: [1]}}}\n")
        #expect(
            try changes(session) { try session.replace("lr: [0.1]", "lr: [0.2]", in: "run.yaml") } == [
                "params lr: 0.1 → 0.2"
            ])
    }

    @Test func variables() throws {
        let session = try makeSession("  - {name: a, code: none, command: 'true', env: {LR: 0.5}, pass_env: [GPU]}\n")
        let found = try changes(session, env: ["GPU": "0"], later: ["GPU": "1"]) {
            try session.replace("0.5", "0.6", in: "run.yaml")
        }
        #expect(found == ["env LR: 0.5 → 0.6", "pass_env GPU: 0 → 1"])
    }

    @Test func workdir() throws {
        let session = try makeSession("  - {name: a, code: none, command: 'true'}\n")
        session.makeFolder("sub")
        #expect(
            try changes(session) { try session.replace("code:", "workdir: sub, code:", in: "run.yaml") } == [
                "workdir: . → sub"
            ])
    }

    @Test func inputs() throws {
        let session = try makeSession("  - {name: a, code: none, command: 'true', inputs: [x.csv, 'y/*', data]}\n")
        for name in ["x.csv", "y/1", "y/2", "data/train.csv", "data/deep/old"] { try session.write(name, "1\n") }
        let found = try changes(session) {
            try session.write("x.csv", "2\n")
            try session.remove("y/1")
            try session.write("y/3", "1\n")
            try session.write("data/train.csv", "2\n")
            try session.remove("data/deep/old")
        }
        #expect(
            found == [
                "inputs: data/deep/old removed, data/train.csv changed, x.csv changed, y/3 added, y/1 removed"
            ])
    }

    @Test func codeInTheFolder() throws {
        let session = try makeSession("  - {name: a, command: sh job.sh}\n")
        try session.write("job.sh", "true\n")
        #expect(try changes(session) { try session.write("job.sh", "true # \n") } == ["code: job.sh changed"])
    }

    @Test func codeThatIsNotCommitted() throws {
        let session = try makeSession("  - {name: a, command: 'true'}\n")
        try session.write("lib/model.py", "1\n")
        try session.makeRepository()
        #expect(
            try changes(session) { try session.write("lib/model.py", "2\n") } == [
                "code: lib/model.py changed (uncommitted)"
            ])
    }

    @Test func codeThatIsCommitted() throws {
        let session = try makeSession("  - {name: a, command: 'true'}\n")
        for name in ["a.py", "b.py"] { try session.write("lib/\(name)", "1\n") }
        try session.makeRepository()
        let found = try changes(session) {
            try session.write("lib/a.py", "2\n")
            try session.git("rm", "--quiet", "lib/b.py")
            try session.write("lib/c.py", "1\n")
            try session.git("add", "lib/c.py")
            try session.commit("more")
        }
        #expect(found == ["code: lib/a.py changed, lib/b.py removed, lib/c.py added"])
    }

    /// What was there while nothing was committed is told from what is there now.
    @Test func codeThatWasNotCommittedThen() throws {
        let session = try makeSession("  - {name: a, command: 'true'}\n")
        for name in ["a.py", "b.py"] { try session.write("lib/\(name)", "1\n") }
        try session.makeRepository()
        try session.write("lib/a.py", "2\n")
        let found = try changes(session) {
            try session.commit("what was there")
            try session.write("lib/b.py", "2\n")
        }
        #expect(found == ["code: lib/b.py changed (uncommitted)"])
    }

    @Test func aCommitThatCounts() throws {
        let session = try makeSession("  - {name: a, code: commit-id, command: 'true'}\n", repository: true)
        let found = try changes(session) { try session.git("commit", "--quiet", "--allow-empty", "-m", "again") }
        #expect(found.count == 1)
        #expect(found.first?.wholeMatch(of: /code: commit HEX → HEX/) != nil, "\(found)")
    }

    @Test func needs() throws {
        let session = try makeSession(
            """
              - {name: a, code: none, needs: [prep-1], command: 'true'}
              - {name: prep-1, code: none, command: echo 1 > $RESULTS_DIR/data.csv}
              - {name: other, code: none, command: 'true'}

            """)
        #expect(
            try changes(session) { try session.write("results/w/prep-1/results/data.csv", "2\n") } == [
                "needs: results of prep-1 changed (data.csv)"
            ])
        #expect(
            try changes(session) { try session.replace("[prep-1]", "[other]", in: "run.yaml") } == [
                "needs: other added, prep_1 removed"
            ])
    }

    @Test func theNamesThatTheCommandMentions() throws {
        let session = try makeSession("  - {name: a, code: none, command: 'echo $SATURN_RUN'}\n")
        #expect(try session.saturn("run").status == 0)
        try session.replace("name: w", "name: w2\nresults: {class_spec: LocalDir, path: results/w}", in: "run.yaml")
        #expect(
            try why(session, "a") == """
                a: run
                  context SATURN_RUN: w → w2
                  against attempt ID of TIME, key HEX
                  key: KEY

                """)
    }

    // MARK: Everything else

    @Test func whatIsUpToDate() throws {
        let session = try makeSession("  - {name: a, command: 'true'}\n", repository: true)
        #expect(try session.saturn("run").status == 0)
        #expect(
            try why(session, "a") == """
                a: reuse: up to date
                  attempt ID of TIME, commit HEX
                  key: KEY

                """)
    }

    @Test func otherReasons() throws {
        let session = try makeSession(
            """
              - {name: a1, code: none, command: exit 3}
              - {name: a2, code: none, needs: [a1], command: 'true'}
              - {name: b, code: none, command: echo b}

            """)
        #expect(
            try why(session, "a*") == """
                a1: run: new
                  key: KEY
                a2: run: new

                """)
        #expect(try session.saturn("run").status == 1)
        #expect(
            try why(session, "a1") == """
                a1: run: failed before (exit code 3)
                  against attempt ID of TIME, key HEX
                  key: KEY

                """)
        try session.replace("echo b", "echo bb", in: "run.yaml")
        #expect(try session.saturn("run", "--only", "b").status == 0)
        try session.replace("echo bb", "echo b", in: "run.yaml")
        #expect(
            try why(session, "b") == """
                b: restore: from the attic
                  attempt ID of TIME
                  key: KEY

                """)
    }

    /// The result is gone, and what it was made of is known.
    @Test func aResultThatWasDeleted() throws {
        let session = try makeSession("  - {name: a, code: none, command: echo 1}\n")
        #expect(
            try changes(session) {
                try session.remove("results/w/a")
                try session.replace("echo 1", "echo 2", in: "run.yaml")
            } == ["command: echo 1 → echo 2"])
    }

    @Test func inJSON() throws {
        let session = try makeSession("  - {name: a, command: echo 1, inputs: [data]}\n")
        try session.write("data/x", "1\n")
        #expect(try session.saturn("run").status == 0)
        try session.replace("echo 1", "echo 2", in: "run.yaml")
        try session.write("data/x", "2\n")
        let transcript = try session.saturn("why", "a", "--json")
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(transcript.rawOut)) as? [String: Any])
        #expect(document["version"] as? Int == 1)
        #expect(document["run"] as? String == "w")
        let task = try #require((document["tasks"] as? [[String: Any]])?.first)
        #expect(task["action"] as? String == "run")
        #expect((task["key"] as? String)?.count == 64)
        #expect(task["result"] is NSNull)
        let against = try #require(task["against"] as? [String: Any])
        #expect((against["attempt"] as? String)?.count == 36)
        #expect(against["task"] as? String == "a")
        let changes = try #require(task["changes"] as? [[String: Any]])
        #expect(changes.map { $0["field"] as? String } == ["command", "inputs.data"])
        let files = changes.last?["files"] as? [[String: Any]]
        #expect(files?.map { $0["path"] as? String } == ["x"])
        #expect(files?.map { $0["change"] as? String } == ["changed"])
    }

    // MARK: Which run file

    @Test func theFileIsFoundByTheRun() throws {
        let session = try makeSession("")
        try session.remove("run.yaml")
        try session.write("one.yaml", "name: one\ntasks: [{name: a, code: none, command: echo 1}]\n")
        try session.write("two.yaml", "- {name: b, code: none, command: echo 1}\n")
        #expect(try session.saturn("run", "one.yaml", "two.yaml", "--name", "x").status == 0)
        for arguments in [["b"], ["b", "--name", "x"], ["b", "--name", "one"]] {
            let line = "saturn why \(arguments.joined(separator: " "))"
            #expect(try session.shell(line).out.hasPrefix("b: reuse: up to date\n"), "\(arguments)")
        }
        let named = try session.saturn("why", "b", "--file", "one.yaml", "--tasks", "two.yaml", "--name", "x")
        #expect(named.out.hasPrefix("b: reuse: up to date\n"))
        let other = try session.saturn("why", "a", "--file", "one.yaml")
        #expect(other.out.hasPrefix("a: restore: "), "another run, which has no result of its own: \(other.out)")
    }

    @Test func whatThereIsNot() throws {
        let session = try makeSession("  - {name: train, code: none, command: 'true'}\n")
        let wrong = try session.saturn("why", "trian")
        #expect(wrong.status == 2)
        #expect(wrong.err == "saturn: error: run 'w' has no task 'trian'\n  hint: did you mean 'train'?\n")
        #expect(try session.saturn("why").status == 2)
        #expect(try session.saturn("why", "train", "--file", "none.yaml").status == 2)
        #expect(!session.exists(".saturn"), "looking leaves no trace")
    }
}

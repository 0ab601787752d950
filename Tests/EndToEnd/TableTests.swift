import Engines
import Foundation
import Glibc
import Testing

/// `saturn table`: of runs that have ended, of one that goes on, of one that was killed.
@Suite(.ownThread) struct TableTests {
    private static let metrics = "> \"$RESULTS_DIR/metrics.json\""

    private func makeSweep() throws -> Session {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: mix
            defaults: {code: none}
            tasks:
              - name: "t-{lr}-{model}"
                command: |
                  echo '{"loss": {lr:raw}, "val": {"acc": [0.5, 1]}, "lr": 7, "d": NaN}' \(Self.metrics)
                  case {lr} in 0.3) exit 3;; 0.4) exec sleep 100;; 0.5) kill -9 $$;; esac
                timeout: 2s
                sweep: {grid: {lr: [0.10, 0.3, 0.4, 0.5], model: ["a | b"]}}
              - {name: after, command: echo after, needs: ["t-0.3*"]}
              - {name: bad json, command: 'echo nope \(Self.metrics)'}
              - {name: large, command: 'head -c 2000000 /dev/zero \(Self.metrics)'}
              - {name: none, command: 'true'}

            """)
        return session
    }

    private func rows(_ transcript: Transcript) throws -> [[String: Any]] {
        let document = try JSONSerialization.jsonObject(with: Data(transcript.rawOut)) as? [String: Any]
        guard document?["version"] as? Int == 1, let tasks = document?["tasks"] as? [[String: Any]] else {
            throw SessionProblem("no document of tasks: \(transcript.out)")
        }
        return tasks
    }

    @Test func everyWayToEnd() throws {
        let session = try makeSweep()
        #expect(try session.saturn("run").status == 1)
        let columns = "task,lr,model,state,cause,loss,val.acc,metrics.lr,d"
        let table = try session.saturn("table", "--columns", columns)
        #expect(table.status == 0)
        #expect(
            table.out == """
                task            lr  model  state      cause                loss  val.acc  metrics.lr    d
                t-0.10-a | b  0.10  a | b  succeeded                       0.10  [0.5,1]           7  NaN
                t-0.3-a | b    0.3  a | b  failed     exit code 3           0.3  [0.5,1]           7  NaN
                t-0.4-a | b    0.4  a | b  failed     timed out after 2 s   0.4  [0.5,1]           7  NaN
                t-0.5-a | b    0.5  a | b  failed     signal 9              0.5  [0.5,1]           7  NaN
                after                      blocked
                bad json                   succeeded
                large                      succeeded
                none                       succeeded

                """)
        #expect(
            table.err == """
                saturn: warning: 'bad json': results/metrics.json: no JSON object: expected an object at byte 1
                saturn: warning: 'large': results/metrics.json: larger than 1 MB, not read

                """)
        let rows = try rows(session.saturn("table", "--json"))
        #expect(rows.count == 8)
        #expect(
            rows[0]["lr"] as? Double == 0.1 && rows[0]["model"] as? String == "a | b"
                && rows[0]["d"] as? String == "NaN")
        #expect(rows[0]["val.acc"] as? [Double] == [0.5, 1] && rows[0]["cause"] is NSNull && rows[4]["lr"] is NSNull)
        let slow = try #require(rows[2]["duration"] as? Double)
        #expect(slow >= 2 && slow < 240)
        let markdown = try session.saturn("table", "t-0.10*", "--markdown", "--columns", "task,lr")
        #expect(markdown.out == "| task | lr |\n| --- | ---: |\n| t-0.10-a \\| b | 0.10 |\n" && markdown.err == "")
        let csv = try session.saturn("table", "--csv", "--where", "loss>0.3", "--sort=-loss", "--columns", "task,loss")
        #expect(String(decoding: csv.rawOut, as: UTF8.self) == "task,loss\r\nt-0.5-a | b,0.5\r\nt-0.4-a | b,0.4\r\n")
    }

    @Test func whatIsWrong() throws {
        let session = try makeSweep()
        #expect(try session.saturn("table").status == 2)
        #expect(try session.saturn("run", "--only", "none").status == 0)
        for (arguments, message) in [
            (
                ["--where", "stat=failed"],
                "there is no column 'stat'\n  hint: did you mean 'state'? there are task, lr,"
            ),
            (
                ["--sort", "-los"],
                "there is no column 'los'\n  hint: there are task, lr, model, state, cause, duration, commit"
            ),
            (["--columns", "task,modle"], "there is no column 'modle'\n  hint: did you mean 'model'?"),
            (["--where", "state"], "--where 'state' compares nothing\n  hint: write a column"),
            (["t-0.10-a"], "run 'mix' has no task 't-0.10-a'"),
            (["--name", "mixx"], "there is no run named 'mixx'\n  hint: did you mean 'mix'?"),
        ] {
            let table = try session.saturn(["table"] + arguments)
            #expect(table.status == 2 && table.out == "")
            #expect(table.err.contains("saturn: error: " + message), "\(table.err)")
        }
        for arguments in [["--csv", "--json"], ["--metrics", "../x"], ["--metrics", "/etc/passwd"]] {
            #expect(try session.saturn(["table"] + arguments).status == 2)
        }
        #expect(try session.shell("saturn table --csv | true; echo ${?}").err == "")
    }

    /// Another folder, another name, another file; a result that was left out, and one that was copied.
    @Test func ofRunsThatHaveResultsAlready() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: one
            tasks:
              - {name: "t-{x}", command: 'sleep 0.2; echo "{\\"loss\\": {x}}" > $RESULTS_DIR/m.json', sweep: {grid: {x: [1, 2]}}}

            """)
        try session.write("notes", "one\n")
        try session.makeRepository()
        try session.append("notes", "two\n")
        #expect(try session.saturn("run").status == 0)
        #expect(try session.saturn("run", "--name", "two").status == 0)
        try session.replace("{x: [1, 2]}", "{x: [1, 2, 3]}", in: "run.yaml")
        #expect(try session.saturn("run", "--only", "t-3").status == 0)
        session.makeFolder("below")
        let commit = try session.git("rev-parse", "HEAD").prefix(12)
        for (arguments, states) in [
            (["--name", "one"], ["excluded", "excluded", "succeeded"]),
            (["../run.yaml"], ["excluded", "excluded", "succeeded"]),
            (["--name", "two"], ["restored", "restored"]),
        ] {
            let table = try rows(
                session.shell(
                    "cd below && saturn table --json --metrics m.json \(arguments.joined(separator: " "))"))
            #expect(table.map { $0["state"] as? String } == states)
            #expect(table.map { $0["loss"] as? Int } == Array([1, 2, 3].prefix(states.count)))
            #expect(table.map { $0["x"] as? Int } == Array([1, 2, 3].prefix(states.count)))
            #expect(table.allSatisfy { $0["commit"] as? String == "\(commit)+" })
            // Of the attempt that has made it, not of the copy.
            #expect(table.allSatisfy { $0["duration"] as? Double ?? 0 > 0.1 }, "\(table)")
        }
        // The ledger of an earlier saturn has the parameters of what has run alone.
        try session.sqlite("DROP TABLE parameter; DELETE FROM grdb_migrations WHERE identifier = 'v6'")
        let old = try session.saturn("table", "--name", "two", "--metrics", "m.json", "--columns", "task,x,loss")
        #expect(old.out == "task  x  loss\nt-1   1     1\nt-2   2     2\n")
    }

    @Test func whileItRunsAndAfterItWasKilled() throws {
        let stage = try Stage()
        try stage.session.write(
            "run.yaml",
            """
            name: stage
            executor: {class_spec: MultiprocessingExecutor, jobs: 1}
            defaults: {code: none}
            tasks:
              - name: "t-{x}"
                command: |
                  echo '{"epoch": 5}' > "$RESULTS_DIR/metrics.json"
                  \(Stage.wait)
                sweep: {grid: {x: ["0.10", "two words"]}}

            """)
        let (run, pids) = try stage.start(waiting: 1)
        let expected =
            "task         x          state    epoch\nt-0.10       0.10       running      5\nt-two words  two words  waiting\n"
        func table() throws -> String { try stage.session.saturn("table", "--columns", "task,x,state,epoch").out }
        try waitUntil("the ledger knows that it runs") { try table().contains("running") }
        #expect(try table() == expected)
        try stage.kill(run)
        #expect(try table() == expected)
        for pid in pids { kill(pid, SIGKILL) }
    }
}

@Suite(.ownThread, .enabled(if: S3Server.missing == nil, Comment(rawValue: S3Server.missing ?? "")))
struct S3TableTests {
    @Test func inABucket() throws {
        let stage = try S3Stage()
        let write = "> $RESULTS_DIR/metrics.json"
        try stage.write(
            """

              - {name: "t-{x}", command: 'echo "{\\"loss\\": 0.{x}}" \(write); test {x} != 3', sweep: {grid: {x: [1, 2, 3]}}}
              - {name: large, command: 'head -c 2000000 /dev/zero \(write)'}
              - {name: after, command: 'true', needs: [t-3]}
            """)
        #expect(try stage.session.saturn("run").status == 1)
        let shown = """
            task   x  state      cause        loss
            t-1    1  succeeded                0.1
            t-2    2  succeeded                0.2
            t-3    3  failed     exit code 1   0.3
            large     succeeded
            after     blocked

            """
        let table = try stage.session.saturn("table", "--columns", "task,x,state,cause,loss")
        #expect(table.out == shown)
        #expect(table.err == "saturn: warning: 'large': results/metrics.json: larger than 1 MB, not read\n")
        // What another run has superseded is where it was moved to.
        try stage.session.replace("0.{x}", "0.{x}5", in: "run.yaml")
        #expect(try stage.session.saturn("run", "--only", "t-1").status == 0)
        #expect(try stage.session.saturn("table", "t-*", "--columns", "loss").out == "loss\n0.15\n 0.2\n 0.3\n")
    }
}

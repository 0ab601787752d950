import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// A server that fails, goes away or loses what it had; and a saturn that is killed.
@Suite(.ownThread, .enabled(if: S3Server.missing == nil, Comment(rawValue: S3Server.missing ?? "")))
struct S3FaultTests {
    static let sweep = """
        [{name: "t-{i}", command: "echo t-{i} >> $RAN; echo log {i}; echo {i} > $RESULTS_DIR/v", sweep: {grid: {i: {range: [1, COUNT]}}}}]
        """

    static func names(_ count: Int) -> [String] { (1...count).map { "t-\($0)" }.sorted() }

    /// What stands in the bucket is whole, task by task.
    func check(_ stage: S3Stage, _ count: Int) throws {
        let answer = try stage.boto3(
            """
            names = keys("stage/")
            bad = []
            for i in range(1, \(count) + 1):
                own = [k for k in names if k.startswith(f"stage/t-{i}/")]
                log = [k for k in own if "/log/" in k]
                whole = (len(own) == 4 and read(f"stage/t-{i}/status") == b"success"
                    and b"".join(map(read, log)) == b"log %d\\n" % i and read(f"stage/t-{i}/results/v") == b"%d\\n" % i)
                if not whole: bad.append((i, own))
            print(bad[:5], [k for k in names if "lease" in k])
            """)
        #expect(answer == "[] []\n")
    }

    /// Every tenth request is refused, delayed or cut off, or its answer is lost.
    @Test(arguments: S3Server.Kind.allCases) func aBadNetwork(_ kind: S3Server.Kind) throws {
        let stage = try S3Stage(kind)
        let seed = SeededGenerator.chosenSeed
        let proxy = try FaultProxy(before: stage.server, rate: 0.1, seed: seed, in: stage.session.space)
        try stage.write(Self.sweep.replacing("COUNT", with: "200"), endpoint: proxy.url)
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "seed \(seed): \(run.err)")
        let faults = Set(try proxy.faults)
        #expect(faults.count == 8, "some fault was never tried: \(faults), seed \(seed)")
        #expect(try stage.ran() == Self.names(200), "seed \(seed)")
        // After a connection that was cut off rclone answers for some objects with 500 until it is started again.
        if kind == .rclone {
            stage.server.stop()
            try stage.server.start()
        }
        try check(stage, 200)
        #expect(try stage.session.saturn("run").out.hasPrefix("stage: 200 up to date"), "seed \(seed)")
        let other = try stage.session.saturn("collect", "run.yaml", "--to", "here", "--state", "other")
        #expect(other.status == 0, "seed \(seed): \(other.err)")
        for i in 1...200 { #expect(try stage.session.read("here/t-\(i)/results/v") == "\(i)\n") }
        #expect(try stage.ran() == Self.names(200), "seed \(seed)")
    }

    @Test(.timeLimit(.minutes(25))) func aServerThatGoes() throws {
        let stage = try S3Stage(
            tasks: """
                [{name: a, command: "echo a >> $RAN"},
                 {name: b, command: "echo b >> $RAN; echo ready > $PIPE; read line < $GO; echo b > $RESULTS_DIR/v"},
                 {name: c, command: "echo c >> $RAN", needs: [b]}]
                """)
        let (ready, go) = (try Meeting(stage.session.space.path("ready")), try Meeting(stage.session.space.path("go")))
        stage.session.environment["PIPE"] = ready.path
        stage.session.environment["GO"] = go.path
        let run = try stage.session.background("run")
        _ = try ready.line()
        stage.server.stop()
        go.send()
        let end = try run.ended()
        #expect(end.status == 3)
        #expect(end.err.contains("in 9 tries"), "\(end.err)")
        #expect(end.err.contains("hint: check endpoint_url and the network; saturn run goes on from here"))
        let before = try stage.ran()
        #expect(before.contains("b"))
        try stage.server.start()
        let plan = try stage.session.saturn("plan")
        #expect(plan.status == 0, "\(plan.err)")
        let again = try stage.session.saturn("run")
        #expect(again.status == 0, "\(again.err)")
        #expect(try stage.ran() == ["a", "b", "c"])
        #expect(try stage.boto3("print(read('stage/b/results/v'), read('stage/b/status'))") == "b'b\\n' b'success'\n")
    }

    /// Nothing is executed twice but what ran when saturn was killed.
    @Test func killed() throws {
        let stage = try S3Stage(tasks: Self.sweep.replacing("COUNT", with: "200"))
        let seed = SeededGenerator.chosenSeed
        var random = SeededGenerator(seed: seed)
        var kills = 0
        for _ in 0..<60 {
            let run = try stage.session.background("run")
            poll(nil, 0, Int32.random(in: 5...150, using: &random))
            run.kill()
            guard try run.ended().status == 137 else { break }
            kills += 1
        }
        #expect(kills > 4, "seed \(seed)")
        let last = try stage.session.saturn("run")
        #expect(last.status == 0, "seed \(seed): \(last.err)")
        let ran = try stage.ran()
        #expect(Set(ran).count == 200, "seed \(seed)")
        // Each kill cuts off what ran, two at a time, and what had ended within the moment before it was noticed.
        #expect(ran.count <= 200 + 4 * kills, "\(ran.count - 200) again after \(kills) kills, seed \(seed)")
        try check(stage, 200)
        #expect(try stage.session.saturn("run").out.hasPrefix("stage: 200 up to date"))
        #expect(try stage.session.saturn("run", "--state", "other").out.hasPrefix("stage: 200 up to date"))
    }

    /// Results wait for a server that says nothing: who asks three times need not wait for it.
    @Test func stoppedWhileTheServerHangs() throws {
        let stage = try S3Stage(tasks: "[{name: a, command: \"echo a >> $RAN; echo ready > $PIPE; read line < $GO\"}]")
        let (ready, go) = (try Meeting(stage.session.space.path("ready")), try Meeting(stage.session.space.path("go")))
        stage.session.environment["PIPE"] = ready.path
        stage.session.environment["GO"] = go.path
        let run = try stage.session.background("run")
        _ = try ready.line()
        stage.server.pause()
        go.send()
        // From then on all that is left to do is to upload.
        let complete = "for i in $(seq 600); do ls .saturn/staging/*/a/status && exit; sleep 0.05; done; exit 1"
        #expect(try stage.session.shell(complete).status == 0)
        for _ in 0..<3 {
            run.signal(SIGINT)
            // Two that come together would be one.
            poll(nil, 0, 100)
        }
        #expect(try run.ended(within: 10).status == 130)
        stage.server.resume()
        #expect(try stage.session.saturn("run").status == 0)
        #expect(try stage.ran() == ["a"])
        #expect(try stage.objects().contains("a/status"))
    }

    @Test func aFailureWithANameThatIsTooLong() throws {
        let name = String(repeating: "n", count: 240)
        let stage = try S3Stage(
            tasks: """
                [{name: a, command: "mkdir -p $RESULTS_DIR/\(name)/\(name)/\(name) && : > $RESULTS_DIR/\(name)/\(name)/\(name)/\(name); exit 3"}]
                """)
        #expect(try stage.session.saturn("run").status == 1)
        #expect(try stage.objects() == ["a/error", "a/events", "a/status"])
    }

    /// Killed before anybody has looked whether what the task counts is still the same: what is not is run again.
    @Test(arguments: [false, true]) func nobodyHasChecked(_ isTouched: Bool) throws {
        let stage = try S3Stage(
            tasks: "[{name: a, inputs: [x], command: \"echo a >> $RAN; cp x $RESULTS_DIR/x\"}]")
        try stage.session.write("x", "1")
        // What was written a moment before the task began counts as changed; here it is time itself that is awaited.
        usleep(100_000)
        let killed = try stage.session.debugBuild("run", env: ["SATURN_TEST_DIE_AT": "publish.end"])
        #expect(killed.status == 137)
        #expect(try !stage.objects().contains("a/status"))
        if isTouched {
            try stage.session.write("x", "2")
            try stage.session.write("x", "1")
        }
        let plan = try stage.session.saturn("plan")
        #expect(
            plan.out.contains(isTouched ? "code or an input changed while it ran (a)" : "reuse    1"), "\(plan.out)")
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(try stage.ran() == (isTouched ? ["a", "a"] : ["a"]))
        #expect(try stage.objects().contains("a/status"))
        #expect(try stage.session.saturn("plan", "--exit-code", "--state", "other").status == 0)
    }

    @Test(arguments: ["status", "results/v", "events", "log"]) func anObjectIsDeleted(_ name: String) throws {
        let stage = try S3Stage(tasks: Self.sweep.replacing("COUNT", with: "3"))
        #expect(try stage.session.saturn("run").status == 0)
        let victim = try #require(try stage.objects().first { $0.hasPrefix("t-2/\(name)") })
        try stage.delete(victim)
        // The index is believed, unless one asks for more.
        #expect(try stage.session.saturn("plan", "--exit-code").status == 0)
        let plan = try stage.session.saturn("plan", "--verify")
        #expect(plan.out.contains("run      1"), "\(plan.out)")
        #expect(plan.out.contains("(t-2)"), "\(plan.out)")
        let collect = try stage.session.saturn("collect", "--to", "here")
        #expect(collect.status == (name == "status" ? 0 : 3), "\(collect.err)")
        let run = try stage.session.saturn("run", "--verify")
        #expect(run.status == 0, "\(run.err)")
        #expect(try stage.ran() == ["t-1", "t-2", "t-2", "t-3"])
        try check(stage, 3)
        for state in [".saturn", "other"] {
            #expect(try stage.session.saturn("plan", "--verify", "--exit-code", "--state", state).status == 0)
            #expect(try stage.session.saturn("plan", "--exit-code", "--state", state).status == 0)
        }
        #expect(try stage.session.saturn("collect", "--to", "there").status == 0)
    }

    /// Of the same size; and it does not come back from the attic as good either.
    @Test(arguments: S3Server.Kind.allCases) func anObjectIsReplaced(_ kind: S3Server.Kind) throws {
        let stage = try S3Stage(kind, tasks: Self.sweep.replacing("COUNT", with: "3"))
        #expect(try stage.session.saturn("run").status == 0)
        // Servers tell times in seconds.
        usleep(1_100_000)
        _ = try stage.boto3("s3.put_object(Bucket='bucket', Key='sweeps/stage/t-2/results/v', Body=b'9\\n')")
        #expect(try stage.session.saturn("plan", "--exit-code").status == 0)
        #expect(try stage.session.saturn("plan", "--verify").out.contains("(t-2)"))
        #expect(try stage.session.saturn("run", "--verify").status == 0)
        #expect(try stage.ran() == ["t-1", "t-2", "t-2", "t-3"])
        try check(stage, 3)
        #expect(try stage.session.saturn("plan", "--verify", "--exit-code").status == 0)
    }

    @Test func aSpoiledIndex() throws {
        let stage = try S3Stage(tasks: Self.sweep.replacing("COUNT", with: "3"))
        #expect(try stage.session.saturn("run").status == 0)
        _ = try stage.boto3(
            """
            for key in keys("stage/.saturn/index/"):
                s3.put_object(Bucket="bucket", Key="sweeps/" + key, Body=read(key)[:-20])
            """)
        let plan = try stage.session.saturn("plan", "--exit-code", "--state", "other")
        #expect(plan.status == 0, "\(plan.out)")
        #expect(plan.err.contains("of the results' index is damaged: it is cut off; the objects are listed instead"))
        let run = try stage.session.saturn("run", "--state", "other")
        #expect(run.out.hasPrefix("stage: 3 up to date"))
        #expect(run.err.contains("it is made again from the objects"))
        let again = try stage.session.saturn("run", "--state", "third")
        #expect(!again.err.contains("damaged") && again.out.hasPrefix("stage: 3 up to date"))
        #expect(try stage.ran() == Self.names(3))
    }
}

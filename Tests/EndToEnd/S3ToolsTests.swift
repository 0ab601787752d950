import Engines
import Foundation
import SaturnTesting
import Testing

/// What people do with results in S3: looking, fetching, pruning; and what it costs in requests and memory.
@Suite(.ownThread, .enabled(if: S3Server.missing == nil, Comment(rawValue: S3Server.missing ?? "")))
struct S3ToolsTests {
    /// The layout comes down as if the run had been a local one, and only what is new.
    @Test func collecting() throws {
        let stage = try S3Stage(
            tasks: """
                [{name: "lr 0.5 (é)", retries: 1, command: "echo try $SATURN_ATTEMPT; cd \\"$RESULTS_DIR\\"; mkdir d; \
                ln -s d l; echo v > 'd/a+b %41 é'; test $SATURN_ATTEMPT = 2"},
                 {name: bad, command: "echo no; exit 3"}]
                """)
        let run = try stage.session.saturn("run")
        #expect(run.status == 1)
        let collect = try stage.session.saturn("collect", "--to", "here")
        #expect(collect.status == 1)
        #expect(collect.err.contains("2 results fetched ("), "\(collect.err)")
        let files = try stage.session.shell(
            "cd here && find . -path ./.saturn -prune -o ! -type d -print | LC_ALL=C sort")
        #expect(
            files.out == """
                ./bad/error
                ./bad/events
                ./bad/log
                ./bad/status
                ./lr 0.5 (é)/events
                ./lr 0.5 (é)/log
                ./lr 0.5 (é)/log.1
                ./lr 0.5 (é)/results/d/a+b %41 é
                ./lr 0.5 (é)/results/l
                ./lr 0.5 (é)/status

                """)
        #expect(try stage.session.read("here/lr 0.5 (é)/log") == "try 2\n")
        #expect(try stage.session.read("here/lr 0.5 (é)/log.1") == "try 1\n")
        #expect(try stage.session.read("here/lr 0.5 (é)/results/d/a+b %41 é") == "v\n")
        #expect(try stage.session.read("here/bad/error") == "3")
        let second = try stage.session.saturn("collect", "--to", "here")
        #expect(second.err.contains("0 results fetched (0 B), 2 up to date"))
        try stage.session.replace("exit 3", "exit 0", in: "run.yaml")
        #expect(try stage.session.saturn("run").status == 0)
        let third = try stage.session.saturn("collect", "--to", "here")
        #expect(third.err.contains("1 result fetched ("), "\(third.err)")
        #expect(try stage.session.read("here/bad/status") == "success")
        // A copy has all of it, too.
        #expect(try stage.session.saturn("run", "--name", "second").out.hasPrefix("second: 2 restored"))
        #expect(try stage.session.saturn("collect", "--name", "second", "--to", "copy").status == 0)
        let same =
            "for f in log log.1 results status; do diff -r \"here/lr 0.5 (é)/$f\" \"copy/lr 0.5 (é)/$f\" || exit 1; done"
        #expect(try stage.session.shell(same).status == 0)
        #expect(try stage.session.saturn("logs", "lr 0.5 (é)", "--name", "second").out == "try 2\n")
        // On another machine the run file is enough.
        let other = try stage.session.saturn("collect", "run.yaml", "--to", "there", "--state", "other")
        #expect(other.status == 0, "\(other.err)")
        #expect(
            try stage.session.shell("diff -r here/bad there/bad && diff -r 'here/lr 0.5 (é)' 'there/lr 0.5 (é)'").status
                == 0)
        #expect(!stage.session.exists("other"))
        // What is refused leaves nothing of itself behind.
        try stage.session.write("mine/bad/notes", "mine")
        let refused = try stage.session.saturn("collect", "run.yaml", "--to", "mine")
        #expect(refused.status == 4, "\(refused.err)")
        #expect(refused.err.contains("/mine/bad was not made by saturn\n"), "\(refused.err)")
        #expect(try stage.session.read("mine/bad/notes") == "mine")
        #expect(try stage.session.shell("ls mine/.saturn/incoming").out == "")
    }

    /// Of a run on this machine the log is followed where it grows.
    @Test func following() throws {
        let stage = try S3Stage(
            tasks: "[{name: a, command: \"echo one; echo ready > $PIPE; read line < $GO; echo two\"}]")
        let (ready, go) = (try Meeting(stage.session.space.path("ready")), try Meeting(stage.session.space.path("go")))
        stage.session.environment["PIPE"] = ready.path
        stage.session.environment["GO"] = go.path
        let run = try stage.session.background("run")
        _ = try ready.line()
        let logs = try stage.session.background("logs", "a", "-f")
        try logs.waitForOutput("one\n")
        go.send()
        #expect(try run.ended().status == 0)
        #expect(try logs.ended().out == "one\ntwo\n")
        #expect(try stage.session.saturn("logs", "a", "-f").out == "one\ntwo\n")
    }

    @Test func pruning() throws {
        let stage = try S3Stage(
            tasks: "[{name: a, command: \"echo VERSION > $RESULTS_DIR/v\"}, {name: b, command: 'true'}]")
        for version in ["one", "two", "three"] {
            let text = try stage.session.read("run.yaml")
            try stage.session.write(
                "run.yaml", text.replacing(/echo \w+ >/, with: "echo \(version) >"))
            #expect(try stage.session.saturn("run").status == 0)
        }
        let dry = try stage.session.saturn("gc", "--all", "-n")
        #expect(dry.out.contains("2 superseded results"), "\(dry.out) \(dry.err)")
        // A server that is away, or says that there is nothing, is no reason to delete anything.
        let before = try stage.boto3("print(len(keys()))")
        stage.server.stop()
        let away = try stage.session.saturn("gc", "--all")
        #expect(away.status == 3)
        try stage.server.start()
        #expect(try stage.boto3("print(len(keys()))") == before)
        let pruned = try stage.session.saturn("gc", "--keep-last", "2")
        #expect(pruned.status == 0 && pruned.out.contains("1 superseded result"), "\(pruned.out) \(pruned.err)")
        let rest = try stage.session.saturn("gc", "--all")
        #expect(rest.status == 0 && rest.out.contains("1 superseded result"), "\(rest.out) \(rest.err)")
        #expect(try stage.boto3("print([k for k in keys() if 'attic' in k or 'lease' in k])") == "[]\n")
        #expect(try stage.boto3("print(len([k for k in keys() if '/index/' in k]))") == "1\n")
        #expect(try stage.session.saturn("plan", "--exit-code", "--verify").status == 0)
        let all = try stage.session.saturn("gc", "--name", "stage", "--results", "--all")
        #expect(all.status == 0, "\(all.err)")
        #expect(try stage.objects() == [])
    }

    @Test func anAtticThatIsListedAsEmpty() throws {
        let stage = try S3Stage(tasks: "[{name: a, command: \"echo one > $RESULTS_DIR/v\"}]")
        #expect(try stage.session.saturn("run").status == 0)
        try stage.session.replace("echo one", "echo two", in: "run.yaml")
        #expect(try stage.session.saturn("run").status == 0)
        _ = try stage.boto3(
            "for k in keys('stage/.saturn/attic/'): s3.delete_object(Bucket='bucket', Key='sweeps/' + k)")
        let gc = try stage.session.saturn("gc", "--all")
        #expect(gc.status == 3)
        #expect(gc.err.contains("is listed as empty, and its index knows of 1 results"), "\(gc.err)")
        try stage.session.replace("echo two", "echo one", in: "run.yaml")
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(try stage.boto3("print(read('stage/a/results/v'))") == "b'one\\n'\n")
    }

    /// Ten thousand results, planned by whoever has nothing but the run file, and by whoever made them.
    @Test(.timeLimit(.minutes(25))) func requestsOfAPlan() throws {
        let stage = try S3Stage()
        let tasks = "[{name: \"t-{i}\", command: 'echo {i}', sweep: {grid: {i: {range: [1, 10000]}}}}]"
        try stage.write(tasks, jobs: 8, endpoint: "")
        stage.session.environment["AWS_ENDPOINT_URL_S3"] = stage.server.url
        let run = try stage.session.background("run")
        #expect(try run.ended(within: 500).status == 0)
        let proxy = try FaultProxy(before: stage.server, rate: 0, seed: 1, in: stage.session.space)
        stage.session.environment["AWS_ENDPOINT_URL_S3"] = proxy.url
        for state in ["other", ".saturn"] {
            let before = try proxy.faults.count
            let plan = try stage.session.saturn("plan", "--exit-code", "--json", "--state", state)
            #expect(plan.status == 0)
            #expect(
                plan.out.contains("\"reuse\" : 10000") || plan.out.contains("\"reuse\":10000"),
                "\(plan.out.prefix(300))")
            let requests = try proxy.faults.count - before
            #expect((1...30).contains(requests), "\(requests) requests with \(state)")
        }
        let before = try proxy.faults.count
        let reuse = try stage.session.saturn("run", "--state", "third")
        #expect(reuse.out.hasPrefix("stage: 10000 up to date"), "\(reuse.err)")
        let requests = try proxy.faults.count - before
        #expect(requests <= 30, "\(requests) requests")
    }

    /// Up and down in little memory, whatever the size.
    @Test func memory() throws {
        let stage = try S3Stage(
            tasks:
                "[{name: a, command: 'head -c 300000000 /dev/urandom > $RESULTS_DIR/v; head -c 100000000 $RESULTS_DIR/v'}]"
        )
        let up = try stage.session.measured("run")
        #expect(up.run.status == 0, "\(up.run.err)")
        #expect(up.peakMemory < 100_000_000, "\(up.peakMemory) bytes to upload")
        let down = try stage.session.measured("collect", "--to", "here")
        #expect(down.run.status == 0, "\(down.run.err)")
        #expect(down.peakMemory < 100_000_000, "\(down.peakMemory) bytes to download")
        let same = try stage.session.shell(
            "head -c 100000000 here/a/results/v | cmp - here/a/log && cmp here/a/results/v ../s3-*/bucket/sweeps/stage/a/results/v"
        )
        #expect(same.status == 0, "\(same.err)")
    }

    @Test func detached() throws {
        let stage = try S3Stage(
            tasks:
                "[{name: a, command: \"echo a >> $RAN; echo ready > $PIPE; read line < $GO\"}, {name: b, needs: [a], command: echo b >> $RAN}]"
        )
        let (ready, go) = (try Meeting(stage.session.space.path("ready")), try Meeting(stage.session.space.path("go")))
        stage.session.environment["PIPE"] = ready.path
        stage.session.environment["GO"] = go.path
        #expect(try stage.session.saturn("run", "--detach").status == 0)
        _ = try ready.line()
        go.send()
        let collect = try stage.session.saturn("collect", "--to", "here")
        #expect(collect.status == 0, "\(collect.err)")
        #expect(try stage.session.read("here/b/status") == "success")
        #expect(try stage.ran() == ["a", "b"])
    }

    @Test func terminated() throws {
        let stage = try S3Stage(
            tasks: "[{name: a, command: \"echo a >> $RAN; echo ready > $PIPE; sleep 600\"}, {name: b, command: 'true'}]"
        )
        let ready = try Meeting(stage.session.space.path("ready"))
        stage.session.environment["PIPE"] = ready.path
        let run = try stage.session.background("run")
        _ = try ready.line()
        #expect(try stage.session.saturn("terminate").status == 0)
        #expect(try run.ended().status == 143)
        let objects = try stage.objects()
        #expect(objects.contains("a/events") && !objects.contains("a/status"), "\(objects)")
        let plan = try stage.session.saturn("plan", "--state", "other")
        #expect(plan.out.contains("run      1  ") && plan.out.contains("(a)"), "\(plan.out)")
    }
}

import Engines
import Foundation
import SaturnTesting
import Testing

/// Results in S3, on real servers, read back by a client that is not ours.
@Suite(.ownThread, .enabled(if: S3Server.missing == nil, Comment(rawValue: S3Server.missing ?? "")))
struct S3RunTests {
    @Test(arguments: S3Server.Kind.allCases) func learningRates(_ kind: S3Server.Kind) throws {
        let stage = try S3Stage(kind)
        let session = stage.session
        let package = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        _ = try session.shell("cp /\(package)/examples/lr-sweep/train.py /\(package)/examples/lr-sweep/*.csv .")
        let tasks = [0.5, 0.6, 0.7, 0.8].map {
            "{name: lr-\($0), command: python3 train.py --lr \($0) --epochs 200; echo lr-\($0) >> $RAN}"
        }
        try stage.write(
            "[\(tasks.map { $0.replacing("command: ", with: "command: \"") .replacing("}", with: "\"}") }.joined(separator: ", "))]"
        )
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out.hasPrefix("stage: 4 succeeded (T)\nresults: s3://bucket/sweeps/stage?endpoint="))
        let found = try stage.boto3(
            """
            for task in ["lr-0.5", "lr-0.6", "lr-0.7", "lr-0.8"]:
                names = keys(f"stage/{task}/")
                log = [n for n in names if "/log/" in n]
                assert [n.split("/")[-1] for n in log] == ["000001"], names
                rest = [n[len(f"stage/{task}/"):] for n in names if "/log/" not in n]
                assert rest == ["events", "results/loss.csv", "results/metrics.json", "status"], rest
                assert read(f"stage/{task}/status") == b"success"
                assert json.loads(read(f"stage/{task}/results/metrics.json"))["lr"] == float(task[3:])
                head = s3.head_object(Bucket="bucket", Key=f"sweeps/stage/{task}/results/metrics.json")
                assert head["ContentType"] == "application/json", head
                digest = hashlib.sha256(read(f"stage/{task}/results/metrics.json")).hexdigest()
                # rclone keeps no metadata of a file's.
                assert head["Metadata"].get("sha256", \(kind == .rclone ? "digest" : "None")) == digest, head
                sys.stdout.write(b"".join(map(read, log)).decode())
            """)
        let logs = try session.shell(
            "for lr in 0.5 0.6 0.7 0.8; do RESULTS_DIR=$PWD python3 train.py --lr $lr --epochs 200; done")
        #expect(found == String(decoding: logs.rawOut, as: UTF8.self) && !found.isEmpty)
        let again = try session.saturn("run")
        #expect(again.out.hasPrefix("stage: 4 up to date (T)\n"))
        #expect(try stage.ran() == ["lr-0.5", "lr-0.6", "lr-0.7", "lr-0.8"])
    }

    /// Bytes of every value, in chunks of one second.
    @Test(arguments: S3Server.Kind.allCases) func aLogInChunks(_ kind: S3Server.Kind) throws {
        let stage = try S3Stage(
            kind, tasks: "[{name: a, command: python3 talk.py}, {name: b, command: echo b}]", more: "log_chunk: 1s")
        try stage.session.write(
            "talk.py",
            """
            import os, time
            for n in range(45):
                os.write(1, bytes(range(256)) * 3 + b"%d\\n" % n)
                time.sleep(0.1)
            """)
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.err)")
        let answer = try stage.boto3(
            """
            chunks = [k for k in keys("stage/a/") if "/log/" in k]
            numbers = [int(k.split("/")[-1]) for k in chunks]
            log = b"".join(map(read, chunks))
            whole = b"".join(bytes(range(256)) * 3 + b"%d\\n" % n for n in range(45))
            print(numbers == list(range(1, len(chunks) + 1)), len(chunks) >= 3, log == whole)
            """)
        #expect(answer == "True True True\n")
        let collected = try stage.session.saturn("collect", "--to", "here")
        #expect(collected.status == 0, "\(collected.err)")
        #expect(try stage.session.bytes("here/a/log").count == 45 * 768 + 125)
    }

    @Test func aWrongSecret() throws {
        let stage = try S3Stage(tasks: "[{name: a, command: echo a >> $RAN}]")
        for command in ["plan", "run"] {
            let run = try stage.session.saturn(command, env: ["AWS_SECRET_ACCESS_KEY": "no"])
            #expect(run.status == 3)
            #expect(
                run.err == """
                    saturn: error: cannot read s3://bucket/sweeps/stage/.saturn/owner: the server at \
                    127.0.0.1:\(stage.server.port) refuses the signature: the secret key is wrong
                      hint: check AWS_SECRET_ACCESS_KEY, or the profile's aws_secret_access_key; and the region

                    """)
        }
        #expect(try stage.ran() == [])
    }

    @Test func noCredentials() throws {
        let stage = try S3Stage(tasks: "[{name: a, command: echo a >> $RAN}]")
        let run = try stage.session.saturn("run", env: ["AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""])
        #expect(run.status == 3)
        #expect(run.err.contains("no credentials for S3 were found"))
        #expect(run.err.contains("hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"))
    }

    @Test func settingsThatAreWrong() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: x
            tasks: [{name: a, comand: 'true'}]
            results:
              class_spec: S3
              s3_url: my-bucket/x
              endpoint_url: 127.0.0.1:9000
              log_chunk: [1]
            """)
        let plan = try session.saturn("plan")
        #expect(plan.status == 2)
        for line in [
            "run.yaml:5:11: error: 'my-bucket/x' is no address of a bucket; s3_url: \"s3://bucket/prefix/{name}\"",
            "run.yaml:6:17: error: '127.0.0.1:9000' is no address of a server; \"https://s3.example.org\"",
            "run.yaml:7:14: error: log_chunk wants minutes, or a duration like 30s",
            "run.yaml:2:19: error: unknown key 'comand'; did you mean 'command'?",
        ] {
            #expect(plan.err.contains(line + "\n"), "\(line) in\n\(plan.err)")
        }
        try session.write("run.yaml", "{name: x, tasks: [{name: a, command: 'true'}], results: {class_spec: S3}}")
        let none = try session.saturn("plan")
        #expect(none.status == 2)
        #expect(none.err.hasPrefix("run.yaml:1:70: error: results in S3 need an s3_url; s3_url: "), "\(none.err)")
    }

    @Test(arguments: ["http://h:65536", "http://h:", "http://:80", "http://h:8o", "ftp://h", "http://a@h", "http://"])
    func noServer(_ endpoint: String) throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            "{tasks: [{command: 'true'}], results: {class_spec: S3, s3_url: 's3://b/x', endpoint_url: '\(endpoint)'}}")
        let plan = try session.saturn("plan")
        #expect(plan.status == 2)
        #expect(plan.err.contains("error: '\(endpoint)' is no address of a server"), "\(plan.err)")
    }

    /// Who vouches for a server, `AWS_CA_BUNDLE` says, as for other programs.
    @Test func overTLS() throws {
        let session = try Session()
        let server = try S3Server(.rclone, isSecure: true, in: session.space)
        try session.write(
            "run.yaml",
            """
            {name: a, tasks: [{name: a, command: 'true'}],
             results: {class_spec: S3, s3_url: "s3://bucket/a", endpoint_url: "\(server.url)", region: us-east-1}}
            """)
        session.environment["AWS_ACCESS_KEY_ID"] = S3Server.accessKey
        session.environment["AWS_SECRET_ACCESS_KEY"] = S3Server.secretKey
        let stranger = try session.saturn("run")
        #expect(stranger.status == 3)
        #expect(stranger.err.contains("SSL certificate problem"), "\(stranger.err)")
        session.environment["AWS_CA_BUNDLE"] = server.certificate
        #expect(try session.saturn("run").out.hasPrefix("a: 1 succeeded"))
    }

    @Test func noSuchBucket() throws {
        let stage = try S3Stage(tasks: "[{name: a, command: echo a >> $RAN}]")
        let run = try stage.session.saturn("run", "--set", "results.s3_url=s3://nowhere/x")
        #expect(run.status == 3)
        #expect(run.err.contains("there is no bucket 'nowhere' at 127.0.0.1:"), "\(run.err)")
        #expect(try stage.ran() == [])
    }

    /// As on another machine, with nothing but the run file.
    @Test(arguments: S3Server.Kind.allCases) func aSecondStateFolder(_ kind: S3Server.Kind) throws {
        let stage = try S3Stage(
            kind,
            tasks: """
                [{name: "t-{i}", command: "echo {i} >> $RAN; echo {i} > $RESULTS_DIR/v", sweep: {grid: {i: {range: [1, 9]}}}},
                 {name: sum, needs: ["t-*"], command: "echo sum >> $RAN; cut -f 2 $SATURN_NEEDS | sed s,$,/v, | xargs cat"}]
                """)
        #expect(try stage.session.saturn("run").status == 0)
        let first = try stage.ran()
        #expect(first.count == 10)
        let plan = try stage.session.saturn("plan", "--exit-code", "--state", "other")
        #expect(plan.status == 0, "\(plan.out) \(plan.err)")
        #expect(!stage.session.exists("other"))
        let run = try stage.session.saturn("run", "--state", "other")
        #expect(run.out.hasPrefix("stage: 10 up to date (T)\n"), "\(run.err)")
        #expect(try stage.ran() == first)
        // What is needed comes from the bucket.
        try stage.session.replace("echo sum >>", "echo again; echo sum >>", in: "run.yaml")
        let third = try stage.session.saturn("run", "--state", "third")
        #expect(third.status == 0, "\(third.err)")
        #expect(try stage.ran() == (first + ["sum"]).sorted())
        let logs = try stage.session.saturn("logs", "sum", "--state", "third")
        #expect(logs.out == "again\n1\n2\n3\n4\n5\n6\n7\n8\n9\n")
    }

    /// Somebody who has had a project of his own before.
    @Test func anotherPerson() throws {
        let stage = try S3Stage(tasks: "[{name: a, command: echo a >> $RAN}]")
        #expect(try stage.session.saturn("run").status == 0)
        try stage.session.write("local.yaml", "{name: x, tasks: [{name: x, command: 'true'}]}")
        #expect(try stage.session.saturn("run", "local.yaml", "--state", "theirs").status == 0)
        let reused = try stage.session.saturn("run", "--state", "theirs")
        #expect(reused.out.hasPrefix("stage: 1 up to date"), "\(reused.err)")
        try stage.session.replace("echo a >>", "echo b >>", in: "run.yaml")
        let run = try stage.session.saturn("run", "--state", "theirs")
        #expect(run.status == 0, "\(run.err)")
        #expect(try stage.ran() == ["a", "b"])
        try stage.session.replace("echo b >>", "echo a >>", in: "run.yaml")
        #expect(try stage.session.saturn("run").out.hasPrefix("stage: 1 restored"))
    }

    @Test func twoAtOnce() throws {
        let stage = try S3Stage(tasks: "[{name: a, command: \"echo a >> $RAN; echo ready > $PIPE; read line < $GO\"}]")
        let (ready, go) = (try Meeting(stage.session.space.path("ready")), try Meeting(stage.session.space.path("go")))
        stage.session.environment["PIPE"] = ready.path
        stage.session.environment["GO"] = go.path
        let run = try stage.session.background("run")
        _ = try ready.line()
        let other = try stage.session.saturn("run", "--state", "other")
        #expect(other.status == 4)
        #expect(
            other.err.contains("is in use by process PID on HOST (saturn run ~/run.yaml)"), "\(other.err)")
        go.send()
        #expect(try run.ended().status == 0)
        #expect(try stage.session.saturn("run", "--state", "other").out.hasPrefix("stage: 1 up to date"))
        #expect(try stage.ran() == ["a"])
    }

    @Test func aNameThatIsTooLong() throws {
        let name = String(repeating: "n", count: 240)
        let stage = try S3Stage(
            tasks: """
                [{name: long, command: "mkdir -p $RESULTS_DIR/\(name)/\(name)/\(name) && : > $RESULTS_DIR/\(name)/\(name)/\(name)/\(name)"},
                 {name: other, command: "true"}]
                """)
        let run = try stage.session.saturn("run")
        #expect(run.status == 1)
        #expect(run.err.contains("its name is too long: S3 takes 1,024 bytes in all"), "\(run.err)")
        #expect(run.out.contains("1 succeeded, 1 failed"))
    }
}

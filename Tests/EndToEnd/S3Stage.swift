import Engines
import Foundation
import SaturnTesting

/// A session whose results go to a real server of S3, and what a stranger's client finds there.
///
/// ```swift
/// let stage = try S3Stage(tasks: "[{name: a, command: echo a >> $RAN}]")
/// let run = try stage.session.saturn("run")
/// let objects = try stage.objects()
/// ```
final class S3Stage {
    let session: Session
    let server: S3Server

    /// - Parameter tasks: in YAML's short form.
    init(_ kind: S3Server.Kind = .rclone, tasks: String? = nil, jobs: Int = 2, more: String = "") throws {
        session = try Session()
        server = try S3Server(kind, in: session.space)
        session.environment["AWS_ACCESS_KEY_ID"] = S3Server.accessKey
        session.environment["AWS_SECRET_ACCESS_KEY"] = S3Server.secretKey
        // Not this machine's own.
        session.environment["AWS_EC2_METADATA_DISABLED"] = "true"
        session.environment["RAN"] = session.space.path("ran")
        try session.space.write("ran", "")
        if let tasks { try write(tasks, jobs: jobs, more: more) }
    }

    /// The run file, with `endpoint` or, where that is empty, with what the environment says.
    func write(_ tasks: String, jobs: Int = 2, more: String = "", endpoint: String? = nil) throws {
        try session.write(
            "run.yaml",
            """
            name: stage
            executor: {class_spec: MultiprocessingExecutor, jobs: \(jobs)}
            results:
              class_spec: S3
              s3_url: "s3://bucket/sweeps/{name}"
              region: us-east-1
              \(endpoint == "" ? "" : "endpoint_url: \"\(endpoint ?? server.url)\"")
              \(more)
            defaults: {code: none}
            tasks: \(tasks)
            """)
    }

    /// The names of the tasks that began, in alphabetical order; each has written its own.
    func ran() throws -> [String] {
        try session.read(session.space.path("ran")).split(separator: "\n").map(String.init).sorted()
    }

    func forget() throws { try session.space.write("ran", "") }

    /// Runs a script with a client `s3` of boto3; what it prints.
    func boto3(_ script: String) throws -> String {
        let begin = """
            import boto3, json, sys, hashlib
            from botocore.config import Config
            s3 = boto3.client("s3", endpoint_url="\(server.url)", region_name="us-east-1",
                aws_access_key_id="test", aws_secret_access_key="secret",
                config=Config(s3={"addressing_style": "path"}))
            def keys(prefix=""):
                pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix="sweeps/" + prefix)
                return [o["Key"][len("sweeps/"):] for page in pages for o in page.get("Contents", [])]
            def read(key):
                return s3.get_object(Bucket="bucket", Key="sweeps/" + key)["Body"].read()

            """
        let done = try session.space.run([S3Server.programs + "/python", "-c", begin + script])
        guard done.status == 0 else { throw SessionProblem("boto3: \(done.stderr)") }
        return done.stdout
    }

    /// Below the run's prefix, without saturn's own folder.
    func objects() throws -> [String] {
        try boto3("print('\\n'.join(k for k in keys('stage/') if '/.saturn/' not in k))").split(separator: "\n").map {
            String($0.dropFirst("stage/".count))
        }
    }

    /// Deletes objects as if by hand.
    func delete(_ names: String...) throws {
        for name in names { _ = try boto3("s3.delete_object(Bucket='bucket', Key='sweeps/stage/\(name)')") }
    }
}

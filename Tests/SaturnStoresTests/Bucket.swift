import Glibc
import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnStores

/// A bucket, and saturns on one or several machines that keep results in it.
final class Bucket {
    let space: TestSpace
    let objects = MemoryObjects()
    let key = Digest(of: Array("a key".utf8))
    private var generator = SystemRandomNumberGenerator()

    init() throws {
        space = try TestSpace()
    }

    func attempt() -> AttemptID { AttemptID(using: &generator) }

    /// - Parameter machine: whose staging folder it has.
    func store(_ machine: String = "box", prefix: String = "p/") -> S3Results {
        S3Results(
            location: "s3://bucket/\(prefix.dropLast())", storage: objects, prefix: prefix,
            staging: space.path("\(machine)/staging"))
    }

    /// That has the lease.
    func claimed(_ machine: String = "box", prefix: String = "p/") throws -> S3Results {
        let store = store(machine, prefix: prefix)
        try store.claim(holder: holder(machine))
        return store
    }

    func holder(_ machine: String) -> String {
        "process 1 on \(machine) (saturn run x)\n1 2\n91270c44-966c-44e7-aa84-e5c135bd949f /\(machine)/.saturn\n"
    }

    func header(_ attempt: AttemptID) -> String {
        EventLog.header
            + EventLog.entry(
                "submitted", at: Timestamp(microseconds: 1),
                [
                    Variable("key", key.description), Variable("attempt", attempt.description),
                    Variable("boot", Journal.boot),
                ])
    }

    static let failed = EventLog.entry("complete", at: Timestamp(microseconds: 2), [Variable("exit_code", "3")])
    static let complete = EventLog.entry("complete", at: Timestamp(microseconds: 2))

    /// A task that has run, with a log and a result; in the bucket after the next ``S3Results/sync(at:boot:)``.
    @discardableResult
    func fill(
        _ store: S3Results, _ task: String, _ attempt: AttemptID, result: String = "result of a",
        status: String? = "success"
    ) throws -> FileStamp? {
        let workspace = try store.begin(task, events: header(attempt))
        try space.write(workspace.log, "log of \(task)\n")
        try space.write(workspace.results + "/value", result)
        return try store.publish(
            workspace, events: status == nil ? "" : status == "failure" ? Self.failed : Self.complete, status: status,
            error: status == "failure" ? 3 : nil)
    }

    func sync(_ store: S3Results) throws { try store.sync(at: S3Results.wallClock(), boot: "b") }
}

import Engines
import Glibc
import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnStores

/// A store that the contract suite is run against, with what it needs for that: a real server, where it has one.
final class StoreCandidate {
    enum Kind: String, CaseIterable, Sendable {
        case localDir, rclone, moto

        /// The two servers only where they are installed; the suite says so where they are not.
        static var here: [Kind] { S3Server.missing == nil ? allCases : [.localDir] }
    }

    let kind: Kind
    let space: TestSpace
    private let server: S3Server?
    private var generator = SystemRandomNumberGenerator()
    let key = Digest(of: Array("a key".utf8))

    init(_ kind: Kind) throws {
        self.kind = kind
        space = try TestSpace()
        server =
            switch kind {
            case .localDir: nil
            case .rclone: try S3Server(.rclone, in: space)
            case .moto: try S3Server(.moto, in: space)
            }
    }

    /// - Parameter machine: whose state folder it has; a LocalDir is on one machine only.
    func store(_ machine: String = "one", name: String = "results") throws -> any ResultStore {
        guard let server else { return LocalDir(directory: space.path(name)) }
        var spec = ComponentSpec(name: "S3")
        for (setting, value) in [
            ("s3_url", "s3://bucket/a prefix/{name}"), ("endpoint_url", server.url), ("region", "us-east-1"),
        ] {
            spec.settings[setting] = Setting(.scalar(value), at: SourceMark(line: 0, column: 0))
        }
        let keys = ["AWS_ACCESS_KEY_ID": S3Server.accessKey, "AWS_SECRET_ACCESS_KEY": S3Server.secretKey]
        return try S3Results(spec, run: name, staging: space.path("\(machine)/staging"), environment: keys)
    }

    func claimed(_ machine: String = "one", name: String = "results") throws -> any ResultStore {
        let store = try store(machine, name: name)
        try store.claim(holder: holder(machine))
        return store
    }

    /// Opens the store, brings what `body` made there to an end and lets go of it.
    func use(_ body: (any ResultStore) throws -> Void) throws {
        let store = try claimed()
        try body(store)
        try sync(store)
        try store.finish()
    }

    func holder(_ machine: String) -> String {
        "process 1 on \(machine) (saturn run x)\n1 2\n91270c44-966c-44e7-aa84-e5c135bd949f /\(machine)/.saturn\n"
    }

    func attempt() -> AttemptID { AttemptID(using: &generator) }

    func submitted(_ attempt: AttemptID) -> String {
        EventLog.entry(
            "submitted", at: Timestamp(microseconds: 1),
            [
                Variable("key", key.description), Variable("attempt", attempt.description),
                Variable("boot", Journal.boot),
            ])
    }

    func begin(_ store: any ResultStore, _ task: String, _ attempt: AttemptID) throws -> Workspace {
        try store.begin(task, events: EventLog.header + submitted(attempt))
    }

    static let complete = EventLog.entry("complete", at: Timestamp(microseconds: 2))
    static let failed = EventLog.entry("complete", at: Timestamp(microseconds: 2), [Variable("exit_code", "3")])

    @discardableResult
    func fill(
        _ store: any ResultStore, _ task: String, _ attempt: AttemptID,
        files: [(name: String, bytes: [UInt8])] = [("value", [1, 2])]
    ) throws -> FileStamp? {
        let workspace = try begin(store, task, attempt)
        try space.write(workspace.log, "log of \(task)\n")
        for (name, bytes) in files { try space.write(workspace.results + "/" + name, bytes) }
        return try store.publish(workspace, events: Self.complete, status: "success", error: nil)
    }

    func sync(_ store: any ResultStore) throws { try store.sync(at: S3Results.wallClock(), boot: Journal.boot) }
}

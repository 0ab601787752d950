import GRDB
import Glibc
import SaturnCore
import SaturnLedger
import SaturnTesting
import Testing

/// A ledger's file in a folder of its own, and records to put into it.
final class Book {
    let space: TestSpace
    static let name = "state/ledger.sqlite"
    static let location = "/results"

    init() throws {
        space = try TestSpace()
        space.makeFolder("state")
    }

    var path: String { space.path(Self.name) }

    func writer() throws -> SQLiteLedger { try SQLiteLedger(writing: path) }
    func reader() throws -> SQLiteLedger { try SQLiteLedger(reading: path) }

    /// The file as SQLite sees it, behind the ledger's back.
    func execute(_ sql: String) throws {
        try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
    }

    func strings(_ sql: String) throws -> [String] {
        try DatabaseQueue(path: path).read { try String.fetchAll($0, sql: sql) }
    }

    /// Every file with its inode, size, mode and times; only looking leaves it the same.
    func listing(_ fields: String = "%P %i %s %m %U %T@ %C@\\n") throws -> String {
        try space.run(["find", "state", "-printf", fields]).stdout
    }

    // MARK: Records

    static func id(_ number: UInt64) -> AttemptID {
        var generator = Counter(state: number)
        return AttemptID(using: &generator)
    }

    static func key(_ name: String) -> TaskKey { Digest(of: Array(name.utf8)) }

    static func attempt(
        _ number: UInt64, key: String = "key", task: String = "a", _ place: AttemptRecord.Place = .standing,
        _ state: AttemptRecord.State = .success, location: String = Book.location
    ) -> AttemptRecord {
        AttemptRecord(
            id: id(number), key: Self.key(key), location: location, task: task, run: "run", state: state, place: place)
    }

    static func run(_ name: String, started: Int64 = 1, location: String = Book.location) -> RunRecord {
        RunRecord(
            name: name, specName: nil, file: "/run.yaml", location: location, state: .running,
            started: Timestamp(microseconds: started))
    }

    /// One record of every kind, told apart by `number`.
    static func batch(_ number: UInt64) -> LedgerBatch {
        var batch = LedgerBatch()
        batch.runs = [run("run \(number)")]
        batch.plans = ["run \(number)": [TaskRecord(name: "planned", index: 0, state: .waiting)]]
        batch.manifests = [key("\(number)"): ManifestCoding.encode([Manifest.Field("command", [])])]
        batch.attempts = [attempt(number, key: "\(number)", task: "task \(number)")]
        batch.attempts[0].accepted = [key("accepted \(number)")]
        batch.details = ["detail \(number)": [1]]
        batch.tasks = [("run \(number)", TaskRecord(name: "task", index: 1, state: .succeeded))]
        let stamp = FileStamp(inode: number, size: 1, modified: 2, changed: 3)
        batch.digests = [DigestRecord(path: "/file \(number)", stamp: stamp, digest: key("content"))]
        return batch
    }

    /// Reads everything that ``batch(_:)`` wrote.
    static func readAll(_ ledger: SQLiteLedger, _ number: UInt64) throws -> [Bool] {
        [
            try ledger.runs().contains { $0.name == "run \(number)" },
            try ledger.tasks(of: "run \(number)").map(\.name) == ["planned", "task"],
            try ledger.fields(of: key("\(number)")) != nil,
            try ledger.standing(in: location)["task \(number)"]?.id == id(number),
            try ledger.successes(of: key("\(number)")).count == 1,
            try ledger.attempts([id(number)]).count == 1,
            try ledger.isPlanned("task", in: location, otherThan: "another") || ledger.runs().isEmpty,
            try ledger.digest(of: "/file \(number)") != nil,
            try ledger.detail(of: "detail \(number)") == [1],
            try ledger.successes(of: key("accepted \(number)")).count == 1,
        ]
    }

    private struct Counter: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }
}

extension LedgerBatch {
    init(attempts: [AttemptRecord] = [], plan: [TaskRecord]? = nil, of run: String = "run") {
        self.init()
        self.attempts = attempts
        if let plan { plans = [run: plan] }
    }
}

/// The failure that `body` throws; nothing else will do.
func failure(_ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void) throws -> Failure {
    let error = #expect(throws: Failure.self, sourceLocation: location) { try body() }
    return try #require(error, sourceLocation: location)
}

/// For all threads; does nothing when this process is not root's.
func becomeNobody() {
    if geteuid() == 0 { seteuid(65534) }
}

func becomeRoot() {
    if getuid() == 0 { seteuid(0) }
}

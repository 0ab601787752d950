import Foundation
import GRDB
import SaturnCore

// Records from rows and back; a row that cannot be read is left out, as if it had never been written.

/// A row's value is there, and means nothing.
private struct Unreadable: Error {}

private func known<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Unreadable() }
    return value
}

typealias Data = Foundation.Data

extension Digest {
    var data: Data { Data(bytes) }
}

extension AttemptID {
    var data: Data { Data(bytes) }
}

extension AttemptRecord {
    private static let stale = "stale"

    /// The column `state`.
    var storedState: String { state == .success && !reusable ? Self.stale : state.rawValue }

    init(_ row: Row) throws {
        self.init(
            id: try known(AttemptID(bytes: row.decode(Data.self, atIndex: 0))),
            key: try known(TaskKey(bytes: row.decode(Data.self, atIndex: 1))),
            location: try row.decode(atIndex: 2), task: try row.decode(atIndex: 3), run: try row.decode(atIndex: 4),
            state: try row.decode(atIndex: 5) == Self.stale
                ? .success : known(State(rawValue: row.decode(atIndex: 5))),
            place: try known(Place(rawValue: row.decode(atIndex: 6))))
        reusable = try row.decode(atIndex: 7) && row.decode(atIndex: 5) != Self.stale
        exitCode = try row.decode(atIndex: 8)
        started = try row.decode(Int64?.self, atIndex: 9).map(Timestamp.init)
        ended = try row.decode(Int64?.self, atIndex: 10).map(Timestamp.init)
        if try row.decode(Int64?.self, atIndex: 11) != nil { stamp = try FileStamp(row, from: 11) }
        origin = try row.decode(Data?.self, atIndex: 15).flatMap { AttemptID(bytes: $0) }
    }
}

extension FileStamp {
    /// Four columns.
    init(_ row: Row, from index: Int) throws {
        self.init(
            inode: UInt64(bitPattern: try row.decode(Int64.self, atIndex: index)),
            size: try row.decode(atIndex: index + 1), modified: try row.decode(atIndex: index + 2),
            changed: try row.decode(atIndex: index + 3))
    }
}

extension RunRecord {
    /// The column `arguments`.
    var storedArguments: String {
        get throws { String(decoding: try JSONEncoder().encode(arguments), as: UTF8.self) }
    }

    init(_ row: Row) throws {
        self.init(
            name: try row.decode(atIndex: 0), specName: try row.decode(atIndex: 1), file: try row.decode(atIndex: 2),
            location: try row.decode(atIndex: 3), state: try known(State(rawValue: row.decode(atIndex: 4))),
            started: Timestamp(microseconds: try row.decode(atIndex: 5)))
        ended = try row.decode(Int64?.self, atIndex: 6).map(Timestamp.init)
        exitCode = try row.decode(atIndex: 7)
        arguments = try JSONDecoder().decode([String].self, from: Data(row.decode(String.self, atIndex: 8).utf8))
    }
}

extension TaskRecord {
    init(_ row: Row) throws {
        self.init(
            name: try row.decode(atIndex: 0), index: try row.decode(atIndex: 1),
            state: try known(TaskState(rawValue: row.decode(atIndex: 2))),
            attempt: try row.decode(Data?.self, atIndex: 3).flatMap { AttemptID(bytes: $0) },
            note: try row.decode(atIndex: 4))
    }
}

extension DigestRecord {
    init(_ row: Row) throws {
        self.init(
            path: try row.decode(atIndex: 0), stamp: try FileStamp(row, from: 1),
            digest: try known(Digest(bytes: row.decode(Data.self, atIndex: 5))))
    }
}

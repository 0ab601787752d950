import Foundation
import GRDB
import SaturnCore

// Records from rows and back; a row that cannot be read is left out, as if it had never been written.

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

    /// - Parameters:
    ///   - location: what the column `location` stands for.
    ///   - last: a row that was read before.
    init(_ row: Columns, in location: String, after last: AttemptRecord?) throws {
        let isLikeLast = last.map { row.isText(5, $0.storedState) } ?? false
        let state = try isLikeLast ? last?.storedState ?? "" : row.text(5)
        self.init(
            id: try row.attempt(0), key: try row.digest(1), location: location, task: try row.text(3),
            run: try row.text(4, last: last?.run),
            state: try state == Self.stale ? .success : known(State(rawValue: state)),
            place: try row.isText(6, Place.standing.rawValue) ? .standing : known(Place(rawValue: row.text(6))))
        reusable = try row.integer(7) != 0 && state != Self.stale
        exitCode = try row.exitCode(8)
        started = row.optionalInteger(9).map(Timestamp.init)
        ended = row.optionalInteger(10).map(Timestamp.init)
        if row.optionalInteger(11) != nil { stamp = try row.stamp(from: 11) }
        origin = row.bytes(15).flatMap { AttemptID(raw: $0) }
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
    init(_ row: Columns) throws {
        self.init(
            name: try row.text(0), index: Int(try row.integer(1)), state: try known(TaskState(rawValue: row.text(2))),
            attempt: row.bytes(3).flatMap { AttemptID(raw: $0) }, note: row.optionalText(4))
    }
}

extension Columns {
    /// Whether it is what `init(_:)` would read, without reading it.
    func says(_ task: TaskRecord) -> Bool {
        isText(0, task.name) && optionalInteger(1) == Int64(task.index) && isText(2, task.state.rawValue)
            && bytes(3).flatMap { AttemptID(raw: $0) } == task.attempt
            && (task.note.map { isText(4, $0) } ?? (optionalText(4) == nil))
    }
}

extension DigestRecord {
    init(_ row: Row) throws {
        self.init(
            path: try row.decode(atIndex: 0), stamp: try FileStamp(row, from: 1),
            digest: try known(Digest(bytes: row.decode(Data.self, atIndex: 5))))
    }
}
